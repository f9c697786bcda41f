"""`tocsin incident`, `approve`, `veto`, `pause`, `resume` against a running daemon."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal, spawn


async def test_from_alert_to_resolution(desk: Terminal) -> None:
    """What people type during an outage, and what they read."""
    listed = await desk.run("incident", "list")
    assert listed.code == 0
    head, row = listed.out.splitlines()
    assert head.split() == ["incident", "status", "impact", "opened", "for", "title"]
    assert row.split()[:4] == ["INC-1", "investigating", "critical", "01-01"]
    assert (await desk.run("incident", "ack", "1")).code == 0
    said = await desk.run(
        "incident", "update", "inc-1", "We found the cause.", "--status", "identified", "--promise", "45m"
    )
    assert said.code == 0, said.err
    assert "said on mail, ops, page; next update by 2027-01-01 10:46 UTC" in said.out
    shown = await desk.run("incident", "show", "INC-1")
    for part in (
        "identified · critical · checkout", "acknowledged by ana", "next update by 2027-01-01 10:46 UTC",
        "We found the cause.", "step first", "1 of 1 alerts fire", "2 sent",
    ):  # fmt: skip
        assert part in shown.out
    over = await desk.run("incident", "resolve", "INC-1", "It is repaired. Sorry, and thank you.")
    assert over.out.splitlines()[0].startswith("INC-1 · ")
    assert "resolved" in over.out
    assert (await desk.run("incident", "list")).out == "No open incidents.\n"
    assert "INC-1" in (await desk.run("incident", "list", "--all")).out


async def test_every_act_of_a_person(desk: Terminal) -> None:
    """Open, take over, hand back, retract; the name is the login's unless --who says otherwise."""
    opened = await desk.run(
        "incident", "open", "Search is slow", "Searching takes long.", "--impact", "major",
        "--component", "search", "--to", "page", "--promise", "30m", "--who", "bo",
    )  # fmt: skip
    assert opened.code == 0, opened.err
    assert "INC-2 · Search is slow · investigating · major" in opened.out
    assert (await desk.run("incident", "take-over", "2")).code == 0
    assert "taken over by ana" in (await desk.run("incident", "show", "2")).out
    refused = await desk.run("incident", "take-over", "2", "--who", "bo")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "INC-2 is taken over by ana; they hand it back first\n"
    assert (await desk.run("incident", "hand-back", "2")).code == 0
    retracted = await desk.run("incident", "retract", "2", "--reason", "a test", "--json")
    assert retracted.json["journal"][0]["entry"]["reason"] == "a test"
    changed = await desk.run(
        "incident", "update", "1", "--impact", "minor", "--add", "search", "--remove", "checkout",
        "--title", "Search: slow", "--plan", "public", "--json",
    )  # fmt: skip
    assert changed.json["incident"] | {"key": "", "opened_at": ""} == {
        "id": "INC-1", "key": "", "title": "Search: slow", "status": "investigating", "impact": "minor",
        "components": ["search"], "opened_at": "", "resolved_at": None, "ended": None,
    }  # fmt: skip


async def test_waiting_texts(desk: Terminal) -> None:
    """`show` says word for word what waits and how to stop it; `veto` stops it, `approve` does not fit."""
    await desk.office.house.forward(121)
    shown = (await desk.run("incident", "show", "1")).out
    assert "Waits: step social" in shown
    assert "tocsin veto INC-1 social" in shown
    assert "https://status.example.com/incidents/" in shown
    wrong = await desk.run("approve", "INC-1", "social")
    assert (wrong.code, "nothing to approve" in wrong.err) == (1, True)
    assert (await desk.run("veto", "INC-1", "social")).code == 0
    again = await desk.run("veto", "INC-1", "social", "--json")
    assert (again.code, again.out) == (1, "")


async def test_pause_and_resume(desk: Terminal) -> None:
    """Both say how many incidents they touched."""
    paused = await desk.run("pause", "--until", "14:30")
    assert paused.out == "paused by ana until 2027-01-01 14:30 UTC; groups that live now: 1\n"
    assert (await desk.run("pause")).code == 1
    assert (await desk.run("resume", "--json")).json["incidents"] == 1
    assert (await desk.run("pause", "--until", "yesterday")).code == 2


async def test_text_from_standard_input(desk: Terminal) -> None:
    """A dash reads it; nothing on a pipe without a dash is wrong use, never a wait for an editor."""
    assert (await desk.run("incident", "update", "1", "-", typed="From a pipe.\n")).code == 0
    assert "From a pipe." in (await desk.run("incident", "show", "1")).out
    assert (await desk.run("incident", "update", "1", "Gr\udcc3\udcbc\udcc3\udc9fe")).code == 0
    assert "Grüße" in (await desk.run("incident", "show", "1")).out  # typed as UTF-8 where the locale is C
    latin = await desk.run("incident", "update", "1", "Gr\udcfc\udcdfe")
    assert (latin.code, latin.err) == (2, "the text is not UTF-8; write it in a UTF-8 terminal or file\n")
    silent = await desk.run("incident", "update", "1", typed="not asked for")
    assert (silent.code, silent.err.startswith("what should be said?")) == (2, True)


async def test_text_from_an_editor(desk: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The editor's lines without comments are the text; an empty one sends nothing."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys, pathlib\nfile = pathlib.Path(sys.argv[1])\n"
        "assert '# An update of INC-1' in file.read_text()\nfile.write_text('# no\\nFrom an editor.\\n')\n",
        encoding="utf-8",
    )
    monkeypatch.setattr("daemon.cli.writing._on_terminal", lambda: True)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    said = await desk.run("incident", "update", "1", "--json")
    assert said.json["journal"][0]["entry"]["text"] == "From an editor."
    monkeypatch.setenv("EDITOR", "true")
    empty = await desk.run("incident", "update", "1", "--promise", "30m")
    assert (empty.code, empty.err) == (1, "nothing was written, so nothing was sent\n")
    monkeypatch.setenv("EDITOR", "/nonexistent/editor")
    broken = await desk.run("incident", "update", "1")
    assert (broken.code, "set EDITOR" in broken.err) == (2, True)


async def test_lists_go_on(desk: Terminal) -> None:
    """A page that is not the last names the cursor on stderr, where no pipe trips over it."""
    await desk.run("incident", "open", "Second", "--plan", "internal")
    first = await desk.run("incident", "list", "--limit", "1")
    assert first.err == "There are more: --cursor 2\n"
    second = await desk.run("incident", "list", "--limit", "1", "--cursor", "2")
    assert "INC-1" in second.out
    assert second.err == ""


@pytest.mark.parametrize("name", ["INC-9", "9", "x y", "../pause"])
async def test_no_such_incident(desk: Terminal, name: str) -> None:
    """Exit 1 and one sentence for a name that is none."""
    for command in (["show"], ["ack"]):
        found = await desk.run("incident", *command, name)
        assert found.code == 1
        assert found.err.startswith("there is no ")
        assert found.err.count("\n") == 1


async def test_what_a_terminal_would_obey_is_not_printed(desk: Terminal) -> None:
    """Escape sequences in a title reach no terminal, and markup is no markup."""
    await desk.office.act("/incidents", title="[red]\x1b[2J\x07gone", plan="internal")
    for command in (["list"], ["show", "2"]):
        out = (await desk.run("incident", *command)).out
        assert "[red]" in out
        assert not {sign for sign in out if not sign.isprintable() and sign != "\n"}


async def test_as_a_process_of_its_own(desk: Terminal) -> None:
    """The option before the command, the environment, and JSON that a program can read."""
    before = await spawn("-c", str(desk.config), "incident", "list", "--json")
    assert before.code == 0, before.err
    assert before.json["items"][0]["id"] == "INC-1"
    by_environment = await spawn("incident", "show", "INC-1", TOCSIN_CONFIG=str(desk.config), TZ="UTC")
    assert "opened 2027-01-01 10:01 UTC" in by_environment.out
    here = await spawn("incident", "ack", "1", "--who", "bo", folder=desk.config.parent)
    assert (here.code, here.err) == (0, "")
