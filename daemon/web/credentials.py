"""What a source has to show, and whether it did.

Secrets are here as SHA-256 digests alone, and every digest is compared in
constant time with what was shown, without stopping at the first match.  A user
name and its password are one secret: an unknown user takes exactly as long as a
wrong password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from daemon.web.peer import Certificate


def digest(secret: str | bytes) -> bytes:
    """The form in which a token is kept and compared."""
    return hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).digest()


def basic_digest(user: str, password: str) -> bytes:
    """The form in which a user and a password are kept, together."""
    return digest(f"{user}:{password}")


@dataclass(frozen=True, slots=True)
class SourceCredentials:
    """Any one of these is enough; several of a kind are live while one replaces another.

    ``tokens``: digests of bearer tokens.  ``basic``: digests of ``user:password``.
    ``common_names`` and ``fingerprints`` (SHA-256 of the DER form): client
    certificates, which need TLS with ``client_ca_file`` on the private listener.
    """

    tokens: tuple[bytes, ...] = ()
    basic: tuple[bytes, ...] = ()
    common_names: tuple[str, ...] = ()
    fingerprints: tuple[bytes, ...] = ()

    @property
    def open(self) -> bool:
        """Whether nothing is asked for; only loopback may use such a source."""
        return not (self.tokens or self.basic or self.common_names or self.fingerprints)

    @property
    def challenges(self) -> tuple[str, ...]:
        """What ``WWW-Authenticate`` says."""
        bearer = ('Bearer realm="tocsin"',) if self.tokens else ()
        basic = ('Basic realm="tocsin", charset="UTF-8"',) if self.basic else ()
        return bearer + basic

    def accept(self, authorization: str, shown: Certificate | None) -> bool:
        """Whether the ``Authorization`` header or the certificate is one of ours."""
        scheme, _, rest = authorization.strip().partition(" ")
        good = False
        if scheme.lower() == "bearer":
            good = is_among(digest(_as_bytes(rest.strip())), self.tokens)
        elif scheme.lower() == "basic":
            good = is_among(digest(_unpacked(rest.strip())), self.basic)
        if shown is not None:
            # Both are public facts about a certificate that the TLS layer has verified: no secret to time.
            good |= shown.common_name != "" and shown.common_name in self.common_names
            good |= is_among(shown.fingerprint, self.fingerprints)
        return good


def is_among(shown: bytes, digests: Iterable[bytes]) -> bool:
    """Whether it equals one of them; always compares with all."""
    return sum(hmac.compare_digest(shown, one) for one in digests) > 0


def bearer(authorization: str) -> bytes:
    """The token of an ``Authorization`` header as its digest; of another scheme one that fits nothing."""
    scheme, _, token = authorization.strip().partition(" ")
    return digest(_as_bytes(token.strip())) if scheme.lower() == "bearer" else b""


def _as_bytes(text: str) -> bytes:
    """Header bytes as they came: aiohttp decodes them as UTF-8 with surrogates for what is not."""
    return text.encode("utf-8", "surrogateescape")


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(_as_bytes(text), validate=True)
    except binascii.Error:
        return b""
