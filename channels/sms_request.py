"""A provider's HTTP API, described in the configuration: what is asked, and how its answer is read.

There is no text to fill in, but a form, a query or a JSON tree whose single
values hold placeholders.  They are put in first and written out afterwards, so
no text can break out of its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from channels.base import ApiUrl
from channels.http import Answer, encoded, outcome_of, wait_asked
from daemon.core.clock import Instant
from daemon.core.ports import Outcome, Reason, Ref, Rejected, Retry, Sent, Unknown

PLACEHOLDERS = ("to", "digits", "text", "key", "secret")
"""``to`` with its plus, ``digits`` without; ``key`` is the same in every attempt."""
_IN_HEADERS = ("key", "secret")
_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NOT_YOURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


def _known(text: str, known: tuple[str, ...] = PLACEHOLDERS) -> str:
    for name in _PLACE.findall(text):
        if name not in known:
            there = ", ".join(f"{{{one}}}" for one in known)
            raise ValueError(f"no placeholder {{{name}}} here; there are {there}")
    return text


def _header_fields(fields: dict[str, str]) -> dict[str, str]:
    for name, value in fields.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _NOT_YOURS:
            raise ValueError("headers: a name that cannot be set here")
        if not value.isprintable() or not value.isascii():
            raise ValueError(f"headers: {name} has line ends, controls or letters beyond ASCII")
        _known(value, _IN_HEADERS)
    return fields


def _tree(value: JsonValue) -> JsonValue:
    """The same, if all placeholders in it are known."""
    _each(value, _known)
    return value


def _each(value: JsonValue, change: Callable[[str], str]) -> JsonValue:
    """The tree with each text in it changed; names stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each(one, change) for one in value]
    if isinstance(value, dict):
        return {name: _each(one, change) for name, one in value.items()}
    return value


Template = Annotated[str, AfterValidator(_known)]


class Reading(BaseModel):
    """How the answer is read: places in its JSON (``messages.0.id``), and what its ``status`` may be."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: str = Field(
        default="", description="where the message's id stands in the answer's JSON, such as `messages.0.id`"
    )
    status: str = Field(default="", description="where its status stands")
    sent: tuple[str, ...] = Field(default=(), description="values of the status that mean: taken")
    later: tuple[str, ...] = Field(default=(), description="not taken, try again")
    gone: tuple[str, ...] = Field(default=(), description="this number wants no more, or is none")
    refused: tuple[str, ...] = Field(default=(), description="refused for good")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        values = (*self.sent, *self.later, *self.gone, *self.refused)
        if bool(self.status) != bool(self.sent):
            raise ValueError("`status` says where to look and `sent` what stands there: write both or none")
        if (values and not self.status) or len(values) != len({*values}):
            raise ValueError("each value of `status` belongs to one of sent, later, gone, refused")
        return self


class Request(BaseModel):
    """One call that sends one message."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: ApiUrl = Field(description="address of the provider's API")
    method: Literal["POST", "PUT", "GET"] = Field(default="POST", description="`POST`, `PUT` or `GET`")
    headers: Annotated[dict[str, str], AfterValidator(_header_fields)] = Field(
        default_factory=dict, description="fields of the head; `{secret}` and `{key}` may stand in them"
    )
    query: dict[str, Template] = Field(default_factory=dict, description="fields behind the address's `?`")
    form: dict[str, Template] | None = Field(default=None, description="fields of a form")
    body: Annotated[dict[str, JsonValue], AfterValidator(_tree)] | None = Field(
        default=None, description="a tree that is sent as JSON"
    )
    answer: Reading = Reading()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.form is not None and self.body is not None:
            raise ValueError("write either form or body, not both")
        if self.method == "GET" and (self.form is not None or self.body is not None):
            raise ValueError("a GET has no form or body: write query")
        said = repr((self.query, self.form, self.body))
        if "{text}" not in said or not ("{to}" in said or "{digits}" in said):
            raise ValueError("neither {text} nor {to} may be missing ({digits} is {to} without its plus)")
        return self

    def call(self, values: Mapping[str, str]) -> tuple[str, dict[str, str], bytes | None]:
        """Address, headers and body with the values of all placeholders put in."""

        def put(text: str) -> str:
            return _PLACE.sub(lambda found: values[found[1]], text)

        query = urlencode({name: put(value) for name, value in self.query.items()})
        headers = {name: put(value) for name, value in self.headers.items()}
        content: bytes | None = None
        if self.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode({name: put(value) for name, value in self.form.items()}).encode()
        elif self.body is not None:
            headers["Content-Type"] = "application/json"
            content = encoded({name: _each(value, put) for name, value in self.body.items()})
        return f"{self.url}?{query}" if query else self.url, headers, content


def outcome(reading: Reading, answer: Answer, now: Instant, scrub: Callable[[str], str]) -> Outcome:
    """What the provider said: 2xx and, where the settings say how, a status and an id in it.

    A 2xx that says neither is ``Unknown``: it may well have been sent.
    """
    if not answer.good:
        return outcome_of(answer, now, "")
    fields = answer.fields()
    said = _at(fields, reading.status) if reading.status else ""
    detail = scrub(f"{answer.status} {said}".strip())
    if said in reading.gone:
        return Rejected(Reason.gone, detail)
    if said in reading.refused:
        return Rejected(Reason.content, detail)
    if said in reading.later:
        return Retry(Reason.rate_limited, detail, wait_asked(answer, now))
    name = _at(fields, reading.id) if reading.id else ""
    if (reading.status and said not in reading.sent) or (reading.id and not name):
        return Unknown(Reason.server, detail)
    return Sent(Ref({"id": name} if name else {}))


def _at(value: Any, path: str) -> str:
    """What stands at a place in JSON, as a text; empty when nothing does."""
    for word in path.split("."):
        if isinstance(value, list) and word.isdecimal() and int(word) < len(value):
            value = value[int(word)]
        elif isinstance(value, dict):
            value = value.get(word)
        else:
            return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""
