"""Standard Webhooks 1.0.0: secrets and signatures.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from channels.base import Secret

PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The bytes to sign with.

    Raises:
        ValueError: not ``whsec_`` and 24 to 64 bytes in base64; the text does not repeat it.

    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(
            f"write {PREFIX} and 24 to 64 random bytes in base64, as from: "
            f'echo "{PREFIX}$(openssl rand -base64 32)"'
        )
    return key


def _checked(secret: SecretStr) -> SecretStr:
    key_of(secret.get_secret_value())
    return secret


SigningSecret = Annotated[Secret, AfterValidator(_checked)]
"""What both sides know; ``whsec_`` says what it is for."""


def headers(keys: Sequence[bytes], event: str, second: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt: a signature by each key, so that either side may change its first.

    Raises:
        ValueError: the event's id has a dot, which would move the border between the signed parts.

    """
    if "." in event:
        raise ValueError("the id of an event has no dot")
    signed = f"{event}.{second}.".encode() + body
    macs = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": event,
        "webhook-timestamp": str(second),
        "webhook-signature": " ".join(f"v1,{mac}" for mac in macs),
    }
