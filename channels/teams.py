"""Microsoft Teams, by a Workflows webhook: one card for each post, and no way to find or change it."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

import aiohttp
from pydantic import AfterValidator, Field, SecretStr
from typing_extensions import override
from yarl import URL

from channels.base import BaseChannel, ChannelSettings, Secret, safe_address
from channels.http import Answer, NoAnswer, encoded, exchange, outcome_of
from channels.teams_card import MAX_BYTES, message_of, read
from daemon.core.clock import Clock
from daemon.core.ports import Capabilities, Outcome, Payload, Post, Reason, Ref, Rejected, Scope, Sent, Shown

PER_MINUTE = 60.0  # far below the four a second above which Teams turns webhooks away
_CONNECTORS = (".webhook.office.com", ".webhook.office365.com", "outlook.office.com", "outlook.office365.com")
# A flow that is off, was removed or is no longer open to everybody: each post would fail the same way.
_OFF = frozenset(
    {
        "WorkflowNotFound",
        "WorkflowDisabled",
        "WorkflowSuspended",
        "WorkflowTriggerIsNotEnabled",
        "WorkflowTriggerNotFound",
        "DirectApiAuthorizationRequired",
        "DirectApiInvalidAuthorizationScheme",
        "AuthorizationFailed",
        "EnvironmentNotFound",
    }
)


def _workflow(secret: SecretStr) -> SecretStr:
    """An address of a flow.  What is said of it must not repeat it."""
    try:
        parts = urlsplit(secret.get_secret_value())
    except ValueError:
        raise ValueError("write the whole address that the workflow shows, https://...") from None
    host = f".{parts.hostname or ''}".lower()
    if host.endswith(_CONNECTORS):
        raise ValueError(
            "an Office 365 connector: Microsoft has switched these off; in Teams add the workflow "
            "'Send webhook alerts to a channel' and write its address"
        )
    safe_address(parts._replace(query="").geturl())
    if not parse_qs(parts.query).get("sig"):
        raise ValueError(
            "the address lacks its signature: copy all of it, with the sig at its end, and let "
            "'Anyone' trigger the workflow"
        )
    return secret


class Settings(ChannelSettings):
    """``webhook_url`` is the address that the workflow's first step shows; it is a secret as a whole."""

    kind: Literal["teams"]
    webhook_url: Annotated[Secret, AfterValidator(_workflow)] = Field(
        description="the whole address of the workflow, with its `sig`"
    )
    timeout: float = Field(default=20.0, gt=0, le=25, description="seconds for one attempt")


class TeamsChannel(BaseChannel[Settings]):
    """A channel or chat of Teams; one attempt is one call."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        # Taken as it is: an address whose escapes were tidied up has another signature.
        self._url = URL(settings.webhook_url.get_secret_value(), encoded=True)

    @override
    def _capabilities(self) -> Capabilities:
        return Capabilities(
            "teams", MAX_BYTES, "bytes", "card", per_minute=PER_MINUTE, secrets=("webhook_url",)
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        return message_of(post)

    @override
    def shown(self, payload: Payload) -> Shown:
        return read(payload)

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        try:
            answer = await exchange(
                self._session,
                "POST",
                self._url,
                timeout=self.settings.timeout,
                headers={"Content-Type": "application/json; charset=utf-8"},
                body=encoded(payload),
            )
        except NoAnswer as lost:
            return lost.outcome
        # 202 is what the flow's trigger says.  A 200 comes from somewhere else, and used to hide refusals.
        return Sent(Ref({})) if answer.status == 202 else self._refused(answer)

    @override
    async def check(self) -> str | None:
        """Only that somebody answers at that host: any call of the flow itself could start it."""
        try:
            await exchange(self._session, "GET", self._url.origin(), timeout=self.settings.timeout)
        except NoAnswer as lost:
            return lost.outcome.detail
        return None

    def _refused(self, answer: Answer) -> Outcome:
        error = (answer.fields() or {}).get("error")
        code = str(error.get("code") or "") if isinstance(error, dict) else ""
        detail = self.scrub(code)
        if 400 <= answer.status < 500 and (answer.status in (401, 403, 404, 410) or code in _OFF):
            reason = Reason.auth if answer.status in (401, 403) else Reason.gone
            said = f"{answer.status} {detail}".strip() + ": is the workflow on, and open to anyone?"
            return Rejected(reason, said, Scope.destination)
        return outcome_of(answer, self._clock.now(), detail)
