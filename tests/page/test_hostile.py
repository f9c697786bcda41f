"""Text that wants to be markup stays text, in every field and on every page."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from daemon.core.page_view import PageView
from daemon.page.render import Rendered, render
from tests.page.document import Document
from tests.page.sample import CALM, OPEN, PAST, TROUBLE
from tests.page.schema import DOCUMENTS

CORPUS = {
    "script": "<script>alert(1)</script>",
    "attribute": '" onmouseover="alert(1)" x="',
    "single quote": "' autofocus onfocus='alert(1)",
    "closing tags": "</style></title></textarea></svg><img src=x onerror=alert(1)>",
    "comment": "--><!--<b>",
    "cdata": "]]><![CDATA[<b>",
    "entity": "&lt;script&gt;&#x3c;b&#x3e;&amp;",
    "template": "{{ 7 * 7 }}{% raw %}{{ config }}${7*7}",
    "address": "javascript:alert(1)//http://x",
    "null and controls": "a\x00b\x07c\x1b[31md\x7fe\x85",
    "lone surrogate": "half \ud83d pair \udc00",
    "overrides": "\u202egnp.exe\u2066\u200f\u2028\u2029",
    "breakers": "\r\n\r\nSet-Cookie: a=b\r\n",
    "long": "W" * 100_000,
    "emoji and marks": "🚨👩🏽‍🚒 Z͑ͫ̓ͪ̂ͫ̽A͈̘",
    "percent": "%3Cscript%3E%00/../..\\",
}


def poisoned(text: str) -> PageView:
    """The sample with the text in every field that a person or a monitor can fill."""
    said = replace(
        OPEN.updates[0],
        body=text,
        status=text,
        components=tuple((code, text, old, new) for code, _, old, new in OPEN.updates[1].components),
    )
    part = replace(TROUBLE.components[0], name=text, group=text, description=text)
    return replace(
        TROUBLE,
        name=text,
        description=text,
        components=(part, *TROUBLE.components[1:]),
        open_incidents=(replace(OPEN, title=text, status=text, updates=(said, *OPEN.updates[1:])),),
        past_incidents=(
            replace(PAST[0], title=text, status=text, components=("checkout",), updates=(said,)),
            replace(PAST[1], title=text, ended="merged", merged_into=OPEN.public_id),
            *PAST[2:],
        ),
    )


def html(rendered: Rendered) -> dict[str, Document]:
    found = {path: rendered.get(path) for path in rendered.paths()}
    pages = {path: item for path, item in found.items() if item and item.content_type.startswith("text/html")}
    return {path: Document(item.body.decode()) for path, item in {**pages, "404": rendered.missing}.items()}


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_no_text_makes_an_element_or_an_attribute(text: str) -> None:
    """The tree with hostile text equals the tree with a harmless word."""
    harmless, hostile = html(render(poisoned("word"))), html(render(poisoned(text)))
    assert harmless.keys() == hostile.keys()
    for path, document in hostile.items():
        assert document.errors == [], path
        assert document.shape == harmless[path].shape, path
        links = [value for _, name, value in document.values if name in {"href", "src"}]
        assert all(value.startswith(("/", "#", "data:image/svg+xml,")) for value in links), path


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_text_arrives_in_html_as_it_was_written(text: str) -> None:
    """Readers see the characters themselves; those no document may hold become U+FFFD."""
    body = render(poisoned(text)).get("/")
    assert body is not None
    document = Document(body.body.decode())
    shown = "".join(
        "�"
        if (ord(char) < 32 and char not in "\t\n\r") or 127 <= ord(char) < 160 or "\ud800" <= char <= "\udfff"
        else char
        for char in text
    )
    assert " ".join(shown.split()) in document.text


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_text_arrives_in_json_as_it_was_written(text: str) -> None:
    """The JSON stays valid, and is the same text; half a surrogate pair alone is replaced."""
    rendered = render(poisoned(text))
    for path, schema in DOCUMENTS.items():
        found = rendered.get(path)
        assert found is not None
        data = json.loads(found.body.decode())
        assert data["page"]["name"] == text.encode("utf-8", "replace").decode()
        if path == "/api/v2/components.json":
            jsonschema.validate(data, schema)


def test_an_address_that_is_a_script_never_becomes_a_link() -> None:
    """The page's own address is configuration, and still no way in."""
    view = replace(CALM, url="javascript:alert(1)")
    assert all(b"javascript:" not in (render(view).get(path).body) for path in ("/", "/history"))  # type: ignore[union-attr]  # both exist
