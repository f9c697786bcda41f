"""Reads our HTML strictly: the shape of a document, its text, and whether its tags close."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "circle", "path", "rect", "use"}
SILENT = {"style", "script", "svg", "title"}


class Document(HTMLParser):
    """``shape``: each start tag with its attribute names; ``text``: what a reader sees."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.shape: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[tuple[str, str, str]] = []
        self.stack: list[str] = []
        self.errors: list[str] = []
        self.pieces: list[str] = []
        self.feed(source)
        self.close()
        if self.stack:
            self.errors.append(f"never closed: {self.stack}")

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(name for name, _ in attrs)))
        self.values += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(name for name, _ in attrs)))
        self.values += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.stack or self.stack[-1] != tag:
            self.errors.append(f"</{tag}> closes {self.stack[-3:]}")
        else:
            self.stack.pop()

    def handle_data(self, data: str) -> None:
        if not SILENT.intersection(self.stack):
            self.pieces.append(data)
