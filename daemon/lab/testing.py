"""Runs test files: which tests, with which rules, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daemon.core.errors import BadInput
from daemon.core.journal import Asked
from daemon.lab.comparing import Comparison
from daemon.lab.difference import Difference
from daemon.lab.play import Player, Trouble
from daemon.lab.references import References
from daemon.lab.scenario import Scenario
from daemon.lab.scenario_file import ScenarioFile, read_file
from daemon.lab.shelf import RuleShelf
from rules.errors import LoadError, Problem
from rules.model import RuleSet


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test."""

    differences: tuple[Difference, ...]
    troubles: tuple[Trouble, ...]
    seconds: float
    reached: frozenset[str]  # steps that did something, as plan/step
    questions: frozenset[str]  # why people were asked


@dataclass(frozen=True, slots=True)
class Result:
    """One test and what came of it."""

    file: ScenarioFile
    scenario: Scenario
    outcome: Outcome

    @property
    def passed(self) -> bool:
        return not self.outcome.differences and not self.outcome.troubles


@dataclass
class Run:
    """All results; ``only`` names tests that asked to run alone, which makes the run fail."""

    results: list[Result] = field(default_factory=list)
    only: list[Result] = field(default_factory=list)
    left_out: int = 0

    @property
    def passed(self) -> bool:
        return not self.only and all(one.passed for one in self.results)


@dataclass
class Suite:
    """Test files that were read, with their rules at hand."""

    files: list[ScenarioFile]
    shelf: RuleShelf
    rules: tuple[Path, ...] = ()  # for files that name none
    replaced: bool = False  # and for those that name some

    def load(self, file: ScenarioFile, names: Sequence[str]) -> RuleSet:
        """The rule set that a test means.  Raises LoadError or BadInput."""
        own = () if self.replaced else tuple(file.folder / name for name in names)
        found = own or self.rules
        if not found:
            raise BadInput(f"{file.document.file}: names no rules: add rule_files: [ ... ]")
        return self.shelf.load(found)

    def check(self) -> None:
        """Load all rules and look at all names.  Raises LoadError with everything that is wrong."""
        problems: list[Problem] = []
        for file in self.files:
            looked: dict[tuple[tuple[str, ...], ...], References] = {}
            for scenario in file.scenarios:
                sets = (scenario.rule_files, *(one.rule_files for one in scenario.reloads))
                if sets not in looked:
                    looked[sets] = References(file, [self.load(file, names) for names in sets])
                problems += looked[sets].problems(scenario)
        if problems:
            raise LoadError(dict.fromkeys(problems))

    def watched(self) -> Iterator[Path]:
        """Every file that a run reads."""
        for file in self.files:
            yield Path(file.document.file)
            for scenario in file.scenarios:
                for names in (scenario.rule_files, *(one.rule_files for one in scenario.reloads)):
                    yield from (file.folder / name for name in names)
        yield from self.rules


def read_suite(paths: Sequence[Path], shelf: RuleShelf, rules: Sequence[Path] = ()) -> Suite:
    """Read test files.  Raises LoadError with everything that is wrong in all of them."""
    files: list[ScenarioFile] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            files.append(read_file(path, needs_tests=True))
        except LoadError as error:
            problems += error.problems
    if problems:
        raise LoadError(problems)
    suite = Suite(files, shelf, tuple(rules))
    suite.check()
    return suite


Chosen = list[tuple[ScenarioFile, Scenario]]
Play = Callable[[Suite, Chosen], list[Outcome]]
"""Plays tests, in this process or in several, and gives their outcomes in the same order."""


def run(suite: Suite, play: Play, tags: Collection[str] = ()) -> Run:
    """Run the tests that have one of the tags (none: all); those that say `only` leave out all others."""
    found = [
        (file, scenario)
        for file in suite.files
        for scenario in file.scenarios
        if not tags or set(tags) & set(scenario.tags)
    ]
    alone = [(file, scenario) for file, scenario in found if scenario.only]
    chosen = alone or found
    outcomes = play(suite, chosen)
    done = Run([Result(*one, outcome) for one, outcome in zip(chosen, outcomes, strict=True)])
    done.only = [one for one in done.results if one.scenario.only]
    done.left_out = sum(len(file.scenarios) for file in suite.files) - len(chosen)
    return done


async def play_one(
    suite: Suite, file: ScenarioFile, scenario: Scenario, seconds: Callable[[], float]
) -> Outcome:
    """Play one test; ``seconds`` is a clock for how long it took."""
    began = seconds()
    comparison = Comparison(scenario.start, strict=scenario.strict)
    player = Player(scenario, lambda names: suite.load(file, names), looks=comparison.look)
    world = await player.play(max((one.at for one in scenario.expects), default=None))
    comparison.finish(world, scenario.place)
    asked = (one.entry for one in world.story.entries(Asked))
    return Outcome(
        differences=tuple(comparison.differences),
        troubles=tuple(player.troubles),
        seconds=seconds() - began,
        reached=frozenset(world.story.reached()),
        questions=frozenset(entry.reason for entry in asked if isinstance(entry, Asked)),
    )
