"""`tocsin outbox` against a running daemon."""

from __future__ import annotations

from pathlib import Path

from daemon.core.ports import Reason, Rejected, Unknown
from tests.cli.terminal import Terminal, terminal


async def test_what_is_held_is_decided(tmp_path: Path) -> None:
    """List by state, look at the payload, confirm; a second word is refused."""
    folder = tmp_path / "daemon"
    folder.mkdir()
    async with terminal(folder) as desk:
        desk.office.house.speakers["ops"].answers = [Unknown(Reason.timeout, "no answer")] * 2
        await desk.office.open()
        await desk.office.house.forward(5)
        held = (await desk.run("outbox", "list", "--state", "held", "--json")).json["items"]
        number = str(held[0]["id"])
        shown = await desk.run("outbox", "show", number)
        assert "tocsin outbox confirm, resend or drop" in shown.out
        assert '"incident": "INC-1"' in shown.out
        done = await desk.run("outbox", "confirm", number, "--reference", "https://ops.example/1")
        assert done.out == f"delivery {number} · ops · sent\n"
        table = await desk.run("outbox", "list", "--channel", "ops", "--incident", "1")
        assert "https://ops.example/1" in table.out
        for act in ("confirm", "resend", "drop"):
            refused = await desk.run("outbox", act, number)
            assert (refused.code, "not held" in refused.err) == (1, True)


async def test_what_is_dead_is_listed_and_sent_again(tmp_path: Path) -> None:
    """A refused text is found by its state, replayed once it is put right, and dropped when held."""
    folder = tmp_path / "daemon"
    folder.mkdir()
    async with terminal(folder) as desk:
        speaker = desk.office.house.speakers["ops"]
        speaker.answers = [Rejected(Reason.content, "too long"), *[Unknown(Reason.timeout)] * 2]
        await desk.office.open()
        await desk.office.house.settle()
        assert (await desk.run("outbox", "list")).out.count("dead") == 1
        dead = (await desk.run("outbox", "list", "--state", "dead", "--json")).json["items"]
        number = str(dead[0]["id"])
        assert (await desk.run("outbox", "drop", number)).code == 1
        assert (await desk.run("outbox", "resend", number)).out == f"delivery {number} · ops · queued\n"
        await desk.office.house.settle()
        shown = await desk.run("outbox", "show", number)
        assert "If you have found it, say so" in shown.out
        assert (await desk.run("outbox", "resend", number)).code == 1
        await desk.office.house.forward(5)
        assert (await desk.run("outbox", "drop", number)).out == f"delivery {number} · ops · dead\n"


async def test_nothing_there(desk: Terminal) -> None:
    """An empty list is a sentence; a number that is none is exit 1, a word instead of it exit 2."""
    assert (await desk.run("outbox", "list", "--state", "held")).out == "No deliveries.\n"
    assert (await desk.run("outbox", "show", "999")).code == 1
    assert (await desk.run("outbox", "show", "x")).code == 2
    assert (await desk.run("outbox", "list", "--state", "lost")).code == 2
