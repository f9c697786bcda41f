"""The style sheet, the script and the policy that admits exactly these two.

The sheet is sent inside each document and named to the browser by its hash;
the script is one file whose name changes with its content.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from urllib.parse import quote

_STATIC = files("daemon.page") / "static"

COLOURS: dict[str, str] = {
    "none": "#0a7445",
    "maintenance": "#2257a5",
    "minor": "#e0a100",
    "major": "#bf4008",
    "critical": "#b01329",
}


def squeezed_css(text: str) -> str:
    """A style sheet without comments and needless white space; strings keep theirs."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" ?([{};,>]) ?|(?<=:) ", lambda found: found[1] or "", text).replace(";}", "}").strip()


def squeezed_script(text: str) -> str:
    """The script without comment lines and indentation; one statement a line stays."""
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("//"))


CSS = squeezed_css((_STATIC / "page.css").read_text("utf-8"))
SCRIPT = squeezed_script((_STATIC / "page.js").read_text("utf-8")).encode()
SCRIPT_PATH = f"/static/page.{hashlib.sha256(SCRIPT).hexdigest()[:10]}.js"

_CSS_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()

SAFETY_HEADERS: dict[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
JSON_HEADERS: dict[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",  # public data: other pages' widgets read it
}


def favicon(indicator: str) -> str:
    """A dot in the colour of the state, inside the document: no request, and the tab shows it."""
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>"
        f"<circle cx='8' cy='8' r='7' fill='{COLOURS[indicator]}'/></svg>"
    )
    return f"data:image/svg+xml,{quote(drawing, safe=' =:/')}"
