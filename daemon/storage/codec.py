"""Bytes on disk and objects in memory: journal bodies and the other JSON columns.

A body leaves out every field at its default, writes enumerations by value and
dictionaries in sorted order, so that the same entry gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import msgspec

from daemon.core.errors import BadInput
from daemon.core.journal import KINDS, Entry, Fired

_encode = msgspec.json.Encoder(order="deterministic").encode


def _mirror(cls: type[Any], replaced: dict[Any, Any]) -> type[msgspec.Struct]:
    """A msgspec struct with the dataclass' fields: structs can leave out defaults, dataclasses cannot."""
    hints = typing.get_type_hints(cls)
    fields: list[Any] = []
    for item in dataclasses.fields(cls):
        kind = replaced.get(hints[item.name], hints[item.name])
        if item.default is not dataclasses.MISSING:
            fields.append((item.name, kind, item.default))
        elif item.default_factory is not dataclasses.MISSING:
            fields.append((item.name, kind, msgspec.field(default_factory=item.default_factory)))
        else:
            fields.append((item.name, kind))
    return msgspec.defstruct(cls.__name__, fields, omit_defaults=True)


_FIRED = _mirror(Fired, {})
_NESTED: dict[Any, Any] = {tuple[Fired, ...]: tuple[_FIRED, ...]}  # type: ignore[valid-type]
_MIRRORS = {kind: _mirror(cls, _NESTED) for kind, cls in KINDS.items()}
_DECODERS: dict[str, msgspec.json.Decoder[Entry]] = {
    kind: msgspec.json.Decoder(cls) for kind, cls in KINDS.items()
}


def encode_entry(entry: Entry) -> bytes:
    """The body that is stored and sealed.  Raises BadInput for text that no UTF-8 can carry."""
    try:
        return _encode(msgspec.convert(entry, _MIRRORS[entry.kind], from_attributes=True))
    except (msgspec.MsgspecError, UnicodeError, OverflowError) as error:
        raise BadInput(f"a journal entry of kind {entry.kind} cannot be stored: {error}") from error


def decode_entry(kind: str, body: bytes) -> Entry:
    """The entry of those bytes.  Raises ValueError when they are not one."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise ValueError(f"unknown kind of journal entry: {kind}")
    return decoder.decode(body)


_labels = msgspec.json.Decoder(dict[str, str]).decode
_pairs = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode


def encode_json(value: object) -> bytes:
    """Canonical JSON.  Raises BadInput for text that no UTF-8 can carry."""
    try:
        return _encode(value)
    except (UnicodeError, OverflowError) as error:
        raise BadInput(f"this cannot be stored: {error}") from error


def decode_labels(body: bytes) -> dict[str, str]:
    return _labels(body)


def decode_pairs(body: bytes) -> tuple[tuple[str, str], ...]:
    return _pairs(body)
