"""No secret, address or token is ever in a rule file; what looks like one is an error.

The whole text is read, comments too.  The finding never repeats what it found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.errors import Problem
from rules.yaml_source import Document

SECRET = "R015"  # noqa: S105 - the code of the finding, no secret
REMEDY = "move it to the daemon's configuration (a *_file), and renew it if this file was ever shared"

# Each shape is linear; names of vendors' tokens are from their own documentation of the prefix.
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a Slack token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}|\bxapp-[0-9]-[A-Za-z0-9-]{8,}")),
    (
        "an Authorization header",
        re.compile(r"\b(?:Bearer|Basic)\s{1,4}(?=[^\s\"']{0,200}[0-9])[A-Za-z0-9._~+/=-]{16,}"),
    ),
    ("a URL with credentials", re.compile(r"://[^\s/:@\"']{0,80}:[^\s/@\"']{1,200}@")),
    (
        "a webhook address",
        re.compile(
            r"//hooks\.slack\.com/[^\s\"']+|discord(?:app)?\.com/api/webhooks/[^\s\"']+"
            r"|\.webhook\.office\.com/[^\s\"']+|//api\.telegram\.org/bot[^\s\"']+"
        ),
    ),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY")),
    ("a JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}")),
    ("an access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{35}")),
    (
        "an access token",
        re.compile(r"\bgh[opsur]_[A-Za-z0-9]{20,}|\bglpat-[A-Za-z0-9_-]{20,}|\bSG\.[\w-]{16,}\."),
    ),
    (
        "a secret",  # a blob with digits behind a telling name; words with hyphens are names of services
        re.compile(
            r"(?i)(?:token|secret|passw(?:or)?d|api[_-]?key|private[_-]?key|access[_-]?key|credentials?)[\"']?"
            r"\s{0,4}[:=]\s{0,4}[\"']?(?=[a-z+/=]{0,80}[0-9][a-z+/=]{0,80}[0-9])[a-z0-9+/=]{20,}"
        ),
    ),
)


def scan(document: Document) -> Iterator[Problem]:
    """One problem per place that looks like a secret."""
    seen: set[int] = set()
    for number, line in enumerate(document.text.splitlines(), start=1):
        for what, shape in _SHAPES:
            found = shape.search(line)
            if found is not None and number not in seen:
                seen.add(number)
                message = f"looks like {what}"
                yield Problem(document.file, number, found.start() + 1, "", message, REMEDY, SECRET)


def redact(text: str) -> str:
    """The text with everything that looks like a secret replaced, so that messages repeat none."""
    for _, shape in _SHAPES:
        text = shape.sub("[hidden]", text)
    return text
