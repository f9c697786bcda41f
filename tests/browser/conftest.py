"""One Chromium per test, and one line when there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.browser.stage import browser, need_chromium


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    need_chromium()
    async with browser() as started:
        yield started
