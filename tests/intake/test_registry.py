"""Which formats a configuration may name."""

from __future__ import annotations

from daemon.intake.registry import PARSERS
from tests.intake.bodies import NOW, recorded


def test_every_format_has_a_parser_that_sets_the_source() -> None:
    """The name in the configuration leads to the parser of that format."""
    report = PARSERS["alertmanager"](recorded("firing"), "shop", NOW)
    assert {alert.source for alert in report.alerts} == {"shop"}
