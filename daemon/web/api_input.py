"""What callers of /api/v1 send, read strictly: bodies, queries, names of people and incidents."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TypeVar

import msgspec
from aiohttp import web

from daemon.core.clock import Clock
from daemon.core.errors import BadInput, NotFound
from daemon.web.body import Body, Stalled, TooLarge, UnknownEncoding, Unreadable
from daemon.web.budget import Budget, OverBudget
from daemon.web.problem import Problem

LARGEST_BODY = 256 * 1024
LONGEST_NAME = 100
USER_HEADER = "X-Tocsin-User"

S = TypeVar("S", bound=msgspec.Struct)


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The query of an operation that takes none."""


_UNKNOWN = re.compile(r"unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"missing required field `(.*)`")
_AT = re.compile(r" - at `\$\.?(.*)`$")
_NUMBER = re.compile(r"(?:[Ii][Nn][Cc]-)?([0-9]{1,15})")


async def read_body(request: web.Request, clock: Clock, budget: Budget) -> bytes:
    """The whole body, at most 256 KiB of it.  Raises Problem."""
    with budget.share() as share:
        try:
            return await Body(request, clock, share, LARGEST_BODY).read()
        except TooLarge as error:
            raise Problem(413, f"the body is larger than {LARGEST_BODY} bytes") from error
        except Stalled as error:
            raise Problem(408, "the body stalled or took too long") from error
        except Unreadable as error:
            raise Problem(400, str(error)) from error
        except UnknownEncoding as error:
            raise Problem(
                415, f"Content-Encoding {error} is not known; send gzip, deflate or nothing"
            ) from error
        except OverBudget as error:
            raise Problem(503, "too many large bodies at once; send it again") from error


def decode(body: bytes, kind: type[S]) -> S:
    """The body as that model; an empty one is ``{}``.  Raises Problem: 400 no JSON, 422 another shape."""
    try:
        found = msgspec.json.decode(body.strip() or b"{}", type=kind)
        json.loads(body.strip() or b"{}", object_pairs_hook=_once)  # the models are flat: no depth to fear
    except msgspec.ValidationError as error:
        key, detail = explain(str(error), kind)
        raise Problem(422, detail, more={"key": key} if key else None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Problem(400, f"the body is not the JSON that belongs here: {error}") from error
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:60]!r} is there twice")
        found[key] = value
    return found


def query(request: web.Request, kind: type[S]) -> S:
    """The query string as that model.  Raises BadInput."""
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise BadInput(f"the parameter {name[:60]!r} is there twice")
        given[name] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        key, detail = explain(str(error), kind)
        if key == "cursor":
            detail = "cursor: hand back the `next` of the page before, or leave it out"
        raise BadInput(detail) from error


def explain(message: str, kind: type[msgspec.Struct]) -> tuple[str, str]:
    """Msgspec's complaint as (key, sentence that says what to write)."""
    names = [one.encode_name for one in msgspec.structs.fields(kind)]
    unknown = _UNKNOWN.search(message)
    if unknown is not None:
        near = get_close_matches(unknown[1], names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
        return unknown[1][:60], f"{unknown[1][:60]!r} is no key here; {hint}"
    missing = _MISSING.search(message)
    if missing is not None:
        return missing[1], f"{missing[1]}: is missing"
    place = _AT.search(message)
    key = place[1] if place is not None else ""
    text = _AT.sub("", message)
    text = text[:1].lower() + text[1:] + _choices(key, kind)
    return key, f"{key}: {text}" if key else text


def _choices(key: str, kind: type[msgspec.Struct]) -> str:
    """The words that a key may have, where they are few."""
    for one in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]  # a Struct has fields
        if one.encode_name != key:
            continue
        found = [one.type, *getattr(one.type, "types", ())]
        for kind_of in found:
            if isinstance(kind_of, msgspec.inspect.LiteralType):
                return f"; there are: {', '.join(map(str, kind_of.values))}"
            if isinstance(kind_of, msgspec.inspect.EnumType):
                return f"; there are: {', '.join(str(member.value) for member in kind_of.cls)}"
    return ""


def person(request: web.Request, said: str) -> str:
    """Who acts: the body's ``who`` or the header, and both agree.  Raises BadInput."""
    header = request.headers.get(USER_HEADER, "").strip()
    who = said.strip()
    if header and who and header != who:
        raise BadInput(
            f"who: the body says {who[:60]!r} and {USER_HEADER} says {header[:60]!r}; send one of them"
        )
    who = who or header
    if not who:
        raise BadInput(f"who: say who acts, as `who` in the body or in {USER_HEADER}")
    if len(who) > LONGEST_NAME or not who.isprintable():
        raise BadInput(f"who: a name has at most {LONGEST_NAME} printable characters")
    return who


def incident_number(text: str) -> int:
    """42 of ``INC-42``.  Raises NotFound."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise NotFound(f"there is no incident {text[:60]!r}; ids look like INC-42")
    return int(match[1])


def delivery_number(text: str) -> int:
    """Raises NotFound."""
    if not re.fullmatch("[0-9]{1,15}", text):
        raise NotFound(f"there is no delivery {text[:60]!r}; ids are numbers")
    return int(text)
