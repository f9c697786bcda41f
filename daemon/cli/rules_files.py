"""Which rule files a command is about: those named, else those of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.options import chosen_config

if TYPE_CHECKING:
    from rules.model import RuleSet

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", show_default=False, help="Rule files; else those of the configuration."),
]
RuleFiles = Annotated[
    list[Path] | None,
    typer.Option("--rules", metavar="FILE", show_default=False,
                 help="Rule files; else those of the configuration. Repeatable."),
]  # fmt: skip


def load_rules(ctx: typer.Context, config: Path | None, files: list[Path] | None) -> RuleSet:
    """The rule set of those files.  Raises LoadError, BadConfig."""
    from rules.load import load  # noqa: PLC0415 - the rule engine is slow to load

    paths, site, configured = sources(ctx, config, files)
    return load(paths, site=site, configured=configured)


def sources(ctx: typer.Context, config: Path | None, files: list[Path] | None) -> tuple[Any, Any, Any]:
    """Files, site and channels: those named, taken alone; else what the configuration says.

    Files that are named together with a configuration are taken with its channels.
    """
    from rules.model import Site  # noqa: PLC0415 - see above

    named = chosen_config(ctx, config)
    if files and named is None:
        return files, Site(), None
    from config.environment import environment  # noqa: PLC0415 - the settings load every channel's library
    from config.load import find, load  # noqa: PLC0415 - see above
    from daemon.rule_files import configured_channels, site_of  # noqa: PLC0415 - see above

    environ = environment()
    configuration = load(find(named, environ), environ)
    settings = configuration.settings
    return files or configuration.rule_files, site_of(settings), configured_channels(settings)
