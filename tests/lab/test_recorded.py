"""An incident that happened can be exported and played again: the same is said at the same times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from daemon.core.clock import MINUTE
from daemon.core.ports import Reason, Rejected
from daemon.core.words import Status
from daemon.lab.play import Player
from daemon.lab.recorded import episodes_of, recorded
from daemon.lab.scenario_file import read_text
from daemon.lab.shelf import RuleShelf
from daemon.lab.story import Story
from daemon.service.incidents import OpenRequest, UpdateRequest
from rules.model import Site
from tests.cli.terminal import spawn, terminal
from tests.stories.house import RULES, START, House
from tests.web.api_rig import office

SITE = Site("Example", "https://status.example.com", "UTC")


async def live_through(house: House, *, stops: bool) -> None:
    """An outage with people, a stop, a refusal and a relapse; then one that a person opens."""
    await house.alert(severity="critical")
    await house.forward(20)
    await house.incidents.ack(1, "ana")
    promise = house.clock.now() + 40 * MINUTE
    await house.incidents.update(
        1, "ana", UpdateRequest(text="We found it.", status=Status.identified, promise=promise)
    )
    await house.settle()
    await house.forward(30)
    house.speakers["mail"].answers.append(Rejected(Reason.content, "too rude"))
    await house.forward(20)
    if stops:
        await house.restart(away=12 * MINUTE)
    else:
        await house.forward(12)
    await house.forward(40)
    await house.incidents.vote(1, "social", "bo", "veto")
    await house.settle()
    await house.forward(10)
    await house.alert(firing=False, severity="critical")
    await house.forward(6)
    await house.alert(severity="critical", starts_at=house.clock.now())
    await house.forward(9)
    await house.incidents.take_over(1, "bo")
    await house.incidents.resolve(1, "bo", "It is over.")
    await house.settle()
    await house.forward(5)


def posts_of(story: Story, start: int) -> list[tuple[str, float, str]]:
    return sorted(
        (channel, (post.at - start) / MINUTE, post.text)
        for channel, posts in story.posts.items()
        for post in posts
        if channel != "ops"
    )


async def document_of(house: House) -> dict[str, Any]:
    """The scenario of INC-1."""
    group = await house.store.group_by_number(1)
    assert group is not None
    journal = await house.store.journal(group.id)
    return recorded("INC-1", ["story.yaml"], journal, await house.store.episodes(episodes_of(journal)))


async def test_a_recorded_incident_says_the_same_again(tmp_path: Path) -> None:
    """Every public post at its minute and in its words, from the document alone."""
    house = await House.open(tmp_path)
    try:
        await live_through(house, stops=True)
        document = await document_of(house)
        heard = [(name, minute, text) for name in ("mail", "x") for minute, text in house.heard(name)]
        page = [minute for minute, _ in await house.page()]
    finally:
        await house.close()
    (tmp_path / "story.yaml").write_text(RULES, encoding="utf-8")
    (scenario,) = read_text("export.yaml", json.dumps(document), tmp_path).scenarios
    player = Player(scenario, lambda names: RuleShelf(SITE).load([tmp_path / name for name in names]))
    world = await player.play(house.clock.now() - START)
    assert player.troubles == []
    again = posts_of(world.story, START)
    assert [one for one in again if one[0] != "page"] == sorted(heard)
    assert [minute for name, minute, _ in again if name == "page"] == page
    assert len(page) >= 6


async def test_an_incident_that_a_person_opened_is_recorded(tmp_path: Path) -> None:
    """Its opening and first words are acts of that person."""
    async with office(tmp_path) as here:
        await here.house.incidents.open(
            "ana", OpenRequest("A fire", "We evacuate.", components=("checkout",))
        )
        document = (await here.get("/incidents/INC-1/scenario")).json["scenario"]
    opened, said = document["people"]
    assert (opened["open"], opened["components"], said["update"]) == (
        "A fire",
        {"add": ["checkout"]},
        "We evacuate.",
    )


async def test_the_command_writes_a_file_that_simulate_takes(tmp_path: Path) -> None:
    """`tocsin incident export INC-1 --rules FOLDER > file`, then `tocsin rules simulate file`."""
    async with terminal(tmp_path) as seat:
        await live_through(seat.office.house, stops=False)
        printed = await seat.run("incident", "export", "1", "--rules", str(tmp_path / "rules"))
    assert printed.code == 0, printed.err
    file = tmp_path / "scenario.yaml"
    file.write_text(printed.out, encoding="utf-8")
    assert (tmp_path / "rules" / "story.yaml").read_text(encoding="utf-8") == RULES
    simulated = await spawn("rules", "simulate", str(file), "--for", "3h")
    assert simulated.code == 0, simulated.err
    assert "says person (ana)" in simulated.out
