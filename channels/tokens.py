"""Words that lead back to a delivery or a recipient, and that nobody else can make.

No table is needed: a bounce's word holds the delivery's client key and a seal.
Hexadecimal, because mail systems on the way may write an address in small
letters.  (itsdangerous seals in two cases, so not here.)
"""

from __future__ import annotations

import hmac
import re

_SEAL = 10  # bytes; 80 bits are enough for what can only be tried over the network
_KEY = 16
LENGTH = 2 * (_KEY + _SEAL)
"""Characters of a bounce's word, so that an address around it stays within 64."""

_HEXADECIMAL = re.compile("[0-9a-f]{32}")
_WORD = re.compile(f"[0-9a-fA-F]{{{LENGTH}}}")


class Tokens:
    """``secret`` is the channel's own; with another one all words made before are void."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def of_delivery(self, key: str) -> str:
        """The word for a delivery's client key.  Raises ValueError when it is no such key."""
        if not _HEXADECIMAL.fullmatch(key):
            raise ValueError("a client key is 32 hexadecimal digits")
        raw = bytes.fromhex(key)
        return (raw + self._seal(raw)).hex()

    def delivery(self, word: str) -> str | None:
        """The client key in a word of ours; None for any other word."""
        if not _WORD.fullmatch(word):
            return None
        raw = bytes.fromhex(word)
        key, seal = raw[:_KEY], raw[_KEY:]
        return key.hex() if hmac.compare_digest(seal, self._seal(key)) else None

    def of_recipient(self, recipient: str) -> str:
        """The word by which a recipient ends the mails: always the same one, of 128 bits."""
        return self._mac("unsubscribe", recipient.lower().encode())[:16].hex()

    def _seal(self, key: bytes) -> bytes:
        return self._mac("bounce", key)[:_SEAL]

    def _mac(self, use: str, what: bytes) -> bytes:
        return hmac.digest(self._secret, use.encode() + b"\n" + what, "sha256")
