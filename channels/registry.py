"""The kinds of channels.  Adding one is a file in this folder and a line here."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import Field

from channels import (
    apprise,
    bluesky,
    bluesky_settings,
    cachet,
    discord,
    discord_settings,
    email,
    email_settings,
    instatus,
    log,
    mastodon,
    slack,
    slack_settings,
    sms,
    sms_settings,
    statuspage_io,
    teams,
    telegram,
    webhook,
    x,
    x_settings,
)
from channels.base import BaseChannel, ChannelSettings
from daemon.core.clock import Clock
from daemon.core.ports import Channel
from daemon.core.words import Audience

STATUS_PAGE = "status_page"


class StatusPageSettings(ChannelSettings):
    """The built-in page: no class of its own, its delivery is made in the incident's own transaction."""

    kind: Literal["status_page"]
    audience: Literal[Audience.public] = Audience.public
    on_doubt: None = None  # there is no doubt within one transaction


KINDS: dict[str, tuple[type[ChannelSettings], type[BaseChannel[Any]]]] = {
    "apprise": (apprise.Settings, apprise.AppriseChannel),
    "bluesky": (bluesky_settings.Settings, bluesky.BlueskyChannel),
    "cachet": (cachet.Settings, cachet.CachetChannel),
    "discord": (discord_settings.Settings, discord.DiscordChannel),
    "email": (email_settings.Settings, email.EmailChannel),
    "instatus": (instatus.Settings, instatus.InstatusChannel),
    "log": (log.Settings, log.LogChannel),
    "mastodon": (mastodon.Settings, mastodon.MastodonChannel),
    "slack": (slack_settings.Settings, slack.SlackChannel),
    "sms": (sms_settings.Settings, sms.SmsChannel),
    "statuspage_io": (statuspage_io.Settings, statuspage_io.StatuspageChannel),
    "teams": (teams.Settings, teams.TeamsChannel),
    "telegram": (telegram.Settings, telegram.TelegramChannel),
    "webhook": (webhook.Settings, webhook.WebhookChannel),
    "x": (x_settings.Settings, x.XChannel),
}


def kinds() -> tuple[str, ...]:
    """Every word that ``kind`` may be."""
    return (*sorted(KINDS), STATUS_PAGE)


def kind_of(settings: ChannelSettings) -> str:
    """The word under which these settings are written."""
    if isinstance(settings, StatusPageSettings):
        return STATUS_PAGE
    return next(kind for kind, (model, _) in KINDS.items() if isinstance(settings, model))


def settings_model() -> Any:
    """The type of one entry under ``channels:``: a union of all kinds' settings, told apart by ``kind``.

    Whoever validates with it must set ``hide_input_in_errors`` on the outermost
    model or adapter (pydantic heeds that one alone): inputs hold secrets.
    """
    models = [settings for settings, _ in KINDS.values()]
    return Annotated[reduce(or_, models, StatusPageSettings), Field(discriminator="kind")]


def build(settings: ChannelSettings, session: aiohttp.ClientSession, clock: Clock) -> Channel:
    """The channel for these settings.

    Raises:
        ValueError: for ``status_page``, which the page itself delivers.

    """
    for model, channel in KINDS.values():
        if isinstance(settings, model):
            return channel(settings, session, clock)
    raise ValueError(f"channel {settings.name!r} has no sender: the page shows it by itself")
