"""What the settings may not say together: names twice, doors open to everybody.

Each check yields findings; an empty list means that the daemon may start.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.findings import Finding
from config.settings import Settings, lines


def check_safety(settings: Settings) -> list[Finding]:
    """Reasons why the private listener must not open.

    Off loopback every source needs credentials and acts need a configured
    token: anyone who can reach it could otherwise speak for the company.
    """
    return [*_certificates(settings), *_closed_doors(settings)]


def check_consistency(settings: Settings) -> list[Finding]:
    """Keys that are right alone and wrong together."""
    return [*_repeated_names(settings), *_half_logins(settings), *_listeners(settings)]


def advice(settings: Settings) -> list[str]:
    """What works and is still better done otherwise."""
    found: list[str] = []
    private = settings.listen.private
    if not private.is_loopback and settings.listen.tls is None:
        found.append(
            "listen.private is reachable from outside and has no TLS: tokens travel in the clear; "
            "set listen.tls, or put a proxy in front"
        )
    if private.is_every and not settings.api.allowed_hosts:
        found.append(
            f"listen.private is {private}: only this machine's own names are answered; "
            "list the others in api.allowed_hosts"
        )
    return [*found, *_bounces_unheard(settings)]


def _bounces_unheard(settings: Settings) -> Iterator[str]:
    listener = settings.listen.bounces
    if listener is not None and not listener.is_loopback:
        yield (
            f"listen.bounces is {listener}, open to others, and speaks without TLS; "
            "let the mail system of this machine take the mail in, and listen on 127.0.0.1"
        )
    for channel in settings.channels:
        if listener is None and bool(getattr(channel, "bounces", None)):
            yield (
                f"channel {channel.name} has a return path and nobody reads what comes back: "
                "set listen.bounces, such as 127.0.0.1:8025"
            )


def _closed_doors(settings: Settings) -> Iterator[Finding]:
    private = settings.listen.private
    if private.is_loopback:
        return
    for index, source in enumerate(settings.sources):
        if not source.has_credentials:
            yield Finding(
                ("sources", index),
                f"source `{source.name}` has no credentials and listen.private is {private}, open to others",
                "write `token_file: /path/of/a/file`, or listen on 127.0.0.1",
            )
    if not settings.api.tokens:
        yield Finding(
            ("api", "token_file"),
            f"is missing and listen.private is {private}, open to others",
            "write `token_file: /path/of/a/file`, or listen on 127.0.0.1",
        )


def _certificates(settings: Settings) -> Iterator[Finding]:
    tls = settings.listen.tls
    if tls is not None and tls.client_ca_file:
        return
    for index, source in enumerate(settings.sources):
        if source.client_certs:
            yield Finding(
                ("sources", index, "client_certs"),
                "cannot be checked without a certificate authority",
                "write listen.tls.client_ca_file",
            )


def _repeated_names(settings: Settings) -> Iterator[Finding]:
    names = {
        "sources": [source.name for source in settings.sources],
        "channels": [channel.name for channel in settings.channels],
    }
    for block, given in names.items():
        seen: dict[str, int] = {}
        for index, written in enumerate(given):
            # Case and - against _ make no difference in an environment variable.
            name = written.lower().replace("-", "_")
            if name in seen:
                message = f"is the name of {block}[{seen[name]}] already"
                yield Finding((block, index, "name"), message, "choose another name")
            seen.setdefault(name, index)


def _half_logins(settings: Settings) -> Iterator[Finding]:
    for index, source in enumerate(settings.sources):
        path = ("sources", index)
        if source.username and source.password is None:
            yield Finding((*path, "username"), "has no password", "write `password_file: /path/of/a/file`")
        if source.password is not None and not source.username:
            yield Finding((*path, "password"), "has no user name", "write `username: ...`")
        logins = [line.partition(":") for line in lines(source.users)]
        if not all(user and password for user, _, password in logins):
            message = "has a line without a name, a colon or a password"
            yield Finding((*path, "users"), message, "write one `name:password` per line")


def _listeners(settings: Settings) -> Iterator[Finding]:
    bounces = [getattr(channel, "bounces", None) for channel in settings.channels]
    if settings.listen.bounces is not None and not any(bounces):
        message = "has nothing to hear: no channel has a return path"
        yield Finding(("listen", "bounces"), message, "write `bounces: b+TOKEN@...` into an email channel")
    public, private = settings.listen.public, settings.listen.private
    same = public.host == private.host or public.is_every or private.is_every
    if public.port == private.port != 0 and same:
        yield Finding(
            ("listen", "private"),
            f"is port {private.port}, which listen.public has",
            f"write another port, such as {private.host}:{private.port % 65535 + 1}",
        )
