"""Makes docs/pictures/page-*.png: ``python -m tests.browser.pictures [folder]``."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

from PIL import Image

from tests.browser.stage import DESKTOP, PHONE, browser, serving, tab
from tests.browser.test_page import MANY, WORST
from tests.page.sample import CALM, TROUBLE

OPEN_PAGE = "/incidents/k3v9x2m7qa41"
SHOTS = (
    ("page-desktop", TROUBLE, "/", DESKTOP, "light", False),
    ("page-dark", TROUBLE, "/", DESKTOP, "dark", False),
    ("page-phone", TROUBLE, "/", PHONE, "light", False),
)
DRAFTS = (
    ("calm", CALM, "/", DESKTOP, "light", True),
    ("full", TROUBLE, "/", DESKTOP, "light", True),
    ("phone-dark", TROUBLE, "/", PHONE, "dark", True),
    ("incident", TROUBLE, OPEN_PAGE, DESKTOP, "light", True),
    ("retracted", TROUBLE, "/incidents/p3xxxxxxxxxx", DESKTOP, "light", True),
    ("history", TROUBLE, "/history/2026-11", DESKTOP, "light", True),
    ("missing", TROUBLE, "/nowhere", DESKTOP, "light", True),
    ("worst", WORST, "/", DESKTOP, "dark", True),
    ("worst-phone", WORST, "/", PHONE, "light", True),
    ("folded", MANY, "/", DESKTOP, "light", True),
)


def small(picture: bytes) -> Image.Image:
    """The same picture in 128 colours: a third of the bytes, no difference that the eye finds."""
    return Image.open(io.BytesIO(picture)).convert("RGB").quantize(128, dither=Image.Dither.NONE)


async def main(folder: Path, *, drafts: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # a script with nothing else to do
    async with browser() as chromium:
        for name, view, path, size, scheme, full in DRAFTS if drafts else SHOTS:
            async with (
                serving(view) as (address, _),
                tab(chromium, size, scheme, device_scale_factor=1 if drafts else 1.5) as page,
            ):
                await page.goto(address + path)
                picture = small(await page.screenshot(full_page=full))
                picture.save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    wanted = [word for word in sys.argv[1:] if word != "--drafts"]
    asyncio.run(main(Path(wanted[0] if wanted else "docs/pictures"), drafts="--drafts" in sys.argv))
