"""A post as an e-mail: flattened once per update, then filled in for each recipient.

Nothing in it is random or read from a clock, so that rendering the same post
twice gives the same bytes: Message-ID from the update, Date from the post, the
part boundary from the Message-ID.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Annotated

from pydantic import AfterValidator

from channels.letter_parts import one_name, page, plain, subject
from daemon.core.clock import to_datetime
from daemon.core.ports import Post

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
# What needs no escape in a header, in an attribute of HTML and in a line of text.
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?/[A-Za-z0-9._~/?=:-]*")
_CUT = 70  # characters of a filled-in address on one line of quoted-printable


def mail_address(text: str) -> str:
    """The address, if it is one that can stand in an envelope and a header as it is; else ValueError."""
    if len(text) > 254 or not _ADDRESS.fullmatch(text) or len(text.rpartition("@")[0]) > 64:
        raise ValueError(
            "write an address such as status@example.com (a domain with other letters as xn--...)"
        )
    return text


def plain_link(text: str) -> str:
    """The https address, if it can stand anywhere in a mail as it is; else ValueError."""
    if len(text) > 500 or not _LINK.fullmatch(text):
        raise ValueError("write an https address of letters, digits and . _ ~ / ? = : -")
    return text


MailAddress = Annotated[str, AfterValidator(mail_address)]


@dataclass(frozen=True, slots=True)
class Sender:
    """What all letters of a channel share; the last two say which headers for the end of mails there are."""

    address: str
    name: str
    channel: str
    stops_by_web: bool = False
    stops_by_mail: bool = False

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Template:
    """A whole message, with words in it that stand for what differs between recipients.

    The words are letters and digits that occur nowhere else, and none is cut
    by a line end: ``template`` has counted them.
    """

    text: str
    recipient: str
    web: str  # in a header
    link: str  # in the text and the page: quoted-printable
    mail: str

    def fill(self, recipient: str, web: str = "", mail: str = "") -> str:
        """The message to one recipient.  Raises ValueError for what could break a header or a line."""
        text = self.text.replace(self.recipient, mail_address(recipient), 1)
        if web:
            text = text.replace(self.web, plain_link(web), 1).replace(self.link, _quoted(web))
        return text.replace(self.mail, mail_address(mail), 1) if mail else text


def message_id(update: str, domain: str) -> str:
    """The same for every recipient and every retry; odd or long ids are hashed, so that no header folds."""
    word = update if _PLAIN_ID.fullmatch(update) else hashlib.sha256(update.encode()).hexdigest()[:32]
    return f"<{word}@{domain}>"


def template(post: Post, sender: Sender) -> Template:
    """The message with CRLF line ends, ASCII throughout; the slow part of a mail, done once per update."""
    own = message_id(post.update or post.key, sender.domain)
    words = _words(own, plain(post) + page(post) + subject(post) + sender.name)
    stop = words.link if sender.stops_by_web else ""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(one_name(sender.name or post.page_name), addr_spec=sender.address)
    message["Subject"] = subject(post)
    message["Date"] = format_datetime(to_datetime(post.at))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(plain(post, stop), cte="quoted-printable")
    message.add_alternative(page(post, stop), subtype="html", cte="quoted-printable")
    message.set_boundary("=_" + hashlib.sha256(own.encode()).hexdigest()[:32])
    heads = _heads(post, sender, own, words)
    text = "".join(f"{name}: {value}\r\n" for name, value in heads.items())
    text += message.as_bytes().decode("ascii")
    names = [
        line.partition(":")[0] for line in text.partition("\r\n\r\n")[0].split("\r\n") if line[0] not in " \t"
    ]
    if names != [*heads, *message.keys()]:
        raise ValueError("a header of this post would start another header")
    _count(text, words, sender)
    return Template(text, words.recipient, words.web, words.link, words.mail)


def _words(own: str, said: str) -> Template:
    """Placeholders that nobody has written; a text that holds one, by chance or design, gets others."""
    seeds = (hashlib.sha256(f"{own} {number}".encode()) for number in itertools.count())
    salt = next(salt for seed in seeds if (salt := f"q{seed.hexdigest()[:15]}") not in said)
    return Template("", *(f"{salt}x{letter}" for letter in "abcd"))


def _heads(post: Post, sender: Sender, own: str, words: Template) -> dict[str, str]:
    """What is written by hand: the mail library folds long ids into encoded words, which no program reads."""
    heads = {"Message-ID": own, "List-Id": f"<{sender.channel.lower().replace('_', '-')}.{sender.domain}>"}
    if post.thread and (first := message_id(post.thread, sender.domain)) != own:
        heads |= {"In-Reply-To": first, "References": first}
    ways = [f"<{words.web}>"] if sender.stops_by_web else []
    ways += [f"<mailto:{words.mail}?subject=unsubscribe>"] if sender.stops_by_mail else []
    if ways:
        heads["List-Unsubscribe"] = ",\r\n ".join(ways)
    if sender.stops_by_web:  # RFC 8058: a POST of these very words to the address ends the mails
        heads["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return heads | {"To": words.recipient}


def _count(text: str, words: Template, sender: Sender) -> None:
    web, mail = int(sender.stops_by_web), int(sender.stops_by_mail)
    expected = {words.recipient: 1, words.web: web, words.link: 2 * web, words.mail: mail}
    if {word: text.count(word) for word in expected} != expected:
        raise ValueError("a placeholder of this letter was cut or folded")


def _quoted(link: str) -> str:
    """On lines of its own between soft line breaks, as quoted-printable wants it."""
    cut = [link[at : at + _CUT].replace("=", "=3D") for at in range(0, len(link), _CUT)]
    return "=\r\n".join(("", *cut, ""))


def id_of(message: str) -> str:
    """The Message-ID of one of our letters."""
    return next(line for line in message.split("\r\n") if line.startswith("Message-ID:"))[12:].strip()
