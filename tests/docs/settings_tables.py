"""``make docs`` (``python -m tests.docs.settings_tables``): the settings tables of docs/, from the models.

A table stands between two marks.  A page without them gets them around the
first table below its heading ``## Settings``, or a table of its own there.
The meaning of a key is its field's ``description``; a key that has none keeps
its page as it is, and is named.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from channels import registry
from channels.base import ChannelSettings
from channels.http import open_session
from config.settings import DEFAULTS, Settings, Source, _span
from config.shape import has_lines, is_list, is_secret, models_of
from daemon.core.clock import SystemClock
from daemon.core.ports import Capabilities
from rules import durations
from tests.channels.posts import settings
from tests.channels.test_registry import EXAMPLES
from tests.sources import ROOT

BEGIN = "<!-- settings: made by `make docs` from {source} -->"
END = "<!-- end of settings -->"
CHANNEL_PAGES = ROOT / "docs" / "channels"
REFERENCE = ROOT / "docs" / "configuration.md"
NONE = "*none*"
KIND = FieldInfo(annotation=str, description="one of the kinds below")
Key = tuple[str, FieldInfo, str]
"""A key, its field, and its default where that is put into words."""
_TABLE = r"\| key \|[^\n]*\n(?:\|[^\n]*\n)+"
_MARKED = r"<!-- settings: [^\n]*-->\n.*?<!-- end of settings -->\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One key."""

    key: str
    default: str
    meaning: str
    secret: str = ""

    def __str__(self) -> str:
        meaning = "; ".join(part for part in (self.secret, self.meaning) if part)
        return f"| `{self.key}` | {self.default} | {meaning} |"


class NoDescription(Exception):
    """Keys without a meaning."""

    def __init__(self, source: str, lacking: list[str]) -> None:
        self.lacking = lacking
        super().__init__(
            f"{source}: {', '.join(lacking)} without a description: write what the key means into "
            "Field(description=...), as channels/telegram.py does; then run `make docs`"
        )


def kind_table(kind: str) -> str:
    """The marked table of a kind's page.  Raises NoDescription."""
    model = _model(kind)
    source = f"{model.__module__.replace('.', '/')}.py"
    known = _capabilities(kind)
    found = {key: (field, default) for key, field, default in keys(model)}
    fields = {key: one for key, (one, _) in found.items() if key != "kind" and _can_differ(one)}
    defaults = {key: default for key, (_, default) in found.items()}
    if known is not None:
        pace = f"`{known.per_minute:g}`" if known.per_minute else "*as fast as it answers*"
        if fields["per_minute"].description != ChannelSettings.model_fields["per_minute"].description:
            pace = NONE  # the kind says itself what holds
        doubt = f"`{known.on_doubt}`" if known.on_doubt in ("hold", "resend") else NONE
        defaults |= {"per_minute": pace, "on_doubt": doubt}
    else:  # the page: nothing is sent
        fields.pop("per_minute", None)
    first = [name for name in ("name", "audience") if name in fields]
    last = [name for name in ("per_minute", "on_doubt") if name in fields]
    own = [name for name in fields if name not in (*first, *last)]
    own.sort(key=lambda name: not fields[name].is_required() or "." in name)  # what must be given comes first
    order = [*first, *own, *last]
    return _table(source, ((name, fields[name], defaults[name]) for name in order))


def reference_tables() -> dict[str, str]:
    """The marked tables of docs/configuration.md by the heading above them.  Raises NoDescription."""
    sources = ((f"sources[].{name}", field, "") for name, field in Source.model_fields.items())
    common = dict(ChannelSettings.model_fields)
    common = {"name": common.pop("name"), "kind": KIND, **common}
    by_kind = {"per_minute": "*by kind*", "on_doubt": "*by kind*"}
    channels = ((f"channels[].{name}", field, by_kind.get(name, "")) for name, field in common.items())
    return {
        "Keys": _table("config/settings.py", keys(Settings)),
        "Sources": _table("config/settings.py", sources),
        "Channels": _table("channels/base.py", channels),
    }


def keys(model: type[BaseModel], block: str = "") -> Iterator[Key]:
    """Every key outside of lists, by dots."""
    for name, field in model.model_fields.items():
        key = f"{block}.{name}" if block else name
        inner = [] if is_list(field) else list(models_of(field))
        for one in inner:
            yield from keys(one, key)
        if not inner:
            named = _listed(key) if model is Settings else ""
            yield key, field, f"*required in `{block}`*" if block and field.is_required() else named


def _table(source: str, fields: Iterable[Key]) -> str:
    found, lacking = [], []
    for key, field, default in fields:
        if not field.description:
            lacking.append(f"`{key}`")
            continue
        secret = ("*secret, lines*" if has_lines(field) else "*secret*") if is_secret(field) else ""
        found.append(Row(key, default or _default(field), field.description, secret))
    if lacking:
        raise NoDescription(source, lacking)
    rows = "\n".join(map(str, found))
    return f"{BEGIN.format(source=source)}\n| key | default | meaning |\n|---|---|---|\n{rows}\n{END}\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is PydanticUndefined or value is None or value in ((), "", {}, []):
        return NONE
    if any(isinstance(one, BeforeValidator) and one.func is _span for one in field.metadata):
        return f"`{durations.show(value)}`"
    return f"`{_written(value)}`"


def _written(value: Any) -> str:
    """As one would write it into the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:g}"
    if type(value) in (tuple, list):
        return f"[{', '.join(map(_written, value))}]"
    return str(value) if not isinstance(value, Decimal) else f"{value:f}"


def _listed(key: str) -> str:
    """The default of a list that the file may leave out."""
    names = [one["name"] if isinstance(one, dict) else str(one) for one in DEFAULTS.get(key, ())]
    return ", ".join(f"`{name}`" for name in names)


def _can_differ(field: FieldInfo) -> bool:
    """Whether anything but its default can be written."""
    only = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return field.annotation is not type(None) and len(only) != 1


def _model(kind: str) -> type[ChannelSettings]:
    return registry.StatusPageSettings if kind == registry.STATUS_PAGE else registry.KINDS[kind][0]


def _capabilities(kind: str) -> Capabilities | None:
    """What the kind can do in its usual form; None for the page."""
    if kind == registry.STATUS_PAGE:
        return None

    async def build() -> Capabilities:
        async with open_session() as session:
            one = settings(name="example", kind=kind, **EXAMPLES[kind])
            return registry.build(one, session, SystemClock()).capabilities

    return asyncio.run(build())


def with_table(page: str, table: str, heading: str = "## Settings") -> str:
    """The page with its table under the heading replaced, or put there.

    Raises:
        ValueError: there is no such heading.

    """
    found = re.search(rf"^{heading}\n.*?(?=^#{{1,3}} |\Z)", page, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"the page has no heading {heading!r}: write one where its table shall stand")
    section = found[0]
    for pattern in (_MARKED, _TABLE):
        changed, count = re.subn(pattern, lambda _: table, section, count=1, flags=re.DOTALL)
        if count:
            break
    else:
        changed = f"{heading}\n\n{table}\n{section[len(heading) :].lstrip()}"
    return page[: found.start()] + changed + page[found.end() :]


def pages() -> Mapping[str, tuple[str, str]]:
    """Each file's text as it is and as it should be, by its name under docs/.  Raises NoDescription."""
    found = {}
    for kind in registry.kinds():
        page = (CHANNEL_PAGES / f"{kind}.md").read_text(encoding="utf-8")
        found[f"channels/{kind}.md"] = (page, with_table(page, kind_table(kind)))
    wanted = reference = REFERENCE.read_text(encoding="utf-8")
    for heading, table in reference_tables().items():
        wanted = with_table(wanted, table, f"## {heading}")
    return found | {REFERENCE.name: (reference, wanted)}


def _written_by_hand(error: Exception, kind: str) -> str:
    """What the documentation says now of keys without a description, to be put into the model."""
    files = (CHANNEL_PAGES / f"{kind}.md", REFERENCE)
    texts = [file.read_text(encoding="utf-8") for file in files if file.exists()]
    lines = []
    for key in error.lacking if isinstance(error, NoDescription) else []:
        rows = (
            re.search(rf"^\|[^|]*{re.escape(key)}[^|]*\|[^|]*\| (.*) \|$", text, re.MULTILINE)
            for text in texts
        )
        found = next((row[1] for row in rows if row is not None), "").removeprefix("*secret*").lstrip("; ")
        lines += [f"\n    {key}: {found}"] if found else []
    return "".join(lines)


def main() -> int:
    """Write every table that can be made; say what is missing for the others."""
    troubles = []
    for kind in registry.kinds():
        file = CHANNEL_PAGES / f"{kind}.md"
        try:
            page = file.read_text(encoding="utf-8")
            file.write_text(with_table(page, kind_table(kind)), encoding="utf-8")
        except (NoDescription, OSError, ValueError) as error:
            troubles.append(f"{file.relative_to(ROOT)}: {error}{_written_by_hand(error, kind)}")
    try:
        text = REFERENCE.read_text(encoding="utf-8")
        for heading, table in reference_tables().items():
            text = with_table(text, table, f"## {heading}")
        REFERENCE.write_text(text, encoding="utf-8")
    except NoDescription as error:
        troubles.append(f"{REFERENCE.relative_to(ROOT)}: {error}")
    print("\n".join(troubles) or "All settings tables are as the models say.")  # noqa: T201 - its answer
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
