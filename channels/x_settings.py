"""The settings of an account on X."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from channels.base import ApiUrl, ChannelSettings, Secret
from channels.x_timeline import PAGES
from daemon.core.words import Audience


class Settings(ChannelSettings):
    """The four values that X's developer console shows for an app with write access."""

    kind: Literal["x"]
    audience: Literal[Audience.public] = Audience.public
    on_doubt: None = None
    api_key: Secret = Field(description="the app's key")
    api_key_secret: Secret = Field(description="the app's secret")
    access_token: Secret = Field(description="the account's token, made after the app may write")
    access_token_secret: Secret = Field(description="the secret of that token")
    api_url: ApiUrl = Field(
        default="https://api.x.com", description="another base address; https, or http to this machine"
    )
    link: Literal["first", "never", "always"] = Field(
        default="first",
        description="which posts hold the page's link: `first` of an incident, `never`, `always`; "
        "a post with a link costs many times more",
    )
    mentions: tuple[str, ...] = Field(
        default=(), description="handles that a post may mention; every other `@name` gets a space"
    )
    monthly_posts: Annotated[int, Field(ge=0, le=PAGES * 100)] | None = Field(
        default=None, description="posts in a calendar month (UTC), 500 at most; else no limit"
    )
    monthly_budget: Annotated[Decimal, Field(ge=0)] | None = Field(
        default=None, description="dollars in a calendar month, by the two prices; else no limit"
    )
    price: Decimal = Field(
        default=Decimal("0.015"), ge=0, description="dollars for a post: see X's price list"
    )
    price_with_link: Decimal = Field(
        default=Decimal("0.200"), ge=0, description="dollars for a post that holds an address"
    )
    timeout: float = Field(
        default=20.0,
        gt=0,
        le=60,
        description="seconds for one attempt; each of its at most two calls has half",
    )
