"""How long a text may be on each kind of channel, known without its configuration.

The numbers are those of the kinds' own files; a test compares them with what
each built channel says of itself.  Kinds that take any text are not here.
"""

from __future__ import annotations

from collections.abc import Mapping

from channels import bluesky, discord_markdown, fit, mrkdwn, sms_settings, telegram_html, x
from channels.mastodon_api import Limits
from channels.measure import Counter
from channels.sms_segments import segments, typed
from channels.weight import weighted


def rooms() -> Mapping[str, tuple[int, Counter]]:
    """The limit and how it is counted, by kind."""
    mastodon = Limits()  # a server may allow more; it is asked when the channel runs
    return {
        "bluesky": (bluesky.MAX_GRAPHEMES, fit.graphemes),
        "discord": (discord_markdown.MAX_TEXT, fit.units),
        "mastodon": (mastodon.characters, mastodon.count),
        "slack": (mrkdwn.MAX_TEXT, fit.characters),
        "sms": (sms_settings.Settings.model_fields["segments"].default, lambda text: segments(typed(text))),
        "telegram": (telegram_html.MAX_TEXT, fit.units),
        "x": (x.MAX_WEIGHT, weighted),
    }
