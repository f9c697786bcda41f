"""Makes the README's picture of the demo anew: ``python -m tests.demo.picture docs/pictures/demo.svg``.

It is the real thing at the moment after the two-hour post, drawn at 120 by 40.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from daemon.demo.stage import Stage
from daemon.demo.story import Event, Kind
from daemon.demo.view import View

SPEED = 60.0
SIZE = (120, 40)


async def picture(size: tuple[int, int], kind: Kind) -> str:
    """The view as SVG, a little after the first event of that kind."""
    async with Stage(SPEED) as stage:
        seen = asyncio.Event()

        def watch(event: Event) -> None:
            if event.kind is kind:
                seen.set()

        stage.story.listeners.append(watch)
        playing = asyncio.create_task(stage.play())
        await seen.wait()
        await stage.clock.sleep(40)
        console = Console(record=True, width=size[0], height=size[1], file=io.StringIO(), force_terminal=True)
        console.print(View(stage), height=size[1])
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    svg = console.export_svg(title="tocsin demo", theme=SVG_EXPORT_THEME, unique_id="demo")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no fonts from other people's servers


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    chosen = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else SIZE
    target.write_text(asyncio.run(picture(chosen, Kind(sys.argv[4] if len(sys.argv) > 4 else "X"))), "utf-8")
