"""The filters of texts: lists of components and words as English says them.

None of them can make its result much longer than what it was given: that is
what keeps rendering bounded (no ``replace``, ``format`` or ``center``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import Any

from jinja2.runtime import Undefined

from rules.model import Component

NO_COMPONENT = "some of our services"


def join_words(items: Sequence[str], word: str) -> str:
    """``a, b and c``; a comma before the last where that one has the joining word itself."""
    if len(items) < 2:
        return "".join(items)
    comma = "," if any(f" {word} " in item for item in (items[-1], items[-2])) else ""
    return f"{', '.join(items[:-1])}{comma} {word} {items[-1]}"


def names(components: Any, limit: int = 0) -> str:
    """``Checkout and Search``; of seven with ``limit`` 3 ``Checkout, Search and 5 more``."""
    every = [_name(item) for item in _list(components)]
    if not every:
        return NO_COMPONENT
    shown = _shown(len(every), limit)
    if shown < len(every):
        every = [*every[:shown], f"{len(every) - shown} more"]
    return join_words(every, "and")


def customers_cannot(components: Any, limit: int = 0) -> str:
    """What does not work, after "customers cannot": "pay for their orders or find products"."""
    return _phrases(components, "or", limit) or f"use {NO_COMPONENT}"


def customers_can(components: Any, limit: int = 0) -> str:
    """What works again, after "customers can": "pay for their orders and find products"."""
    return _phrases(components, "and", limit) or "use the affected services"


def listed(items: Any) -> str:
    """Any list in words: "page, subscribers and ops"."""
    return join_words([_name(item) for item in _list(items)], "and")


def join(items: Any, separator: str = ", ") -> str:
    return separator.join(_name(item) for item in _list(items))


def plural(number: Any, one: str, many: str = "") -> str:
    """Which word goes with that many: a number, or the length of a list."""
    if isinstance(number, Sized):
        number = len(number)
    return one if number == 1 else many or f"{one}s"


def count(items: Sized) -> int:
    return len(items)


def default(value: Any, instead: Any = "") -> Any:
    """``instead`` where the value does not exist or is empty."""
    return instead if isinstance(value, Undefined) or value in ("", None) else value


def items(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and value, sorted by name: ``{% for name, value in labels | items %}``."""
    return sorted(labels.items())


def upper_first(text: str) -> str:
    """The first letter large, the rest as it is (names keep their capitals)."""
    return str(text)[:1].upper() + str(text)[1:]


def truncate(text: str, length: int = 100) -> str:
    """At most that many characters, cut between words where there is one."""
    text = str(text)
    if len(text) <= length:
        return text
    head = text[: max(length - 1, 0)]
    return (head.rsplit(" ", 1)[0] if " " in head else head) + "…"


def first(items: Sequence[Any]) -> Any:
    return items[0] if items else ""


def last(items: Sequence[Any]) -> Any:
    return items[-1] if items else ""


def lower(text: str) -> str:
    return str(text).lower()


def upper(text: str) -> str:
    return str(text).upper()


def trim(text: str) -> str:
    return str(text).strip()


FILTERS: Mapping[str, Callable[..., Any]] = {
    "count": count,
    "customers_can": customers_can,
    "customers_cannot": customers_cannot,
    "default": default,
    "first": first,
    "items": items,
    "join": join,
    "last": last,
    "length": count,
    "list": listed,
    "lower": lower,
    "names": names,
    "plural": plural,
    "trim": trim,
    "truncate": truncate,
    "upper": upper,
    "upper_first": upper_first,
}
"""What a template may put after ``|``; the first argument is what stands before it."""


def _phrases(components: Any, word: str, limit: int) -> str:
    """Each component's own words once, then "use A or B" for those without any."""
    every: list[Component] = list(_list(components))
    shown, rest = every[: _shown(len(every), limit)], len(every) - _shown(len(every), limit)
    last = f"use {rest} other services" if rest else ""
    phrases = list(dict.fromkeys(one.customers_cannot for one in shown if one.customers_cannot))
    nameless = [one.name for one in shown if not one.customers_cannot]
    if nameless and last:
        nameless.append(last.removeprefix("use "))
        last = ""
    if nameless:
        last = f"use {join_words(nameless, word)}"
    return join_words([*phrases, last] if last else phrases, word)


def _shown(number: int, limit: int) -> int:
    """How many of them are named: one place is kept for the rest, which is so never a single one."""
    return number if limit < 2 or number <= limit else limit - 1


def _list(value: Any) -> Iterable[Any]:
    if isinstance(value, Component):
        return (value,)
    if isinstance(value, list | tuple):
        return value
    # A text is a sequence of characters to Python; joining those is never meant, and could grow.
    raise TypeError(f"this filter takes a list, not {type(value).__name__}")


def _name(item: Any) -> str:
    return item.name if isinstance(item, Component) else str(item)
