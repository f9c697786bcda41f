"""Which words of a channel's settings must never be seen."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr


def secrets_of(settings: BaseModel) -> tuple[str, ...]:
    """Every secret value, and for an address also its path and all long parts of it; longest first."""
    found: set[str] = set()
    for name in type(settings).model_fields:
        value: Any = getattr(settings, name)
        if isinstance(value, SecretStr) and (secret := value.get_secret_value()):
            found.add(secret)
            if secret.startswith("http"):
                address = urlsplit(secret)
                inner = [address.path, *re.split("[/?=&]", f"{address.path}?{address.query}")]
                found.update(part for one in inner for part in (one, unquote(one)) if len(part) >= 8)
    return tuple(sorted(found, key=len, reverse=True))
