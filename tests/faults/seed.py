"""The seed of everything random here: TOCSIN_SEED, else a new one; tests print it."""

from __future__ import annotations

import os
import random

SEED = os.environ.get("TOCSIN_SEED") or str(random.SystemRandom().randrange(1_000_000))
