"""`tocsin preview`: the words, their length, what is cut and what it costs, channel by channel."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from channels import registry
from channels.http import open_session
from channels.plain import clean
from daemon.cli.preview_cards import rows
from daemon.core.clock import FakeClock
from daemon.core.words import Audience
from daemon.preview import left_out, preview
from tests.channels import posts
from tests.channels.test_registry import EXAMPLES
from tests.cli.terminal import Terminal, run
from tests.cli.test_screen import on_terminal, without_escapes

LONG = "Orders fail in Europe. " * 60
CHANNELS = """\
page: { name: Example, url: "https://status.example.com" }
channels:
  - { name: page, kind: status_page }
  - { name: ops, kind: log, audience: internal }
  - { name: mail, kind: email, host: localhost, sender: a@example.org, recipients: [ b@c.org, d@e.org ] }
  - { name: chat, kind: telegram, token: "1:abc", chat: "@example_status" }
  - { name: x, kind: x, api_key: a, api_key_secret: b, access_token: c, access_token_secret: d }
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "tocsin.yaml"
    file.write_text(CHANNELS, encoding="utf-8")
    file.chmod(0o600)
    return str(file)


def shown(*arguments: str, typed: str | None = None) -> dict[str, dict[str, Any]]:
    """The channels of a preview by name."""
    found = run("preview", *arguments, "--json", typed=typed)
    assert found.code == 0, found.err
    return {one["name"]: one for one in found.json["channels"]}


class TestText:
    """Words that nobody has said yet; no daemon runs."""

    def test_every_channel_shows_its_own(self, config: str) -> None:
        """As its readers see it, with the platform's count; an address that X counts as 23 costs more."""
        words = ["Some orders fail.", "--title", "Checkout errors", "--impact", "major", "-c", config]
        found = shown(*words)
        address = "https://status.example.com/incidents/abc123def456"
        assert list(found) == ["page", "ops", "mail", "chat", "x"]
        assert found["x"]["text"] == f"Some orders fail. {address}"
        assert (found["x"]["length"], found["x"]["limit"], found["x"]["counter"]) == (41, 280, "weighted")
        costs = [found["x"][name] for name in ("cost", "cost_first", "cost_later")]
        assert costs == ["0.200", "0.200", "0.015"]
        assert shown(*words, "--later")["x"]["cost"] == "0.015"
        assert found["chat"]["title"] == "Checkout errors"
        where = "Investigating · major impact\nSome orders fail.\n"
        assert found["chat"]["text"] == f"{where}Status page: {address}"
        assert found["mail"]["recipients"] == 2
        assert (found["page"]["recipients"], found["page"]["cost"]) == (None, "0")
        assert all(one["cut"] is None and one["refused"] is None for one in found.values())

    def test_what_is_cut_is_named(self, config: str) -> None:
        """By its length and its first words; channels with room show all."""
        found = shown("-", "-c", config, typed=f"  {LONG}\n")
        assert LONG.strip().endswith(found["x"]["cut"])
        assert len(found["x"]["text"]) + len(found["x"]["cut"]) > len(LONG)
        assert found["x"]["length"] <= 280
        assert (found["mail"]["cut"], found["chat"]["cut"]) == (None, None)
        plain = run("preview", LONG, "-c", config).out
        assert re.search(r"cut: 1,\d+ characters, from “Orders fail in Europe", plain)

    def test_internal_words_stay_inside(self, config: str) -> None:
        """No public channel shows them, in no form of the answer."""
        words = ["db-7 lost its leader", "--internal", "-c", config]
        found = shown(*words)
        assert found["ops"]["text"].endswith("db-7 lost its leader")
        for name in ("page", "mail", "chat", "x"):
            assert "internal" in found[name].pop("refused")
            assert "db-7" not in json.dumps(found[name])
        assert run("preview", *words).out.count("db-7") == 1

    def test_one_channel(self, config: str) -> None:
        """--to picks; a name that is none is wrong use."""
        assert list(shown("Hm.", "--to", "x", "--to", "ops", "-c", config)) == ["ops", "x"]
        found = run("preview", "Hm.", "--to", "chatt", "-c", config)
        assert (found.code, "'chatt'" in found.err, "chat" in found.err) == (2, True, True)

    @pytest.mark.parametrize("arguments", [[""], ["-"], ["42", "--title", "New"], ["inc-7", "--internal"]])
    def test_wrong_use(self, config: str, arguments: list[str]) -> None:
        """Nothing to show, or an option that an incident answers itself: exit 2 and what to do."""
        found = run("preview", *arguments, "-c", config, typed="\n")
        assert (found.code, found.out) == (2, "")
        assert "a text" in found.err


@pytest.mark.parametrize(("columns", "beside"), [(60, 1), (100, 2), (200, 4)])
async def test_cards_fill_the_width_and_no_more(
    columns: int, beside: int, clock: FakeClock, session: aiohttp.ClientSession
) -> None:
    """As many side by side as read well; no line is too long, and every card is whole."""
    kinds = [kind for kind in registry.kinds() if kind != registry.STATUS_PAGE]
    previews = [
        preview(
            registry.build(posts.settings(name=kind, kind=kind, **EXAMPLES[kind]), session, clock),
            posts.post(text=f"{LONG}👍 日本語 {'x' * 150}"),
        )
        for kind in kinds
    ]
    out = Console(width=columns, file=StringIO(), force_terminal=True, color_system=None)
    for row in rows(previews, out):
        out.print(row)
    assert isinstance(out.file, StringIO)
    lines = out.file.getvalue().splitlines()
    assert {cell_len(line) for line in lines if line.count("│") == 2 * beside} == {max(map(cell_len, lines))}
    assert columns - beside < max(map(cell_len, lines)) <= columns
    assert next(line.count("╭") for line in lines if "╭" in line) == beside
    assert [line.count(sign) for sign in "╭╰" for line in ["".join(lines)]] == [len(kinds)] * 2


async def test_a_real_terminal(config: str) -> None:
    """The narrowest one that we promise: colours, frames, nothing beyond the edge."""
    output = await on_terminal("preview", f"{LONG[:200]}👍", "-c", config, columns=60)
    lines = without_escapes(output).splitlines()
    assert "\x1b[" in output
    assert max(map(cell_len, lines)) == 60
    assert output.count("╭") == 5
    assert any("costs 0.200" in line for line in lines)


class TestIncident:
    """The last update of one that lives."""

    async def test_the_last_update(self, desk: Terminal) -> None:
        """Each channel's own words; one that the update did not tell gets the public ones, and says so."""
        await desk.office.act("/incidents/INC-1/update", text="We found the cause.", to=["page"])
        with desk.config.open("a", encoding="utf-8") as file:
            file.write(CHANNELS.partition("\n")[2])
        desk.config.chmod(0o600)
        answer = await desk.run("preview", "1", "--json")
        assert answer.code == 0, answer.err
        found = {one["name"]: one for one in answer.json["channels"]}
        assert found["page"]["text"].endswith("We found the cause.")
        assert found["page"]["note"] is None
        assert found["mail"]["note"] == "this update did not go here"
        assert "We found the cause." in found["mail"]["text"]
        assert found["ops"]["title"].startswith("INC-1 ")
        assert "INC-1" not in found["mail"]["title"] + found["mail"]["text"]

    async def test_internal_words_stay_inside(self, desk: Terminal) -> None:
        """What was said to people inside alone is shown on their channel and no other."""
        await desk.office.act("/incidents/INC-1/update", text="db-7 lost its leader.", to=["ops"])
        with desk.config.open("a", encoding="utf-8") as file:
            file.write(CHANNELS.partition("\n")[2])
        desk.config.chmod(0o600)
        found = {one["name"]: one for one in (await desk.run("preview", "INC-1", "--json")).json["channels"]}
        assert "db-7" in found.pop("ops")["text"]
        assert "db-7" not in json.dumps(found)
        assert all(one["refused"] for one in found.values())

    async def test_no_such_incident(self, desk: Terminal) -> None:
        """As everywhere: exit 1."""
        assert (await desk.run("preview", "7")).code == 1


@pytest.mark.parametrize("kind", [kind for kind in registry.kinds() if kind != registry.STATUS_PAGE])
async def test_every_kind_shows_its_words(
    kind: str, clock: FakeClock, session: aiohttp.ClientSession
) -> None:
    """Whatever a kind makes of them: readers see them whole, and the count is within the limit."""
    text = "Orders <b>fail</b> & *wait* for @ab."
    channel = registry.build(posts.settings(name="ours", kind=kind, **EXAMPLES[kind]), session, clock)
    found = preview(channel, posts.post(text=text))
    assert found.shown is not None
    assert found.left_out == ""
    assert left_out(text, [f"{found.shown.title}\n{found.shown.text}"]) == ""
    assert found.limit is None or (found.shown.length or 0) <= found.limit
    long = preview(channel, posts.post(text="Orders fail in Europe. " * 3_000))
    assert long.limit is None or long.left_out
    assert preview(channel, posts.post(audience=Audience.internal, text="db-7")).shown is None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def session() -> Any:
    async with open_session() as opened:
        yield opened


@given(st.text(max_size=60).map(clean), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_what_is_left_out_is_the_end(text: str, kept: int) -> None:
    """Of a text that stands somewhere whole nothing is left out, else an end of it."""
    assert left_out(text, ["elsewhere", f"before {text} behind"]) == ""
    rest = left_out(text, [text[:kept] + "…"])
    assert len("".join(rest.split())) <= len("".join(text.split()))
    assert text[:kept].strip() == text.strip() or not text[kept:].strip() or rest or "…" in text
