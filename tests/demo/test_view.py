"""The live view at the sizes of real terminals, drawn from a running daemon."""

from __future__ import annotations

import asyncio
import io

from rich.console import Console

from daemon.demo.stage import Stage
from daemon.demo.story import Event, Kind
from daemon.demo.view import View

SIZES = ((80, 24), (120, 40), (200, 60), (60, 16))


def lines(view: View, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(view, height=height)
    return capture.get().splitlines()


async def test_it_fits_the_terminal() -> None:
    """After the first mails each size shows incident, words, promise and address, and nothing sticks out."""
    async with Stage(300) as stage:
        mailed = asyncio.Event()

        def watch(event: Event) -> None:
            if event.kind is Kind.mail:
                mailed.set()

        stage.story.listeners.append(watch)
        playing = asyncio.create_task(stage.play())
        await mailed.wait()
        drawn = {size: lines(View(stage), *size) for size in SIZES}
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        address = stage.workspace.page_url
        folder = stage.folder
    for (width, height), shown in drawn.items():
        assert len(shown) == height
        assert max(map(len, shown)) <= width
        whole = "\n".join(shown)
        assert address in whole
        assert "3 mails: first update" in whole
        assert "Promised: next update by" in whole
        assert ("status page" in whole) is (width >= 110)
    assert not folder.exists()
