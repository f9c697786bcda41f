"""`tocsin words`: texts put before the wording gate."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import screen
from daemon.cli.lazy import NO
from daemon.cli.options import Config, Json
from daemon.core.errors import BadInput

if TYPE_CHECKING:
    from rules.words.finding import Finding
    from rules.words.settings import Settings

app = typer.Typer(help="The wording gate.", no_args_is_help=True, add_completion=False)

STDIN = "-"
RULE_FILES = (".yaml", ".yml")
PHASES = ("initial", "progress", "resolution")
AUDIENCES = ("public", "developers", "internal")


@app.callback()
def words() -> None:
    """The wording gate: what a public text must not say, what it lacks, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One text and what was found; ``source`` is where it came from ("" for the command line)."""

    source: str
    text: str
    findings: tuple[Finding, ...]

    def as_data(self) -> dict[str, Any]:
        shown = {"source": self.source} if self.source else {}
        return shown | {"findings": [one.as_data() for one in self.findings]}


Texts = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT|FILE|-", show_default=False, help="Words, files, or - for standard input."),
]
PhaseName = Annotated[
    str, typer.Option("--phase", metavar="PHASE", show_default=False,
                      help="initial, progress or resolution; without it no parts are asked for."),
]  # fmt: skip
AudienceName = Annotated[
    str,
    typer.Option(
        "--audience", metavar="WHO", help="public, developers (who know words such as webhook) or internal."
    ),
]
ComponentNames = Annotated[
    list[str] | None,
    typer.Option("--component", metavar="NAME", show_default=False, help="A name from the page. Repeatable."),
]
Rules = Annotated[
    list[Path] | None,
    typer.Option("--rules", metavar="FILE", show_default=False,
                 help="Rule files whose words: block and components count. Repeatable."),
]  # fmt: skip
Limit = Annotated[
    int | None, typer.Option("--length", min=1, show_default=False, help="What the channel takes.")
]
Earlier = Annotated[
    str, typer.Option("--earlier", metavar="TEXT", show_default=False, help="The last update.")
]
Fix = Annotated[
    bool,
    typer.Option(
        "--fix", help="Put the computable rewrites in place: files are changed, other texts printed."
    ),
]


@app.command("check")
def check(
    texts: Texts = None,
    phase: PhaseName = "",
    audience: AudienceName = "public",
    components: ComponentNames = None,
    rules: Rules = None,
    length: Limit = None,
    earlier: Earlier = "",
    fix: Fix = False,
    lines: Annotated[
        bool, typer.Option("--jsonl", help="Many texts: an object a line in, the same out.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what the wording gate finds; exit 1 when something blocks."""
    del config  # texts need none; taken so that every command takes it
    settings = replace(
        _house(rules),
        phase=_one_of("phase", phase, PHASES) or None,
        audience=_one_of("audience", audience, AUDIENCES),
        length=length,
        earlier=earlier,
    )
    settings = replace(settings, components=(*settings.components, *(components or ())))
    if not texts:
        raise BadInput("what should be checked? give a text, a file, or - to read standard input")
    if lines:
        blocked = _check_lines(texts, settings)
    else:
        found = list(_fixed(texts, settings) if fix else _checked(texts, settings))
        _show(found, as_json=as_json, fixed=fix)
        blocked = any(_blocks(one.findings) for one in found)
    if blocked:
        raise typer.Exit(NO)


def _one_of(what: str, value: object, known: tuple[str, ...]) -> Any:
    if value in ("", None, *known):
        return value or ""
    raise BadInput(f"there is no {what} {value!r}; write one of {', '.join(known)}")


def _house(files: list[Path] | None) -> Settings:
    """What the rule files say about wording; nothing without any."""
    from daemon.core.clock import SystemClock, to_datetime  # noqa: PLC0415 - only for waivers' last days
    from rules.words.settings import Settings  # noqa: PLC0415 - the gate loads when it is asked for

    today = to_datetime(SystemClock().now()).date()
    if not files:
        return Settings(today=today)
    from rules.load import load  # noqa: PLC0415 - the rule engine is slow to load
    from rules.model import Site  # noqa: PLC0415 - see above

    return replace(load(files, site=Site()).words, today=today)


def _blocks(findings: Iterable[Finding]) -> bool:
    return any(one.severity == "error" for one in findings)


def _checked(texts: list[str], settings: Settings) -> Iterator[Checked]:
    from rules.words.gate import check as gate  # noqa: PLC0415 - see above

    for given in texts:
        file = _file(given)
        if file is not None and file.suffix in RULE_FILES:
            yield from _pack(file, settings)
        else:
            text = _text(given, file)
            yield Checked(given if file or given == STDIN else "", text, gate(text, settings))


def _pack(file: Path, settings: Settings) -> Iterator[Checked]:
    """The public texts of a rule file, rendered with sample facts."""
    from rules.load import read_documents, try_load  # noqa: PLC0415 - see above
    from rules.model import Site  # noqa: PLC0415 - see above
    from rules.words.pack import findings  # noqa: PLC0415 - see above

    loaded = try_load(read_documents([file]), site=Site("Example", "https://status.example.com"))
    if loaded.ruleset is None:
        raise BadInput(f"{file} is no good rule file; see `tocsin rules check {file}`")
    ruleset = replace(loaded.ruleset, words=replace(loaded.ruleset.words, today=settings.today))
    by_text: dict[tuple[str, str], list[Finding]] = {}
    for sample, finding in findings(ruleset, tuple(loaded.gathered.texts)):
        place = f"{file}: texts.{sample.name} on {sample.channel.id}"
        by_text.setdefault((place, sample.text), []).append(finding)
    for (place, text), found in by_text.items():
        yield Checked(place, text, tuple(found))
    if not by_text:
        yield Checked(str(file), "", ())


def _fixed(texts: list[str], settings: Settings) -> Iterator[Checked]:
    from rules.words.fix import fixed  # noqa: PLC0415 - see above
    from rules.words.gate import check as gate  # noqa: PLC0415 - see above

    for given in texts:
        file = _file(given)
        if file is not None and file.suffix in RULE_FILES:
            raise BadInput(
                f"{file} is a rule file: its texts are templates, and --fix rewrites plain texts only"
            )
        text = _text(given, file)
        better = fixed(text, settings)
        if file is not None and better != text:
            file.write_text(better, encoding="utf-8")
        yield Checked(given if file or given == STDIN else "", better, gate(better, settings))


def _file(given: str) -> Path | None:
    """The file of that name, if there is one; a text of many words is no name."""
    if given == STDIN or len(given) > 1_000 or "\n" in given or "\0" in given:
        return None
    file = Path(given)
    try:
        return file if file.is_file() else None
    except OSError:
        return None


def _text(given: str, file: Path | None) -> str:
    from rules.words.settings import LONGEST  # noqa: PLC0415 - see above

    try:
        if given == STDIN:
            text = sys.stdin.read(50 * LONGEST)
        elif file is not None:
            text = file.read_text(encoding="utf-8")
        else:
            text = given
        return text.encode(errors="surrogateescape").decode().removesuffix("\n")
    except (OSError, UnicodeError) as error:
        raise BadInput(f"{given} cannot be read: {error}; a text is UTF-8") from error


def _check_lines(texts: list[str], settings: Settings) -> bool:
    """JSON Lines: each object comes back with its findings; whether one of them blocks."""
    from rules.words.gate import check as gate  # noqa: PLC0415 - see above

    blocked = False
    for given in texts:
        for number, line in enumerate(_lines(given), 1):
            if not line.strip():
                continue
            entry = _entry(line, number)
            own = replace(
                settings,
                phase=_one_of("phase", entry.get("phase", settings.phase), PHASES) or None,
                audience=_one_of("audience", entry.get("audience", settings.audience), AUDIENCES) or "public",
            )
            findings = gate(entry["text"], own)
            blocked = blocked or _blocks(findings)
            print(json.dumps(entry | {"findings": [one.as_data() for one in findings]}))
    return blocked


def _lines(given: str) -> Iterable[str]:
    """Line by line, for any number of texts.  Only a line feed ends one: JSON may hold other breaks."""
    file = _file(given)
    if given == STDIN:
        return sys.stdin
    return (file.read_text(encoding="utf-8") if file else given).split("\n")


def _entry(line: str, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise BadInput(f"line {number} is no JSON: {error}") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise BadInput(f'line {number} has no text; write {{"text": "...", "phase": "initial"}}')
    return entry


def _show(found: list[Checked], *, as_json: bool, fixed: bool) -> None:
    if as_json:
        data = [one.as_data() | ({"text": one.text} if fixed else {}) for one in found]
        screen.print_json(data[0] if len(data) == 1 else {"texts": data})
        return
    for one in found:
        if fixed and (not one.source or one.source == STDIN):
            screen.line(one.text)
        for finding in one.findings:
            _line(one, finding, to_errors=fixed)
    if not fixed and not any(one.findings for one in found):
        screen.line("good")


def _line(one: Checked, finding: Finding, *, to_errors: bool) -> None:
    """``12-20 error blame: "the words": why; what instead``, on standard error beside a fixed text."""
    place = f"{finding.start}-{finding.end}"
    shown = f'"{finding.text}": ' if finding.text else ""
    text = (
        f"{one.source + ': ' if one.source else ''}{place} {finding.severity.value} {finding.check}: {shown}"
    )
    text += f"{finding.why}. Instead: {finding.suggestion}"
    text = screen.plain(text).replace("\n", " ")
    print(text, file=sys.stderr) if to_errors else screen.line(text)
