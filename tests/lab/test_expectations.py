"""Each field of `expect` holds for what is so, and tells what is so where it is not."""

# ruff: noqa: E501 - a line of a test file stays one line here

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.files import run_one, run_text, told

PEOPLE = '{ at: 10m, who: ana, update: "We found it.", status: identified, promise: 45m }'

GOOD = {
    "incidents": "{ at: 59s, incidents: 0 }, { at: 1m, incidents: 1 }",
    "status": "{ at: 2m, status: investigating }",
    "impact": "{ at: 2m, impact: major }",
    "plan": "{ at: 2m, plan: public }",
    "components": "{ at: 2m, components: { checkout: partial_outage, search: operational } }",
    "told": "{ at: 2m, told: [ mail, page ] }",
    "posts": "{ at: 61m, posts: { page: [ first, holding*2 ], mail: [ first, holding, holding ] } }",
    "new posts": "{ at: 2m }, { at: 31m, new_posts: { page: [ holding ] } }, { at: 2h, new_posts: { x: [] } }",
    "asked": "{ at: 57m, asked: { comms: [ nag*2 ], ops: [] } }",
    "promises": "{ at: 31m, promises: { kept: 1, broken: 0 } }",
    "silence": "{ at: 60m, longest_silence: 30m }",
    "next": "{ at: 2m, next: { step: nag, at: 26m } }, { at: 26m, next: { step: holding } }",
    "text": "{ at: 1m, texts: [ { step: first, on: page, contains: [ pay ], lacks: Kafka, matches: 'by [0-9]+' } ] }",
    "nothing yet": "{ at: 0s, incidents: 0, posts: { page: [] }, waiting: [], asked: { comms: [] } }",
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
async def test_what_is_so_passes(tmp_path: Path, name: str) -> None:
    """Written as it is, each field lets the test pass."""
    result = await run_one(tmp_path, f"expect: [ {GOOD[name]} ]")
    assert told(result) == []


BAD = {
    "{ at: 1m, incidents: 2 }": ["incidents: -2 +1"],
    "{ at: 1m, status: resolved, impact: minor, plan: internal }": [
        "status: -resolved +investigating",
        "impact: -minor +major",
        "plan: -internal +public",
    ],
    "{ at: 0s, status: investigating }": ["status:  (there is no incident)"],
    "{ at: 1m, components: { search: major_outage } }": [
        "component search: -major_outage +operational",
        "component checkout: -operational +partial_outage",
    ],
    "{ at: 1m, told: [ page, x ] }": ["told: +mail -x"],
    "{ at: 31m, posts: { page: [ first, clear ] } }": ["posts on page: -clear +holding"],
    "{ at: 61m, posts: { x: [ social ] } }": [
        "posts on x: -social (social: is due in plan public, but its `if` is false: impact >= critical)"
    ],
    "{ at: 20m, posts: { page: [ first, holding ] } }": ["posts on page: -holding (holding: comes at 31m)"],
    "{ at: 2m, posts: { page: [ first, tell ] } }": [
        "posts on page: -tell (tell: is no step of plan public, which INC-1 follows)"
    ],
    "{ at: 61m, promises: { kept: 3, broken: 1 } }": ["promises kept: -3 +2", "promises broken: -1 +0"],
    "{ at: 61m, longest_silence: 20m }": ["longest silence: -at most 20m +30m"],
    "{ at: 2m, next: { step: holding, at: 31m } }": ["next: -holding at 31m +nag at 26m"],
    "{ at: 2m, skipped: { social: resolved } }": ["why social was skipped: -resolved +not skipped"],
    "{ at: 2m, waiting: [ social ] }": ["waiting: -social"],
    "{ at: 2m, queued: { x: [ social ] } }": ["queued on x: -social"],
    "{ at: 30m, asked: { comms: [] } }": ["questions to comms: +nag"],
}


@pytest.mark.parametrize("expect", BAD)
async def test_what_is_not_so_is_told(tmp_path: Path, expect: str) -> None:
    """The difference shows what was expected and what there is, with the reason where one is known."""
    result = await run_one(tmp_path, f"expect: [ {expect} ]")
    assert told(result) == BAD[expect]


async def test_words_are_compared(tmp_path: Path) -> None:
    """Each way to compare a text fails with the text itself."""
    words = 'equals: "x", contains: [ nope ], lacks: [ pay ], matches: "^Z", max_length: 9'
    texts = f"texts: [ {{ step: first, on: page, {words} }} ]"
    result = await run_one(tmp_path, f"expect: [ {{ at: 1m, {texts} }} ]")
    (equal, rest) = result.outcome.differences
    assert equal.lines[0].text == "x"
    problems = [note.split(" ")[0] for note in rest.notes]
    assert problems == ["lacks", "contains", "does", "has", "the"]
    missing = await run_one(
        tmp_path, "expect: [ { at: 1m, texts: [ { step: done, on: page, contains: x } ] } ]"
    )
    assert told(missing) == ["text of done on page:  (done said nothing there)"]


async def test_a_text_that_waits_can_be_read(tmp_path: Path) -> None:
    """Words in a veto window count as the step's newest text."""
    keys = """
    alerts: [ { labels: { service: checkout, severity: critical }, fires: 0m } ]
    expect:
      - { at: 61m, waiting: [ social ], texts: [ { step: social, on: x, contains: pay } ], posts: { x: [] } }
      - { at: 66m, waiting: [], posts: { x: [ social ] } }
    """
    assert told(await run_one(tmp_path, keys)) == []


async def test_strict_finds_posts_that_nobody_expects(tmp_path: Path) -> None:
    """A public post that no `expect` lists fails the test; internal ones need not be listed."""
    looks = "{ at: 1m, posts: { page: [ first ] } }, { at: 31m, new_posts: { mail: [ holding ] } }"
    keys = f"strict: true\nexpect: [ {looks} ]"
    assert sorted(told(await run_one(tmp_path, keys))) == [
        "strict: posts on mail that no `expect` lists: +first",
        "strict: posts on page that no `expect` lists: +holding",
    ]


async def test_several_incidents_are_told_apart(tmp_path: Path) -> None:
    """What only one incident has needs `incident` where there are two; the message says how to pick."""
    alerts = """
    alerts:
      - { labels: { service: checkout, severity: page }, fires: 0m }
      - { labels: { service: search, severity: critical }, fires: 5m }
    """
    vague = await run_one(tmp_path, alerts + "expect: [ { at: 6m, incidents: 2, impact: major } ]")
    assert told(vague) == [
        "impact:  (there are 2 incidents; pick one with incident: { labels: { component: checkout } })"
    ]
    precise = """expect:
      - { at: 6m, incident: { labels: { component: search } }, impact: critical, posts: { page: [ first ] } }
      - { at: 6m, posts: { page: [ first*2 ] }, components: { checkout: partial_outage, search: major_outage } }
      - { at: 6m, incident: { route: rest }, status: investigating }
    """
    assert told(await run_one(tmp_path, alerts + precise)) == ["incident:  (no incident has route rest)"]


ACTS = """
alerts: [ { labels: { service: checkout, severity: page }, fires: 0m } ]
people:
  - { at: 5m, who: ana, ack: true }
  - { at: 6m, who: ana, impact: critical, components: { add: [ search ] } }
  - { at: 7m, who: ana, take_over: true }
  - { at: 8m, who: bo, take_over: true, refused: true }
  - { at: 9m, who: ana, hand_back: true }
  - { at: 10m, who: ana, update: "We know why.", status: identified, to: [ page, x ], promise: 20m }
  - { at: 63m, who: bo, veto: social }
  - { at: 80m, who: ana, resolve: "It is repaired, we are sorry." }
  - { at: 90m, who: ana, open: "A fire in the data centre", update: "We evacuate.", impact: critical, plan: public }
expect:
  - { at: 6m, impact: critical, components: { checkout: major_outage, search: major_outage } }
  - { at: 10m, status: identified, posts: { page: [ first, person ], x: [ person ] } }
  - { at: 61m, waiting: [ social ] }
  - { at: 63m, waiting: [], skipped: { social: vetoed by bo } }
  - { at: 80m, status: resolved, incidents: 0 }
  - { at: 90m, incidents: 1, posts: { page: [ first, person, holding*2, person*2 ] } }
"""


async def test_people_act(tmp_path: Path) -> None:
    """Every act goes through the daemon's own use cases."""
    result = await run_one(tmp_path, ACTS.replace("social: vetoed by bo", "social: vetoed by bo"))
    assert told(result) == []


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ("{ at: 5m, veto: social }", "veto was refused: step social of INC-1 does not wait for anybody"),
        ("{ at: 0s, ack: true }", "ack was refused: there is no incident then"),
        ("{ at: 5m, ack: true, refused: true }", "was accepted, and `refused: true` says that it is not"),
        ("{ at: 15m, ack: true }", "ack was refused: the daemon is down then: nobody can act"),
    ],
)
async def test_an_act_that_goes_otherwise_is_an_error(tmp_path: Path, people: str, message: str) -> None:
    """A scenario that cannot happen as it says fails, with the daemon's own words."""
    daemon = "daemon: { down: 12m, up: 20m }"
    result = await run_one(tmp_path, f"{daemon}\npeople: [ {people} ]\nexpect: [ {{ at: 30m }} ]")
    assert [one.removesuffix(" (waiting: none)") for one in told(result)] == [message]


async def test_channels_stops_pauses_and_reloads(tmp_path: Path) -> None:
    """What a scenario does to the daemon's surroundings happens to it."""
    (tmp_path / "later.yaml").write_text(
        "channels: { page: { kind: status_page } }\n"
        "routes: [ { id: all, open: { components: [], impact: minor, plan: short } } ]\n"
        "plans: { short: { to: [ page ], steps: [ { id: only, after: 0s, say: investigating } ] } }\n",
        encoding="utf-8",
    )
    text = """
    tests:
      - name: rejected, unknown, down
        alerts: [ { labels: { service: checkout, severity: critical }, fires: 0m } ]
        channels: [ { at: 0s, mail: rejected, x: unknown }, { at: 90m, ops: down } ]
        expect:
          - { at: 1m, posts: { page: [ first ], mail: [] }, told: [ page ] }
          - { at: 66m, posts: { x: [] } }
          - { at: 70m, posts: { x: [ social ] } }
          - { at: 95m, queued: { ops: [ holding ] } }
      - name: a stop
        alerts: [ { labels: { service: checkout, severity: page }, fires: 0m, resolves: 40m } ]
        daemon: { down: 20m, up: 50m }
        expect:
          - { at: 49m, posts: { page: [ first ] } }
          - { at: 50m, posts: { page: [ first, holding ] }, promises: { kept: 0, broken: 1 } }
          - { at: 55m, status: monitoring }
      - name: a pause
        alerts: [ { labels: { service: checkout, severity: page }, fires: 0m } ]
        pause: { at: 0s, until: 10m }
        expect:
          - { at: 2m, posts: { page: [] }, asked: { comms: [ first ] } }
      - name: a reload
        alerts:
          - { labels: { service: checkout, severity: page }, fires: 0m }
          - { labels: { service: search, severity: page }, fires: 20m }
        reload: { at: 10m, rule_files: [ later.yaml ] }
        expect:
          - { at: 20m, incident: { route: all }, plan: short, posts: { page: [ only ] } }
          - { at: 31m, incident: { route: services }, posts: { page: [ first, holding ] } }
    """
    results = await run_text(tmp_path, text)
    assert [told(one) for one in results] == [[], [], [], []]


async def test_a_firing_alert_is_repeated(tmp_path: Path) -> None:
    """The monitor of a scenario is alive: nobody is asked whether it is dead."""
    result = await run_one(tmp_path, "expect: [ { at: 12h, asked: { ops: [] }, incidents: 1 } ]")
    assert told(result) == []
    assert result.outcome.questions == {"ask"}
