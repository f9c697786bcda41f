"""What an e-mail says: its subject, its text part and its HTML part."""

from __future__ import annotations

import html
import re

from channels.fit import characters, fit
from channels.plain import standing
from daemon.core.ports import Post

MAX_TITLE = 150

# Text and pill colour by impact; both pairs keep a contrast of 4.5 to 1 on white and on #16181d.
_COLOURS = {"none": "#2f7d4f", "minor": "#9a6700", "major": "#c2410c", "critical": "#b42318"}
_STYLE = (
    "@media (prefers-color-scheme: dark){"
    ".page{background:#101216!important}.card{background:#1b1e24!important;border-left-color:#30343c!important;"
    "border-right-color:#30343c!important;border-bottom-color:#30343c!important}"
    ".ink{color:#eceef2!important}.dim{color:#a6adb8!important}}"
)


# The address stands on a line of its own: it is put in after the lines were cut.
_FOOT = (
    '\n<p class="dim" style="max-width:560px;margin:12px auto 0;font-size:13px;color:#5b6472">'
    '<a class="dim" style="color:#5b6472" href=\n"STOP"\n>Stop these mails</a></p>'
)


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


def plain(post: Post, stop: str = "") -> str:
    """The text part; first, so that it is what a text-only program shows.  ``stop``: where mails end."""
    facts = "\n".join(f"{name}: {value}" for name, value in post.facts.items())
    words = f"{post.mention} {post.text}".strip()
    follow = f"Follow this incident: {post.page_url}" if post.page_url else ""
    foot = f"-- \n{post.page_name}" + (f"\nStop these mails:\n{stop}" if stop else "")
    blocks = (post.title, where(post), words, facts, follow, foot)
    return "\n\n".join(block for block in blocks if block) + "\n"


def page(post: Post, stop: str = "") -> str:
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
        + "</div>"
        + (_FOOT.replace("STOP", stop) if stop else "")
        + "</body></html>\n"
    )


def _button(url: str, colour: str) -> str:
    if not url.startswith(("https://", "http://")):
        return ""
    return (
        f'<p style="margin:22px 0 0"><a href="{html.escape(url)}" style="display:inline-block;'
        f"padding:10px 16px;border-radius:6px;background:{colour};color:#ffffff;"
        'text-decoration:none">Follow this incident</a></p>'
    )
