"""Holds the state of a world against what a test expects there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from daemon.core import journal as j
from daemon.core.clock import Instant
from daemon.core.delivery import DeliveryState
from daemon.core.group import Group
from daemon.core.words import COMPONENT_STATUS_OF_IMPACT, Audience, Impact
from daemon.lab.acting import matching, suggestion
from daemon.lab.difference import Difference, of_lists, of_values
from daemon.lab.scenario import Expect, Path, Words
from daemon.lab.story import Posted
from daemon.lab.why import ahead, why_not
from daemon.lab.world import World
from rules import durations

NOTHING = "nothing"


class Comparison:
    """Looks at each ``expect`` in turn; ``differences`` is what was found."""

    def __init__(self, start: Instant, *, strict: bool) -> None:
        self.differences: list[Difference] = []
        self._start = start
        self._strict = strict
        self._seen: dict[str, int] = {}  # channel -> posts at the `expect` before
        self._listed: set[tuple[str, int]] = set()  # (channel, number) of posts that some `expect` lists

    def look(self, world: World, expect: Expect) -> None:
        """Compare everything that this ``expect`` says."""
        _Look(self, world, expect).compare()
        self._seen = {channel: len(posts) for channel, posts in world.story.posts.items()}

    def finish(self, world: World, place: Path) -> None:
        """At the end: with ``strict``, public posts that nobody expected."""
        if not self._strict:
            return
        for channel, posts in world.story.posts.items():
            extra = [one for number, one in enumerate(posts) if (channel, number) not in self._listed]
            if extra and extra[0].public:
                lines = of_lists([], [(one.step, f"at {self.since(one.at)}") for one in extra])
                at = world.clock.now() - self._start
                self.differences.append(
                    Difference(place, at, f"strict: posts on {channel} that no `expect` lists", lines)
                )

    def since(self, instant: Instant) -> str:
        return durations.show(max(instant - self._start, 0))

    def posts(self, world: World, channel: str, groups: frozenset[int] | None, *, new: bool) -> list[Posted]:
        """What a channel took so far, or since the ``expect`` before; they count as listed."""
        first = self._seen.get(channel, 0) if new else 0
        found = []
        for number, post in enumerate(world.story.posts.get(channel, ())):
            if number >= first and (groups is None or post.group in groups):
                self._listed.add((channel, number))
                found.append(post)
        return found


class _Look:
    """One ``expect``."""

    def __init__(self, comparison: Comparison, world: World, expect: Expect) -> None:
        self.whole = comparison
        self.world = world
        self.expect = expect
        self.all = world.states()
        self.chosen = matching(self.all, expect.incident)
        self.groups = None if expect.incident is None else frozenset(one.id for one in self.chosen)

    def compare(self) -> None:
        expect = self.expect
        if expect.incident is not None and not self.chosen:
            self._differ("incident", notes=(f"no incident has {expect.incident}",), at=("incident",))
            return
        if expect.incidents is not None:
            open_ones = [one for one in self.chosen if one.phase == "open"]
            self._value("incidents", expect.incidents, len(open_ones), ("incidents",))
        self._compare_one()
        for name in ("posts", "new_posts"):
            for channel, steps in getattr(expect, name).items():
                self._compare_posts(name, channel, steps)
        self._compare_people()
        for words in expect.texts:
            self._compare_words(words)

    # -- one incident ------------------------------------------------------

    def _compare_one(self) -> None:
        """What only one incident has."""
        expect = self.expect
        asked: dict[str, tuple[object, Callable[[Group], object]]] = {
            "status": (None if expect.status is None else expect.status.name, lambda one: one.status.name),
            "impact": (None if expect.impact is None else expect.impact.name, lambda one: one.impact.name),
            "plan": (expect.plan, lambda one: one.plan),
        }
        for name, (wanted, get) in asked.items():
            if wanted is not None and (state := self._one(name)) is not None:
                self._value(name, wanted, get(state), (name,))
        if expect.told is not None and (state := self._one("told")) is not None:
            self._list("told", sorted(expect.told), [(name, "") for name in state.told], ("told",))
        if expect.components is not None:
            self._compare_components(expect.components)
        if expect.next is not None and (state := self._one("next")) is not None:
            self._compare_next(state)
        if expect.waiting is not None:
            found = [
                (pending.step, f"until {self.whole.since(pending.until)}")
                for state in self.chosen
                for pending in state.waiting.values()
            ]
            self._list("waiting", expect.waiting, found, ("waiting",))

    def _one(self, name: str) -> Group | None:
        if len(self.chosen) == 1:
            return self.chosen[0]
        if not self.chosen:
            self._differ(name, notes=("there is no incident",), at=(name,))
        else:
            note = f"there are {len(self.chosen)} incidents; pick one with {suggestion(self.chosen)}"
            self._differ(name, notes=(note,), at=(name,))
        return None

    def _compare_components(self, wanted: Mapping[str, str]) -> None:
        worst: dict[str, Impact] = {}
        for state in self.chosen:
            if state.phase == "open":
                for name in state.components:
                    worst[name] = max(worst.get(name, Impact.none), state.impact)
        found = {name: COMPONENT_STATUS_OF_IMPACT[impact].value for name, impact in worst.items()}
        well = COMPONENT_STATUS_OF_IMPACT[Impact.none].value
        for name in dict.fromkeys((*wanted, *found)):
            got, expected = found.get(name, well), wanted.get(name, well)
            path = ("components", name) if name in wanted else ("components",)
            self._value(f"component {name}", expected, got, path)

    def _compare_next(self, state: Group) -> None:
        wanted = self.expect.next
        assert wanted is not None  # noqa: S101 - the caller has looked
        due = self.world.due(state.id)
        step, at = next(ahead(state, self.world.rules_of(state), due), ("", 0))
        got = f"{step} at {self.whole.since(at)}" if step else NOTHING
        if wanted.step == step and wanted.at in (None, at - self.whole._start):  # noqa: SLF001 - of one module
            return
        expected = wanted.step + (f" at {durations.show(wanted.at)}" if wanted.at is not None else "")
        self._differ("next", of_values(expected, got), at=("next",))

    # -- what was said and asked -------------------------------------------

    def _compare_posts(self, name: str, channel: str, wanted: Sequence[str]) -> None:
        found = self.whole.posts(self.world, channel, self.groups, new=name == "new_posts")
        got = [(one.step, f"at {self.whole.since(one.at)}") for one in found]
        missing = list(wanted)
        for step, _ in got:
            if step in missing:
                missing.remove(step)
        title = f"posts on {channel}" if name == "posts" else f"new posts on {channel}"
        self._list(title, wanted, got, (name, channel), self._reasons(missing, channel))

    def _reasons(self, missing: Sequence[str], channel: str) -> Iterator[str]:
        start = self.whole._start  # noqa: SLF001 - of one module
        for step in dict.fromkeys(missing):
            yield from why_not(self.world, start, self.chosen, step, channel)

    def _compare_people(self) -> None:
        expect, story = self.expect, self.world.story
        for channel, steps in expect.queued.items():
            self._list(f"queued on {channel}", steps, self._queued(channel), ("queued", channel))
        for whom, steps in expect.asked.items():
            got = [
                (one.entry.step or one.entry.reason, f"at {self.whole.since(one.at)}")
                for one in story.entries(j.Asked, groups=self.groups)
                if isinstance(one.entry, j.Asked) and one.entry.whom == whom
            ]
            self._list(
                f"questions to {whom}", steps, got, ("asked", whom), self._reasons(steps[len(got) :], "")
            )
        reasons = {
            one.entry.step: one.entry.reason
            for one in story.entries(j.Skipped, groups=self.groups)
            if isinstance(one.entry, j.Skipped)
        }
        for step, reason in expect.skipped.items():
            got_reason = reasons.get(step, "not skipped")
            self._value(f"why {step} was skipped", reason, got_reason, ("skipped", step))
        self._compare_promises()

    def _queued(self, channel: str) -> list[tuple[str, str]]:
        return [
            (one.step or one.question, f"since {self.whole.since(one.at)}")
            for state in self.chosen
            if (view := state.channels.get(channel)) is not None
            for update, one in view.queued.items()
            if view.states.get(update) == DeliveryState.queued
        ]

    def _compare_promises(self) -> None:
        expect = self.expect
        if expect.promises is not None:
            for name in ("kept", "broken"):
                wanted = getattr(expect.promises, name)
                got = sum(getattr(one, f"promises_{name}") for one in self.chosen)
                if wanted is not None:
                    self._value(f"promises {name}", wanted, got, ("promises", name))
        if expect.longest_silence is not None:
            longest = max(map(self._silence, self.chosen), default=0)
            if longest > expect.longest_silence:
                expected = f"at most {durations.show(expect.longest_silence)}"
                lines = of_values(expected, durations.show(longest))
                self._differ("longest silence", lines, at=("longest_silence",))

    def _silence(self, state: Group) -> int:
        """The longest so far, the one that lasts still included."""
        since = state.last_counting if state.last_counting is not None else state.opened_at
        if state.phase != "open" or since is None:
            return state.longest_silence
        return max(state.longest_silence, self.world.clock.now() - since)

    # -- words -------------------------------------------------------------

    def _compare_words(self, words: Words) -> None:
        what = f"text of {words.step} on {words.on}"
        text = self._text(words)
        if text is None:
            notes = tuple(self._reasons([words.step], words.on)) or (f"{words.step} said nothing there",)
            self._wrong_words(words, what, notes)
            return
        if words.equals is not None and text != words.equals:
            self._wrong_words(words, what, (), of_values(words.equals, text))
        problems = [f"lacks {one!r}" for one in words.contains if one not in text]
        problems += [f"contains {one!r}" for one in words.lacks if one in text]
        if words.matches is not None and re.search(words.matches, text) is None:
            problems.append(f"does not match {words.matches!r}")
        if words.max_length is not None and len(text) > words.max_length:
            problems.append(f"has {len(text)} characters, more than {words.max_length}")
        if problems:
            self._wrong_words(words, what, (*problems, f"the text is: {text}"))

    def _wrong_words(self, words: Words, what: str, notes: tuple[str, ...], lines: tuple = ()) -> None:  # type: ignore[type-arg]
        self.whole.differences.append(Difference(words.place, self.expect.at, what, lines, notes))

    def _text(self, words: Words) -> str | None:
        """The newest text of the step there: said, else waiting for people."""
        found: str | None = None
        for one in self.world.story.entries(j.Said, groups=self.groups):
            if isinstance(one.entry, j.Said) and one.entry.step == words.step and words.on in one.entry.posts:
                found = one.entry.posts[words.on]
        for state in self.chosen:
            for pending in state.waiting.values():
                if pending.step == words.step and words.on in pending.posts:
                    found = pending.posts[words.on]
        return found

    # -- differences -------------------------------------------------------

    def _value(self, what: str, wanted: object, got: object, at: Path) -> None:
        if wanted != got:
            self._differ(what, of_values(str(wanted), str(got)), at=at)

    def _list(
        self,
        what: str,
        wanted: Sequence[str],
        got: Sequence[tuple[str, str]],
        at: Path,
        notes: Iterator[str] | tuple[str, ...] = (),
    ) -> None:
        if list(wanted) != [name for name, _ in got]:
            self._differ(what, of_lists(wanted, got), at=at, notes=tuple(notes))

    def _differ(self, what: str, lines: tuple = (), *, at: Path, notes: tuple[str, ...] = ()) -> None:  # type: ignore[type-arg]
        place = (*self.expect.place, *at)
        self.whole.differences.append(Difference(place, self.expect.at, what, lines, notes))


def public_channels(world: World) -> set[str]:
    """The channels that strangers read."""
    return {name for name, rule in world.rules.channels.items() if rule.audience is Audience.public}
