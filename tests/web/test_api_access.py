"""Who may ask and who may act, for every route of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.web.api_route import PREFIX
from rules.load import version_of
from tests.stories.house import RULES
from tests.web.api_rig import TOKEN, office
from tests.web.rig import OUTSIDE

VERSION = version_of([("story.yaml", RULES)])
READS = [
    "/incidents", "/incidents/INC-1", "/incidents/INC-1/journal",
    "/incidents/INC-1/scenario", "/alerts", "/deliveries", "/deliveries/1",
    "/rules", "/openapi.json",
]  # fmt: skip
READS += ["/incidents/INC-1/explain", "/rules/versions", f"/rules/versions/{VERSION}", "/rules/coverage"]
READS += ["/suppressions", "/incidents/INC-1/scenario"]
ACTS: dict[str, dict[str, Any]] = {
    "/incidents": {"title": "Another"},
    "/incidents/INC-1/ack": {},
    "/incidents/INC-1/update": {"text": "Words."},
    "/incidents/INC-1/resolve": {},
    "/incidents/INC-1/retract": {},
    "/incidents/INC-1/take-over": {},
    "/incidents/INC-1/hand-back": {},
    "/incidents/INC-1/approve": {"step": "social"},
    "/incidents/INC-1/veto": {"step": "social"},
    "/pause": {},
    "/resume": {},
    "/deliveries/1/confirm": {},
    "/deliveries/1/resend": {},
    "/deliveries/1/drop": {},
    "/suppressions/lift": {"channel": "mail", "recipient": "ann@example.org"},
}
ANSWERS = {"/incidents": 201, "/incidents/INC-1/hand-back": 409, "/incidents/INC-1/approve": 409,
           "/incidents/INC-1/veto": 409, "/resume": 409, "/deliveries/1/confirm": 409,
           "/deliveries/1/resend": 409, "/deliveries/1/drop": 409, "/suppressions/lift": 404}  # fmt: skip


def filled(template: str) -> str:
    """A path of the API with the things that an opened office has."""
    for part, name in {"deliveries/{id}": "deliveries/1", "versions/{id}": f"versions/{VERSION}"}.items():
        template = template.replace(part, name)
    return template.replace("{id}", "INC-1")


async def test_every_route_is_here(tmp_path: Path) -> None:
    """A route that is added and not listed above fails this."""
    async with office(tmp_path) as here:
        operations = here.api.operations
        reads = {filled(one.path) for one in operations if not one.acts}
        acts = {filled(one.path) for one in operations if one.acts}
        assert reads | {"/openapi.json"} == set(READS)
        assert acts == set(ACTS)
        routed = {
            (route.method, route.resource.canonical)
            for route in here.rig.listener._app.router.routes()
            if route.resource is not None and route.resource.canonical.startswith(PREFIX)
        }
        named = {(one.method, one.full_path) for one in operations} | {("GET", f"{PREFIX}/openapi.json")}
        assert {one for one in routed if one[0] != "HEAD"} == named


@pytest.mark.parametrize("path", READS)
async def test_reads_are_open_on_loopback_alone(tmp_path: Path, path: str) -> None:
    """From this machine anybody may look; from elsewhere the token is needed."""
    async with office(tmp_path) as here:
        await here.open()
        assert (await here.get(path)).status == 200
        assert (await here.get(path, headers={"X-Forwarded-For": OUTSIDE})).status == 401
        assert (await here.get(path, headers={"X-Forwarded-For": OUTSIDE} | TOKEN)).status == 200


@pytest.mark.parametrize("path", ACTS)
async def test_acts_need_the_token(tmp_path: Path, path: str) -> None:
    """Without it, or with a wrong one, 401 and nothing has happened; with it the act is tried."""
    async with office(tmp_path) as here:
        await here.open()
        body = {"who": "ana"} | ACTS[path]
        before = (await here.get("/incidents/INC-1")).json
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
            answer = await here.rig.ask("POST", PREFIX + path, json=body, headers=headers)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await here.get("/incidents/INC-1")).json == before
        answer = await here.rig.ask("POST", PREFIX + path, json=body, headers=TOKEN)
        assert answer.status == ANSWERS.get(path, 200), answer.text


async def test_other_sites_pages_may_not_act(tmp_path: Path) -> None:
    """A browser that another site drives is refused even with the token."""
    async with office(tmp_path) as here:
        await here.open()
        answer = await here.act("/incidents/INC-1/ack", headers={"Origin": "https://evil.example"})
        assert answer.status == 403


async def test_from_elsewhere(tmp_path: Path) -> None:
    """An address that is not this machine's needs the token for everything."""
    async with office(tmp_path, peer=OUTSIDE) as here:
        assert (await here.get("/incidents")).status == 401
        assert (await here.get("/incidents", headers=TOKEN)).status == 200


class TestWho:
    """The name of the person who acts."""

    async def test_from_the_header(self, tmp_path: Path) -> None:
        """X-Tocsin-User is enough, even without a body."""
        async with office(tmp_path) as here:
            await here.open()
            headers = TOKEN | {"X-Tocsin-User": "bo"}
            assert (
                await here.rig.ask("POST", f"{PREFIX}/incidents/INC-1/ack", headers=headers)
            ).status == 200
            assert (await here.get("/incidents/INC-1")).json["acked_by"] == "bo"

    @pytest.mark.parametrize(
        ("who", "header"),
        [("", ""), ("  ", ""), ("ana", "bo"), ("a" * 101, ""), ("a\nb", ""), ("a\x1b[m", "")],
    )
    async def test_must_be_one_clear_name(self, tmp_path: Path, who: str, header: str) -> None:
        """Nobody, two different people, or a name nobody can read: refused, naming the key."""
        async with office(tmp_path) as here:
            await here.open()
            headers = {"X-Tocsin-User": header} if header else {}
            answer = await here.act("/incidents/INC-1/ack", who=who, headers=headers)
            assert answer.status in {400, 422}
            assert answer.json["detail"].startswith("who:")
            assert (await here.get("/incidents/INC-1")).json["acked_by"] == ""
