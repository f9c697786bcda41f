"""The public page in Chromium: size, schemes, keyboard, no script, no foreign request, no finding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Request

from daemon.core.clock import HOUR, MINUTE
from daemon.core.page_view import PageView
from daemon.core.words import ComponentStatus
from tests.browser.axe import axe_source
from tests.browser.stage import DESKTOP, PHONE, serving, tab
from tests.page.sample import CALM, NOW, OPEN, PAST, TROUBLE, with_status

pytestmark = pytest.mark.external

SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["390", "1280"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
OVERDUE = replace(OPEN, next_update_at=NOW - 9 * MINUTE, impact="critical")
WORST = replace(
    TROUBLE,
    description="Shop, payments and everything around them",
    components=with_status(
        checkout=ComponentStatus.major_outage,
        reports=ComponentStatus.under_maintenance,
        search=ComponentStatus.degraded_performance,
        webhooks=ComponentStatus.partial_outage,
    ),
    open_incidents=(replace(OPEN, public_id="b" * 12, title="W" * 200, impact="minor"), OVERDUE),
)
MINOR = replace(CALM, components=with_status(search=ComponentStatus.degraded_performance))
MAINTENANCE = replace(CALM, components=with_status(search=ComponentStatus.under_maintenance))
MANY = replace(
    TROUBLE,
    components=tuple(
        replace(part, id=f"{part.id}{number}") for number in range(5) for part in TROUBLE.components
    ),
)
ADDRESSES: dict[str, tuple[PageView, str]] = {
    "calm": (CALM, "/"),
    "trouble": (TROUBLE, "/"),
    "worst": (WORST, "/"),
    "minor": (MINOR, "/"),
    "maintenance": (MAINTENANCE, "/"),
    "folded groups": (MANY, "/"),
    "incident": (TROUBLE, f"/incidents/{OPEN.public_id}"),
    "retracted": (TROUBLE, f"/incidents/{PAST[2].public_id}"),
    "history": (TROUBLE, "/history"),
    "not found": (TROUBLE, "/nowhere"),
}


async def wide(page: Page) -> bool:
    """Whether anything sticks out to the side."""
    return bool(
        await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )


@pytest.mark.slow
@pytest.mark.timeout(180)
@SIZES
@SCHEMES
async def test_no_accessibility_finding_and_no_sideways_scroll(
    chromium: Browser, size: Mapping[str, int], scheme: str, pytestconfig: pytest.Config
) -> None:
    """Axe finds nothing on any kind of page, best practices included, contrast above all."""
    cache = pytestconfig.cache
    assert cache is not None
    axe = axe_source(cache.mkdir("axe"))
    for name, (view, path) in ADDRESSES.items():
        async with serving(view) as (address, _), tab(chromium, size, scheme) as page:
            await page.goto(address + path)
            assert not await wide(page), name
            await page.evaluate(axe)
            found = await page.evaluate("axe.run(document)")
            assert brief(found["violations"]) == [], name
            assert len(found["passes"]) > 15, name  # it really looked
            unsure = [item for item in found["incomplete"] if item["id"] == "color-contrast"]
            assert brief(unsure) == [], name


def brief(findings: list[dict[str, Any]]) -> list[str]:
    return [f"{item['id']}: {node['html'][:160]}" for item in findings for node in item["nodes"]]


async def test_a_first_load_is_two_requests_and_small(chromium: Browser) -> None:
    """Ten components, one incident: at most 2 requests and 15 kB, nobody else asked, nothing logged."""
    async with serving(TROUBLE) as (address, _), tab(chromium, DESKTOP, "light") as page:
        requests: list[Request] = []
        spoken: list[str] = []

        def asked(request: Request) -> None:  # Playwright marks its handlers: a bound append will not do
            requests.append(request)

        def said(words: object) -> None:
            spoken.append(str(words))

        page.on("requestfinished", asked)
        page.on("requestfailed", asked)
        page.on("console", said)
        page.on("pageerror", said)
        await page.goto(address, wait_until="networkidle")
        assert [request.url.startswith(address) for request in requests] == [True, True]
        sizes = [await request.sizes() for request in requests]
        wire = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
        assert 1_000 < wire < 15_000
        assert spoken == []
        assert await page.context.cookies() == []


async def test_the_page_is_complete_without_javascript(chromium: Browser) -> None:
    """Every word of the incident, the components and the past are there when scripts are off."""
    async with (
        serving(TROUBLE) as (address, _),
        tab(chromium, PHONE, "light") as scripted,
        tab(chromium, PHONE, "light", java_script_enabled=False) as plain,
    ):
        await plain.goto(address)
        await scripted.goto(address)
        text = await plain.inner_text("body")
        for update in OPEN.updates:
            assert update.body in text
        assert "Next update by\n14:30 UTC" in text
        for part in TROUBLE.components:
            assert part.name in text
        added = set((await scripted.inner_text("body")).split()) - set(text.split())
        assert added <= {"(in", "27", "min)", "(41", "min", "ago)", "(8"}


async def test_the_script_adds_how_long_ago_and_the_readers_own_time(chromium: Browser) -> None:
    """Ages beside the three times that matter, local time on hover."""
    async with serving(TROUBLE) as (address, _), tab(chromium, DESKTOP, "light") as page:
        await page.goto(address)
        assert await page.locator(".rel").all_inner_texts() == ["(in 27 min)", "(41 min ago)", "(8 min ago)"]
        title = await page.locator(".next time").get_attribute("title")
        assert title is not None
        assert "3:30" in title  # 15:30 in Berlin, in the browser's own notation
        assert title.endswith("your time")


async def test_news_arrive_without_a_reload(chromium: Browser) -> None:
    """What is on the screen follows the page, and is spoken to those who listen."""
    async with serving(CALM) as (address, site), tab(chromium, DESKTOP, "light") as page:
        await page.clock.install()
        await page.goto(address)
        site.replace(TROUBLE)
        await page.clock.run_for(31_000)
        await page.get_by_role("heading", name="Card payments fail for some customers").wait_for()
        assert (await page.title()).startswith("Partial system outage")
        assert "Partial system outage" in await page.locator("#news").inner_text()


async def test_news_wait_while_a_reader_uses_the_keyboard_inside(chromium: Browser) -> None:
    """The place where somebody is reading is not pulled away."""
    async with serving(CALM) as (address, site), tab(chromium, DESKTOP, "light") as page:
        await page.clock.install()
        await page.goto(address)
        await page.get_by_role("link", name="All incidents").focus()
        site.replace(TROUBLE)
        async with page.expect_response(address + "/"):
            await page.clock.run_for(31_000)
        assert await page.locator("h1").inner_text() == "All systems operational"
        await page.get_by_role("link", name="Larkfield status").focus()
        await page.clock.run_for(31_000)
        await page.get_by_role("heading", name="Partial system outage").wait_for()


async def test_an_old_copy_says_that_it_is_old(chromium: Browser) -> None:
    """A page that outlived its daemon does not pass for news."""
    old = replace(CALM, generated_at=NOW - 2 * HOUR)
    async with serving(old) as (address, _), tab(chromium, DESKTOP, "light") as page:
        await page.goto(address)
        expected = "This copy is 2 h 0 min old; it may be out of date."
        assert await page.locator("#stale").inner_text() == expected


async def test_a_daemon_that_is_gone_is_said(chromium: Browser) -> None:
    """When the page cannot be asked again the reader learns it."""
    async with tab(chromium, DESKTOP, "light") as page:
        await page.clock.install()
        async with serving(CALM) as (address, _):
            await page.goto(address)
        await page.clock.run_for(31_000)
        await page.get_by_text("This page cannot be reached at the moment").wait_for()


async def test_the_keyboard_reaches_everything_and_the_skip_link_comes_first(chromium: Browser) -> None:
    """Few stops, each with a name and a visible ring; components are none."""
    async with serving(TROUBLE) as (address, _), tab(chromium, DESKTOP, "light") as page:
        await page.goto(address)
        stops: list[str] = []
        for _ in range(20):
            await page.keyboard.press("Tab")
            stop = await page.evaluate(
                "(e => e == document.body ? null : [e.textContent.trim(), getComputedStyle(e).outlineStyle])"
                "(document.activeElement)"
            )
            if stop is None:
                break
            assert stop[1] == "solid", stop
            stops.append(stop[0])
        assert stops == [
            "Skip to content",
            "Larkfield status",
            "Status",
            "History",
            OPEN.title,
            *[incident.title for incident in PAST],
            "All incidents",
            "Status as JSON",
        ]
        await page.goto(address)
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"


async def test_the_policy_stops_foreign_script_and_lets_ours_work(chromium: Browser) -> None:
    """An inline script that got in would not run; our sheet and script do."""
    async with serving(TROUBLE) as (address, _), tab(chromium, DESKTOP, "light") as page:
        await page.goto(address)
        ran = await page.evaluate(
            "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
            "document.body.append(s); return window.ran }"
        )
        assert ran is None
        colour = await page.evaluate("getComputedStyle(document.querySelector('.strip')).backgroundColor")
        assert colour == "rgb(191, 64, 8)"


async def test_json_link_leads_to_the_statuspage_summary(chromium: Browser) -> None:
    """The address in the footer is the one that machines read."""
    async with serving(TROUBLE) as (address, _), tab(chromium, DESKTOP, "light") as page:
        await page.goto(address)
        await page.get_by_role("link", name="Status as JSON").click()
        text = await page.evaluate("document.body.innerText")
        assert json.loads(text[text.index("{") :])["status"]["indicator"] == "major"
