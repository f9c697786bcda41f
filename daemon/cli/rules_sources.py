"""Where commands about rules take files, page and channels from."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from daemon.cli.options import chosen_config

if TYPE_CHECKING:
    from daemon.lab.shelf import RuleShelf

T = TypeVar("T")


def shelf_of(ctx: typer.Context, config: Path | None, *, needed: bool) -> tuple[RuleShelf, list[Path]]:
    """A shelf with the configuration's page and channels, and its rule files.

    Without a configuration that was named, all channels count as configured and
    there are no files, unless files are ``needed``: then the default one is looked for.
    """
    from daemon.lab.shelf import RuleShelf  # noqa: PLC0415 - the rule engine is slow to load
    from rules.model import Site  # noqa: PLC0415 - see above

    named = chosen_config(ctx, config)
    if named is None and not needed:
        return RuleShelf(Site()), []
    from config.environment import environment  # noqa: PLC0415 - the settings load every channel's library
    from config.load import find, load  # noqa: PLC0415 - see above
    from daemon.rule_files import configured_channels, site_of  # noqa: PLC0415 - see above

    environ = environment()
    configuration = load(find(named, environ), environ)
    settings = configuration.settings
    return RuleShelf(site_of(settings), configured_channels(settings)), list(configuration.rule_files)


@contextmanager
def quiet() -> Iterator[None]:
    """What the daemon would log is no part of a command's answer."""
    import logging  # noqa: PLC0415 - see above

    import structlog  # noqa: PLC0415 - see above

    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def played(play: Coroutine[Any, Any, T]) -> T:
    """The result of something that plays in virtual time, without its logs.

    The event loop is handed no result: at its end it would write out all of it, to no one (asyncio's
    signal handling does so with the main task).
    """
    import asyncio  # noqa: PLC0415 - see above

    found: list[T] = []

    async def keep() -> None:
        found.append(await play)

    with quiet():
        asyncio.run(keep())
    return found[0]
