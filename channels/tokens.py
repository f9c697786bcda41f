"""Words that lead back to a delivery or a recipient, and that nobody else can make.

No table is needed: a bounce's word holds the delivery's client key and a seal.
Letters and digits of one case alone, because mail systems on the way may write
an address in small letters.  (itsdangerous seals in two cases, so not here.)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_SEAL = 10  # bytes; 80 bits are enough for what can only be tried over the network
_KEY = 16
LENGTH = -(-(_KEY + _SEAL) * 8 // 5)
"""Characters of a bounce's word, so that an address around it stays within 64."""

_HEXADECIMAL = re.compile("[0-9a-f]{32}")


class Tokens:
    """``secret`` is the channel's own; with another one all words made before are void."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def of_delivery(self, key: str) -> str:
        """The word for a delivery's client key.  Raises ValueError when it is no such key."""
        if not _HEXADECIMAL.fullmatch(key):
            raise ValueError("a client key is 32 hexadecimal digits")
        raw = bytes.fromhex(key)
        return _written(raw + self._seal("bounce", raw))

    def delivery(self, word: str) -> str | None:
        """The client key in a word of ours; None for any other word."""
        raw = _read(word)
        if raw is None or len(raw) != _KEY + _SEAL:
            return None
        key, seal = raw[:_KEY], raw[_KEY:]
        return key.hex() if hmac.compare_digest(seal, self._seal("bounce", key)) else None

    def of_recipient(self, recipient: str) -> str:
        """The word by which a recipient ends the mails: always the same one, of 128 bits."""
        return _written(self._mac("unsubscribe", recipient.lower().encode())[:16])

    def _seal(self, use: str, what: bytes) -> bytes:
        return self._mac(use, what)[:_SEAL]

    def _mac(self, use: str, what: bytes) -> bytes:
        return hmac.new(self._secret, use.encode() + b"\n" + what, hashlib.sha256).digest()


def _written(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _read(word: str) -> bytes | None:
    if len(word) != LENGTH or not word.isascii():
        return None
    try:
        return base64.b32decode(word.upper() + "=" * (-LENGTH % 8))
    except ValueError:
        return None
