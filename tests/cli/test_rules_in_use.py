"""What operators ask of rules that are in use: why, since when, by whom, and what was never needed.

* `rules explain` for a live and a past incident, also under rules that are no longer in force
* `rules history` after a reload: who, how many lines, the difference
* `rules coverage` over what was stored
* files that change under `--watch-rules` are loaded once they rest
"""

from __future__ import annotations

from pathlib import Path

from daemon.rule_watch import RuleWatch
from tests.cli.terminal import Terminal
from tests.stories.house import RULES

NEW = RULES.replace("every: 30m", "every: 20m")


async def reload(desk: Terminal, text: str, who: str) -> None:
    """What a reload does to the book and the store."""
    house = desk.office.house
    rules = house.rule_set(text)
    now = house.clock.now()
    await house.store.write(lambda tx: tx.rules_version(rules.version, now, who, rules.sources), now)
    house.desk.book.replace(rules)


async def test_explain_a_live_incident(desk: Terminal) -> None:
    """A step that was vetoed, one that is still to come, and one step with all there is."""
    house = desk.office.house
    await house.forward(122)
    assert (await desk.run("veto", "1", "social", "--who", "ana")).code == 0
    found = (await desk.run("rules", "explain", "INC-1", "--json")).json
    by_step = {one["step"]: one for one in found["items"]}
    assert (by_step["first"]["outcome"], by_step["first"]["to"]) == ("said", ["mail", "ops", "page"])
    social = by_step["social"]
    assert (social["outcome"], social["reason"], social["changed_by"]) == (
        "skipped",
        "vetoed by ana",
        ["no veto"],
    )
    assert [(vote["who"], vote["act"]) for vote in social["approval"]["votes"]] == [("ana", "veto")]
    assert by_step["done"]["outcome"] == "not yet"
    assert by_step["holding"]["expected"]
    shown = (await desk.run("rules", "explain", "1", "--step", "social")).out
    for words in (
        "impact >= major  is true",
        "veto by ana",
        "would have changed it: no veto",
        "impact = critical",
    ):
        assert words in shown
    assert "vetoed by ana" in (await desk.run("rules", "explain", "1")).out
    wrong = await desk.run("rules", "explain", "1", "--step", "socail")
    assert (wrong.code, "no step 'socail'" in wrong.err) == (1, True)


async def test_explain_a_past_incident_under_old_rules(desk: Terminal) -> None:
    """It is explained with the version that it kept, also after a restart under new rules."""
    house = desk.office.house
    old = house.desk.book.current.version
    await house.alert(severity="critical", firing=False)
    await house.forward(120)
    await reload(desk, NEW, "ana")
    house.desk.book._sets.pop(old)  # as after a restart
    found = (await desk.run("rules", "explain", "1", "--json")).json
    assert found["rules"] == old
    by_step = {one["step"]: one for one in found["items"]}
    assert by_step["done"]["outcome"] == "said"
    assert by_step["social"]["outcome"] == "never"
    assert by_step["social"]["reason"].startswith("open for ")
    assert by_step["social"]["changed_by"] == ["being open for 2h"]


async def test_history_says_who_and_what(desk: Terminal) -> None:
    """Newest first, with the lines that changed, who loaded them, and what incidents keep."""
    first = desk.office.house.desk.book.current.version
    await reload(desk, NEW, "ana")
    new, old = (await desk.run("rules", "history", "--json")).json["items"]
    assert (new["who"], new["added"], new["removed"], new["in_force"], new["incidents"]) == (
        "ana",
        1,
        1,
        True,
        0,
    )
    assert (old["version"], old["who"], old["in_force"], old["incidents"]) == (first, "test", False, 1)
    table = (await desk.run("rules", "history")).out.splitlines()
    assert (len(table), "+1 -1" in table[1], "in force" in table[1]) == (3, True, True)
    diff = (await desk.run("rules", "history", new["version"][:8])).out
    assert "\n-      - { id: holding, every: 30m" in diff
    assert "\n+      - { id: holding, every: 20m" in diff
    paged = (await desk.run("rules", "history", "--limit", "1", "--json")).json
    rest = (await desk.run("rules", "history", "--cursor", paged["next"], "--json")).json
    assert ([one["version"] for one in rest["items"]], rest["next"]) == ([first], None)
    for name in ("f" * 64, ""):
        assert (await desk.office.get(f"/rules/versions/{name or '-'}")).status == 404


async def test_coverage_of_a_history(desk: Terminal) -> None:
    """What acted and what did not, and which alerts nobody wrote a route for."""
    house = desk.office.house
    await house.alert("Disk", severity="none", service="cellar")
    await house.forward(30)
    found = (await desk.run("rules", "coverage", "--json")).json
    assert [(one["route"], one["incidents"], one["alerts"]) for one in found["routes"]] == [
        ("services", 1, 1), ("rest", 1, 1),
    ]  # fmt: skip
    used = {f"{one['plan']}/{one['step']}": one["acted"] for one in found["steps"]}
    assert (used["public/first"], used["public/nag"], used["public/social"]) == (1, 1, 0)
    assert "the step public/social never acted" in found["unreached"]
    assert found["catch_all"] == [{"alertname": "Disk", "count": 1}]
    shown = (await desk.run("rules", "coverage", "--since", "1d")).out
    assert "Disk" in shown
    nothing = (await desk.office.get("/rules/coverage", params={"since": "10m"})).json
    assert all(one["incidents"] == 0 for one in nothing["routes"])


async def test_watched_files_are_loaded_when_they_rest(tmp_path: Path) -> None:
    """Not while they are written, not twice, not while one is missing; a rename into place counts."""
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for file in (first, second):
        file.write_text("1", encoding="utf-8")
    loads: list[str] = []

    async def load(who: str) -> list[str]:
        loads.append(who)
        return ["broken"]

    watch = RuleWatch([first, second], load)
    await watch.step()
    first.write_text("22", encoding="utf-8")
    await watch.step()
    first.write_text("333", encoding="utf-8")
    await watch.step()
    assert loads == [], "it was still being written"
    await watch.step()
    await watch.step()
    assert loads == ["--watch-rules"], "a broken file is not tried over and over"
    second.unlink()
    await watch.step()
    await watch.step()
    assert len(loads) == 1
    fresh = tmp_path / "b.new"
    fresh.write_text("1", encoding="utf-8")
    fresh.replace(second)
    await watch.step()
    await watch.step()
    assert len(loads) == 2
