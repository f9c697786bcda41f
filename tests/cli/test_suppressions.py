"""`tocsin suppressions` against a running daemon."""

from __future__ import annotations

from pathlib import Path

from daemon.core.suppression import Suppression
from tests.cli.terminal import terminal


async def test_who_is_left_out_is_listed_and_lifted(tmp_path: Path) -> None:
    """The reason stands beside the address; lifted once, there is nothing to lift."""
    folder = tmp_path / "daemon"
    folder.mkdir()
    async with terminal(folder) as desk:
        assert (await desk.run("suppressions", "list")).out == "Nobody is left out.\n"
        house = desk.office.house
        now = house.clock.now()
        row = Suppression("mail", "ann@example.org", now, "5.1.1", 1, "550 who is that")
        await house.store.write(lambda tx: tx.suppression(row), now)
        table = (await desk.run("suppressions", "list")).out
        assert all(word in table for word in ("mail", "ann@example.org", "5.1.1", "550 who is that"))
        found = (await desk.run("suppressions", "list", "--json")).json
        assert found["items"][0]["recipient"] == "ann@example.org"
        done = await desk.run("suppressions", "lift", "mail", "ann@example.org", "--who", "ada")
        assert done.out == "ann@example.org gets mail of mail again\n"
        again = await desk.run("suppressions", "lift", "mail", "ann@example.org", "--who", "ada")
        assert (again.code, "leaves out no" in again.err) == (1, True)
        assert (await desk.run("suppressions", "list", "--json")).json == {"items": [], "next": None}
