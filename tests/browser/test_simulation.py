"""The page of a simulation in a real browser: phone and desktop, light and dark, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from daemon.core.clock import HOUR
from daemon.lab.picture import page_of
from daemon.lab.scenario_file import read_text
from daemon.lab.shelf import RuleShelf
from daemon.lab.simulating import simulate
from rules.model import Site
from tests.browser.axe import axe_source
from tests.browser.stage import DESKTOP, PHONE, tab

pytestmark = pytest.mark.external

SHOP = Path(__file__).parents[2] / "rules" / "packs" / "shop.yaml"
SCENARIO = """
alerts:
  - { labels: { service: checkout, severity: critical }, fires: 0m, resolves: 140m }
  - labels: { service: search, severity: page }
    fires: 20m
    resolves: 22m
    again: { every: 10m, until: 50m }
people: [ { at: 40m, update: "We found it.", incident: { labels: { component: checkout } } } ]
channels: [ { at: 90m, x: down }, { at: 150m, x: up } ]
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_it_fits_and_can_be_read(
    tmp_path: Path, cache: pytest.Cache, chromium: Browser, size: dict[str, int], scheme: str
) -> None:
    """Nothing is asked of any server, nothing stands out to the side, and axe finds nothing."""
    axe = axe_source(cache.mkdir("axe"))
    (scenario,) = read_text("scenario.yaml", SCENARIO, tmp_path).scenarios
    rules = RuleShelf(Site()).load([SHOP])
    file = tmp_path / "page.html"
    file.write_text(page_of(await simulate(scenario, lambda _: rules, 4 * HOUR)), encoding="utf-8")
    async with tab(chromium, size, scheme) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(file.as_uri())
        assert asked == [file.as_uri()]
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert await page.locator(".names li").count() >= 8
        assert await page.locator("svg circle").count() > 20
        await page.evaluate(axe)
        found = await page.evaluate("axe.run(document)")
        assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]] == []
