"""Findings about words: what the wording gate would stop before it reached customers."""

from __future__ import annotations

from collections.abc import Iterator

from rules.declared import Gathered
from rules.errors import Problem
from rules.model import RuleSet
from rules.words import pack
from rules.words.finding import Severity

STOPPED = "R066"


def findings(gathered: Gathered, rules: RuleSet) -> Iterator[Problem]:
    """Each text of these files that customers may read, for one component and for all of them.

    Built-in texts are ours to keep right; what the gate only warns about is shown
    by ``tocsin words check FILE``.
    """
    for sample, finding in pack.findings(rules, tuple(gathered.texts)):
        place = gathered.texts.get(sample.name)
        if place is not None and finding.severity is Severity.error:
            quoted = f" ({finding.text!r})" if finding.text else ""
            yield place.document.problem(
                place.path,
                f"the text {sample.name} would be stopped on {sample.channel.id}: {finding.why}{quoted}",
                finding.suggestion or "write it in plain words, or waive the check under `words`",
                code=STOPPED, severity="error", subject=sample.name,
            )  # fmt: skip
