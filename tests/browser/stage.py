"""A real page on loopback and a real Chromium in front of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from daemon.core.page_view import PageView
from daemon.page.site import PageSite
from tests.page.sample import NOW

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def need_chromium() -> None:
    """Skip with one line where there is no Chromium; in CI that is an error."""
    if not Path(CHROMIUM).exists():
        message = f"no browser at {CHROMIUM}: install Debian's package chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


@asynccontextmanager
async def serving(view: PageView) -> AsyncIterator[tuple[str, PageSite]]:
    """The public page on a free port; yields its address and the site behind it."""
    site = PageSite()
    site.replace(view)
    app = web.Application()
    app.add_routes(site.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}", site
    finally:
        await runner.cleanup()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield started
        finally:
            await started.close()


@asynccontextmanager
async def tab(chromium: Browser, size: Mapping[str, int], scheme: str, **more: Any) -> AsyncIterator[Page]:
    """A fresh tab whose clock stands at the sample's now."""
    context = await chromium.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="Europe/Berlin",
        **more,
    )
    try:
        page = await context.new_page()
        await page.clock.set_fixed_time(datetime.fromtimestamp(NOW / 1000, UTC))
        yield page
    finally:
        await context.close()
