"""A post as an e-mail: one complete message whose bytes depend on its facts alone.

Nothing in it is random or read from a clock, so that rendering the same post
twice gives the same bytes: Message-ID from the update, Date from the post, the
part boundary from the Message-ID.
"""

from __future__ import annotations

import hashlib
import html
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Annotated

from pydantic import AfterValidator

from channels.fit import characters, fit
from channels.plain import standing
from daemon.core.clock import to_datetime
from daemon.core.ports import Post

MAX_TITLE = 150
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")

# Text and pill colour by impact; both pairs keep a contrast of 4.5 to 1 on white and on #16181d.
_COLOURS = {"none": "#2f7d4f", "minor": "#9a6700", "major": "#c2410c", "critical": "#b42318"}
_STYLE = (
    "@media (prefers-color-scheme: dark){"
    ".page{background:#101216!important}.card{background:#1b1e24!important;border-left-color:#30343c!important;"
    "border-right-color:#30343c!important;border-bottom-color:#30343c!important}"
    ".ink{color:#eceef2!important}.dim{color:#a6adb8!important}}"
)


def mail_address(text: str) -> str:
    """The address, if it is one that can stand in an envelope and a header as it is; else ValueError."""
    if len(text) > 254 or not _ADDRESS.fullmatch(text) or len(text.rpartition("@")[0]) > 64:
        raise ValueError(
            "write an address such as status@example.com (a domain with other letters as xn--...)"
        )
    return text


MailAddress = Annotated[str, AfterValidator(mail_address)]


def message_id(update: str, domain: str) -> str:
    """The same for every recipient and every retry; odd or long ids are hashed, so that no header folds."""
    word = update if _PLAIN_ID.fullmatch(update) else hashlib.sha256(update.encode()).hexdigest()[:32]
    return f"<{word}@{domain}>"


def letter(post: Post, *, sender: str, sender_name: str, recipient: str, channel: str) -> str:
    """The message with CRLF line ends, ASCII throughout."""
    domain = sender.rpartition("@")[2]
    own = message_id(post.update or post.key, domain)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(one_name(sender_name or post.page_name), addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = subject(post)
    message["Date"] = format_datetime(to_datetime(post.at))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(plain(post), cte="quoted-printable")
    message.add_alternative(page(post), subtype="html", cte="quoted-printable")
    message.set_boundary("=_" + hashlib.sha256(own.encode()).hexdigest()[:32])
    # The mail library folds ids of long domains into encoded words, which no program takes for ids: by hand.
    ids = {"Message-ID": own, "List-Id": f"<{channel.lower().replace('_', '-')}.{domain}>"}
    if post.thread and (first := message_id(post.thread, domain)) != own:
        ids |= {"In-Reply-To": first, "References": first}
    text = "".join(f"{name}: {value}\r\n" for name, value in ids.items()) + message.as_bytes().decode("ascii")
    names = [
        line.partition(":")[0] for line in text.partition("\r\n\r\n")[0].split("\r\n") if line[0] not in " \t"
    ]
    if names != [*ids, *message.keys()]:
        raise ValueError("a header of this post would start another header")
    return text


def id_of(message: str) -> str:
    """The Message-ID of one of our letters."""
    return next(line for line in message.split("\r\n") if line.startswith("Message-ID:"))[12:].strip()


def undecoded(text: str) -> str:
    """Without the start of an encoded word: the mail library decodes one in a value, line ends and all."""
    return text.replace("=?", "= ?")


def one_name(name: str) -> str:
    """A display name that no mail program can take for an address."""
    return re.sub(r"[<>@\"\\]", " ", undecoded(name)).strip()[:60]


def subject(post: Post) -> str:
    """The same over the whole incident, for mail programs that thread by subject."""
    title = fit(f"{post.incident} {post.title}".strip(), "", characters, MAX_TITLE)
    return undecoded(f"[{post.page_name[:60]}] {title}".strip())


def where(post: Post) -> str:
    """One line: status, impact, components."""
    return standing(post.status, post.impact, ", ".join(post.components))


def plain(post: Post) -> str:
    """The text part; first, so that it is what a text-only program shows."""
    facts = "\n".join(f"{name}: {value}" for name, value in post.facts.items())
    words = f"{post.mention} {post.text}".strip()
    follow = f"Follow this incident: {post.page_url}" if post.page_url else ""
    blocks = (post.title, where(post), words, facts, follow, f"-- \n{post.page_name}")
    return "\n\n".join(block for block in blocks if block) + "\n"


def page(post: Post) -> str:
    """The HTML part: inline styles alone carry it, the style block only turns it dark."""
    colour = _COLOURS.get("none" if post.status == "resolved" else post.impact, "#475467")
    words = html.escape(f"{post.mention} {post.text}".strip())
    paragraphs = "".join(
        f'<p class="ink" style="margin:0 0 14px;color:#1b1e24">{part.replace(chr(10), "<br>")}</p>'
        for part in re.split("\n{2,}", words)
    )
    facts = "".join(
        f'<li class="dim" style="color:#5b6472">{html.escape(name)}: {html.escape(value)}</li>'
        for name, value in post.facts.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(subject(post))}</title><style>{_STYLE}</style></head>"
        '<body class="page" style="margin:0;padding:24px 12px;background:#f4f5f7;'
        "font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif\">"
        '<div class="card" style="max-width:560px;margin:0 auto;background:#ffffff;'
        f'border:1px solid #dfe2e7;border-top:4px solid {colour};border-radius:8px;padding:24px">'
        '<p class="dim" style="margin:0 0 6px;font-size:13px;color:#5b6472">'
        f"{html.escape(post.page_name)}</p>"
        '<h1 class="ink" style="margin:0 0 10px;font-size:20px;line-height:1.3;color:#1b1e24">'
        f"{html.escape(post.title)}</h1>"
        f'<p style="margin:0 0 18px"><span style="display:inline-block;padding:2px 10px;border-radius:99px;'
        f'background:{colour};color:#ffffff;font-size:13px">{html.escape(where(post))}</span></p>'
        f"{paragraphs}"
        + (f'<ul style="padding-left:18px;margin:0 0 14px">{facts}</ul>' if facts else "")
        + _button(post.page_url, colour)
        + "</div></body></html>\n"
    )


def _button(url: str, colour: str) -> str:
    if not url.startswith(("https://", "http://")):
        return ""
    return (
        f'<p style="margin:22px 0 0"><a href="{html.escape(url)}" style="display:inline-block;'
        f"padding:10px 16px;border-radius:6px;background:{colour};color:#ffffff;"
        'text-decoration:none">Follow this incident</a></p>'
    )
