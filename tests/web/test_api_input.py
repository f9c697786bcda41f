"""What callers may send: strict bodies and queries, and instants as people write them."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.clock import DAY, HOUR, MINUTE, from_datetime, to_datetime, to_iso
from daemon.core.errors import BadInput
from daemon.web.api_input import LARGEST_BODY
from daemon.web.api_route import PREFIX
from daemon.web.api_times import instant
from tests.stories.house import START
from tests.web.api_rig import TOKEN, office

UPDATE = f"{PREFIX}/incidents/INC-1/update"

BODIES = [
    (b"{", 400, "not the JSON", ""),
    (b"\xff", 400, "not the JSON", ""),
    (b"NaN", 400, "not the JSON", ""),
    (b'{"text": "\\ud800"}', 400, "not the JSON", ""),
    (b'{"who": "ana", "text": "a", "text": "b"}', 400, "'text' is there twice", ""),
    (b"[" * 100_000, 422, "expected", ""),
    (b'{"text":' + b"[" * 100_000, 422, "text:", "text"),
    (b"[]", 422, "expected `object`", ""),
    (b'{"who": "ana", "txet": "a"}', 422, "did you mean text?", "txet"),
    (b'{"who": "ana", "zzzz": "a"}', 422, "there are: who, text", "zzzz"),
    (b'{"who": "ana", "text": 7}', 422, "text: expected `str`", "text"),
    (b'{"who": "ana", "status": "fixed"}', 422, "there are: identified, investigating, monitoring", "status"),
    (b'{"who": "ana", "to": ["page", 1]}', 422, "to[1]: expected `str`", "to[1]"),
    (b'{"who": "ana"}', 400, "nothing to update", ""),
    (b'{"who": "ana", "text": "a", "plan": "nope"}', 400, "no plan is called 'nope'", ""),
    (b'{"who": "ana", "text": "a", "to": ["nope"]}', 400, "no channel is called 'nope'", ""),
    (b'{"who": "ana", "promise": "30m"}', 400, "a promise needs a text", ""),
    (b'{"who": "ana", "text": "a", "promise": "soon"}', 400, "promise: 'soon' is no instant", ""),
    (b'{"who": "ana", "text": "' + b"a" * 10_001 + b'"}', 400, "at most 10000", ""),
]


@pytest.mark.parametrize(("body", "status", "words", "key"), BODIES, ids=range(len(BODIES)))
async def test_bad_bodies(tmp_path: Path, body: bytes, status: int, words: str, key: str) -> None:
    """Each is refused with its key and what to write, and changes nothing."""
    async with office(tmp_path) as here:
        await here.open()
        answer = await here.rig.post(UPDATE, body, headers=TOKEN)
        assert answer.status == status, answer.text
        assert words in answer.json["detail"]
        assert answer.json.get("key", "") == key
        assert here.rig.counted.errors == []
        assert len((await here.get("/incidents/INC-1")).json["updates"]) == 1


async def test_size_and_packing(tmp_path: Path) -> None:
    """256 KiB are read and one byte more is not; gzip is unpacked within the same limit."""
    async with office(tmp_path) as here:
        await here.open()
        ack = f"{PREFIX}/incidents/INC-1/ack"
        largest = b'{"who": "ana"}'.ljust(LARGEST_BODY)
        assert (await here.rig.post(ack, largest, headers=TOKEN)).status == 200
        assert (await here.rig.post(ack, largest + b" ", headers=TOKEN)).status == 413
        packed = TOKEN | {"Content-Encoding": "gzip"}
        assert (await here.rig.post(ack, gzip.compress(largest), headers=packed)).status == 200
        bomb = gzip.compress(b" " * (1 << 24))
        assert (await here.rig.post(ack, bomb, headers=packed)).status == 413
        strange = TOKEN | {"Content-Encoding": "br"}
        assert (await here.rig.post(ack, b"x", headers=strange)).status == 415


QUERIES = [
    ("/incidents?limit=0", "limit:"),
    ("/incidents?limit=501", "limit:"),
    ("/incidents?limit=ten", "limit:"),
    ("/incidents?status=closed", "there are: all, open"),
    ("/incidents?stauts=open", "did you mean status?"),
    ("/incidents?cursor=INC-3", "hand back the `next`"),
    ("/incidents?cursor=99999999999999999999", "hand back the `next`"),
    ("/incidents?limit=1&limit=2", "twice"),
    ("/deliveries?state=lost", "there are: "),
    ("/rules?x=1", "no key here"),
    ("/rules/coverage?since=soon", "write a span such as 90d"),
    ("/rules/coverage?since=2999-01-01T00:00:00Z", "not in the past"),
    ("/rules/coverage?since=99999d", "not in the past"),
    ("/rules/versions?limit=0", "limit:"),
]


@pytest.mark.parametrize(("path", "words"), QUERIES)
async def test_bad_queries(tmp_path: Path, path: str, words: str) -> None:
    """A parameter that would be ignored is refused instead, with what to write."""
    async with office(tmp_path) as here:
        answer = await here.get(path)
        assert answer.status == 400
        assert words in answer.json["detail"]


def berlin(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")))


class TestInstants:
    """RFC 3339, a span, or the next time of day."""

    @pytest.mark.parametrize(
        ("text", "span"),
        [
            ("30m", 30 * MINUTE), ("1h30m", 90 * MINUTE), ("1d", DAY), (" 45m ", 45 * MINUTE),
            ("2027-01-01T10:30:00Z", 30 * MINUTE), ("2027-01-01T11:30:00+01:00", 30 * MINUTE),
            ("2027-01-01t10:30:00.5z", 30 * MINUTE + 500), ("2027-01-01 10:30Z", 30 * MINUTE),
            ("14:30", 4 * HOUR + 30 * MINUTE), ("9:00", 23 * HOUR), ("10:00", DAY),
        ],
    )  # fmt: skip
    def test_every_way_to_write_one(self, text: str, span: int) -> None:
        """START is 10:00 UTC; a time of day that is now is tomorrow's."""
        assert instant(text, START, "UTC", "promise") == START + span

    @pytest.mark.parametrize(
        "text",
        ["", "soon", "25:00", "14:60", "-5m", "30", "0m", "2y", "1.5h",
         "2027-01-01", "2027-01-01T10:30:00", "2026-01-01T10:00:00Z", "2027-13-01T10:00:00Z",
         "2027-02-30T10:00:00Z", "20270101T103000Z", "9999-12-31T23:59:59-23:59"],
    )  # fmt: skip
    def test_what_is_none(self, text: str) -> None:
        """No offset, no unit, no such day, or passed already: refused, naming the key."""
        with pytest.raises(BadInput, match=r"^until: "):
            instant(text, START, "UTC", "until")

    def test_the_pages_zone_counts(self) -> None:
        """14:30 is 14:30 where the page is."""
        found = instant("14:30", START, "Europe/Berlin", "until")
        assert to_iso(found) == "2027-01-01T13:30:00.000Z"

    def test_a_time_that_is_left_out(self) -> None:
        """02:30 does not exist on the night in which the clocks go forward: the next one does."""
        eve = berlin("2027-03-27T20:00")
        assert instant("02:30", eve, "Europe/Berlin", "until") == berlin("2027-03-29T02:30")

    def test_a_time_that_comes_twice(self) -> None:
        """After the first 02:30 of the night in which the clocks go back comes the second."""
        first = instant("02:30", berlin("2027-10-30T20:00"), "Europe/Berlin", "until")
        second = instant("02:30", first, "Europe/Berlin", "until")
        assert second == first + HOUR

    @given(st.integers(0, 23), st.integers(0, 59), st.integers(START, START + 400 * DAY),
           st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]))  # fmt: skip
    def test_a_time_of_day_is_the_next_one(self, hour: int, minute: int, now: int, zone: str) -> None:
        """It is later than now, at most about two days, and shows that time on the wall."""
        found = instant(f"{hour:02}:{minute:02}", now, zone, "until")
        assert now < found <= now + 2 * DAY + 2 * HOUR
        wall = to_datetime(found).astimezone(ZoneInfo(zone))
        assert (wall.hour, wall.minute, wall.second) == (hour, minute, 0)
