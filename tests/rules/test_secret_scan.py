"""No secret in a rule file, and none in a message about one."""

from __future__ import annotations

import time

import pytest

from rules.secret_scan import redact, scan
from rules.yaml_source import parse
from tests.rules.files import MINIMAL, SHOP, changed, errors_of

# Put together here so that no scanner takes this file for a leak.
SECRETS = [
    "xoxb-" + "123456789012-abcdefghijkl",
    "Bearer " + "abcdef0123456789abcdef",
    "https://user:" + "pass1234@example.com/x",
    "https://hooks.slack.com/services/" + "T000/B000/XXXX",
    "https://discord.com/api/webhooks/" + "123/abc",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1" + "NiJ9.eyJzdWIiOiIxMjM0",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "abcdefghijklmnopqrstuvwxyz0123",
    "api_key: " + "a8f5f167f44f4964e6c998dee827110c",
    "password=" + "Zm9vYmFyMTIzNDU2Nzg5MA==",
    "client_secret: '" + "Q2hlY2tvdXQxMjM0NTY3ODkw",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_errors_wherever_they_stand(secret: str) -> None:
    """In a value, in a key that is not known, in a comment; the message never repeats it."""
    for text in (
        changed("plans:\n", f"texts: {{ own: '{secret}' }}\nplans:\n"),
        changed("plans:\n", f"# {secret}\nplans:\n"),
        changed("kind: slack", f"kind: '{secret}'"),
    ):
        found = errors_of(text)
        assert "R015" in [one.code for one in found]
        assert all(secret not in str(one) for one in found)


def test_secrets_have_a_place() -> None:
    """The finding points at the first character of what it found."""
    (found,) = scan(parse("f.yaml", "a: 1\nb: use xoxb-1234567890-abcdef here\n"))
    assert (found.line, found.column) == (2, 8)


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        SHOP,
        "text: The bearer of bad news is our status page at https://status.example.com/incidents/k3v9?x=1\n",
        "text: Reset your password at https://example.com/account, or write to help@example.com.\n",
        "matchers: [ 'service=\"authentication-token-service\"' ]\n",
        "name: Token service\n",
        "mention: '<!subteam^S0123456789>'\n",
        "time: '10:00 https://example.com:8080/path'\n",
        "group: 'author: somebody'\n",
        "matchers: [ 'auth_token=\"checkout-service-prod-01\"', 'secret=\"authenticationservices\"' ]\n",
        "text: Basic troubleshooting-steps are on our page.\n",
        "# from commit 0123456789abcdef0123456789abcdef01234567\n",
    ],
)
def test_ordinary_words_are_no_secrets(text: str) -> None:
    """Addresses of pages, names of components and advice to customers pass."""
    assert list(scan(parse("f.yaml", text))) == []


def test_redact_hides_and_keeps_the_rest() -> None:
    """Messages keep their words."""
    assert redact("'xoxb-1234567890-abcdef' is not an id") == "'[hidden]' is not an id"
    assert redact("did you mean page?") == "did you mean page?"


@pytest.mark.parametrize(
    "piece", ["a", "token: ", "xoxb-", "://a:", "eyJ", "password=a1", "Bearer ", "SG.a", "1"]
)
def test_a_long_line_is_read_in_time(piece: str) -> None:
    """A file of one endless line costs milliseconds, whatever it repeats."""
    document = parse("f.yaml", "")
    document.text = piece * (1_000_000 // len(piece))
    start = time.perf_counter()
    list(scan(document))
    assert time.perf_counter() - start < 1
