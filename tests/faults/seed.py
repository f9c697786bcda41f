"""The seed of everything random here: TOCSIN_SEED, else a new one; tests print it.

What lands must not depend on luck, so CI takes the same one every time; the
long runs are where new ones are tried.
"""

from __future__ import annotations

import os
import random

_DRAWN = "1" if os.environ.get("CI") == "true" else str(random.SystemRandom().randrange(1_000_000))
SEED = os.environ.get("TOCSIN_SEED") or _DRAWN
