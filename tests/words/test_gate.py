"""The gate: spans, settings, bad input, rewrites."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.words.finding import CHECKS, Finding, Severity, blocks
from rules.words.fix import fixed
from rules.words.gate import check
from rules.words.settings import LONGEST, PHASES, Settings, Waiver
from tests.words.scoring import checks_of

AWS = "AWS broke it again, back in 5 minutes!"
QUIET = Settings(model=False)
ODD = st.text(
    st.sampled_from("aB 1.,!?-'\"’\u200b\u202e\u00ad\u0000\ud800😀🏴é中ع\n\t@#/:_`()[]") | st.characters(),
    max_size=200,
)


def by(name: str, text: str, given_settings: Settings | None = None) -> list[Finding]:
    return [one for one in check(text, given_settings or QUIET) if one.check == name]


@settings(max_examples=150, deadline=None)
@given(ODD, st.sampled_from(PHASES))
def test_any_text_gets_an_answer(text: str, phase: str) -> None:
    """No exception for any text, and each span is where its words are."""
    for one in check(text, Settings(phase=phase, model=False, earlier=text)):  # type: ignore[arg-type]
        assert one.check in CHECKS
        assert 0 <= one.start <= one.end <= len(text)
        assert text[one.start : one.end] == one.text
        assert one.why
        assert one.suggestion


@pytest.mark.parametrize(
    "text",
    ["", "   \n", "🔥🔥🔥", "......", "\u202e\u202d", "!" * 1_000_000, "a" * 1_000_000, "a b " * 250_000,
     "our provider " * 80_000, "\"'" * 500_000, "1.2.3.4." * 125_000, "-_" * 500_000, "/a" * 500_000],
    ids=["empty", "blank", "emoji", "dots", "bidi", "1MB !", "1MB a", "1MB words", "1MB roles", "1MB quotes",
         "1MB addresses", "1MB code", "1MB path"],
)  # fmt: skip
def test_hostile_texts_are_refused(text: str) -> None:
    """Nothing readable or far too much is an error that says so, within two seconds on a busy machine."""
    started = time.process_time()
    assert blocks(check(text, Settings(phase="progress")))
    assert time.process_time() - started < 2


def test_the_longest_text_is_read_in_time() -> None:
    """The worst text that is read at all costs well under two seconds."""
    text = ("our provider probably " * 1_000)[:LONGEST]
    started = time.process_time()
    assert blocks(check(text, QUIET))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wir sind uns des Problems bewusst und arbeiten an der Lösung.", "German"),
        ("Estamos investigando el problema que afecta a los pagos en la tienda.", "Spanish"),
        ("Nous sommes en train de chercher la cause de la panne dans les magasins.", "French"),
        ("Мы знаем о проблеме и работаем над ней.", "another language"),
    ],
)
def test_another_language_is_refused(text: str, language: str) -> None:
    """The gate does not claim to read what it cannot; leaks are found all the same."""
    found = check(f"{text} 10.0.0.7", QUIET)
    assert any(language in one.why for one in found)
    assert "leak" in checks_of(found)


def test_two_faults_have_two_spans() -> None:
    """Both faults of one sentence are found, each at its own words, with a usable rewrite."""
    blame, promise = by("blame", AWS)[0], by("overpromise", AWS)[0]
    assert blame.end <= promise.start
    assert fixed(AWS, QUIET) == (
        "A service that we depend on is failing, and we are working with its provider to restore it,"
        " and we expect it to be back in 5 minutes!"
    )


def test_hidden_signs_and_curly_quotes() -> None:
    """Typographic and invisible signs hide no fault, and spans still fit the text as given."""
    text = "Our pro\u200bvider\u2019s issue, not ours."
    found = by("blame", text)
    assert found
    assert text[found[0].start : found[0].end] == found[0].text


def test_quoted_messages_are_left_alone() -> None:
    """What customers see in quotes may be said; a leak in quotes is still one."""
    assert check('The app shows the message "HTTP 500: OOM on node".', QUIET) == ()
    assert by("leak", 'The app shows "no route to 10.1.2.3".')


def test_phase_decides_about_causes() -> None:
    """A cause is doubtful in the first update, fine later; a guess is an error in each."""
    cause = "Sign-in fails because of a full disk."
    assert by("speculation", cause, Settings(phase="initial", model=False))
    assert not by("speculation", cause, Settings(phase="progress", model=False))
    for phase in PHASES:
        found = by("speculation", "It is probably a full disk.", Settings(phase=phase, model=False))
        assert found[0].severity is Severity.error


def test_severities_can_be_lowered() -> None:
    """A check can be turned off or made to warn only."""
    off = Settings(severities={"blame": Severity.off}, model=False)
    warn = Settings(severities={"blame": Severity.warn}, model=False)
    assert not by("blame", AWS, off)
    assert by("blame", AWS, warn)[0].severity is Severity.warn


def test_waivers_end() -> None:
    """A waived word is left alone up to its last day, and found again the day after."""
    waiver = Waiver("jargon", "Redis", date(2027, 6, 30), "customers bought it by that name")
    text = "Redis is slow."
    for day, found in ((date(2027, 6, 30), False), (date(2027, 7, 1), True)):
        assert bool(by("jargon", text, Settings(waivers=(waiver,), today=day, model=False))) is found


def test_own_jargon() -> None:
    """A house adds words and replacements of its own."""
    own = Settings(jargon_add=("Hydra",), jargon_replace={"p99 latency": "response time"}, model=False)
    assert by("jargon", "Hydra is slow.", own)
    assert fixed("The p99 latency is high.", own) == "The response time is high."


def test_component_names_are_plain() -> None:
    """A word from the page's own component names is never jargon, nor a supplier's name there blame."""
    text = "Redis Cloud is slow. PayPal payments fail."
    assert not checks_of(check(text, Settings(components=("Redis Cloud", "PayPal payments"), model=False)))


def test_developers_know_more() -> None:
    """Words of an API are plain to developers and jargon to customers."""
    text = "The webhook endpoint answers with a timeout."
    assert not by("jargon", text, Settings(audience="developers", model=False))
    assert by("jargon", text)


def test_colleagues_may_read_more() -> None:
    """An internal text may name machines and use jargon; blame stays blame."""
    text = "AWS broke db-prod-03, Redis is down."
    assert checks_of(check(text, Settings(phase="progress", audience="internal", model=False))) == ["blame"]


def test_incident_facts_leak() -> None:
    """A label's value is a leak unless the page itself says it."""
    text = "The service Rosebud in Frankfurt is slow."
    assert by("leak", text, Settings(facts=("rosebud", "frankfurt"), components=("Search in Frankfurt",)))
    assert not by("leak", text, Settings(facts=("frankfurt",), components=("Search in Frankfurt",)))


def test_domains() -> None:
    """An address that is not the page's own is a warning."""
    text = "More at https://example.com/news."
    assert by("leak", text)[0].severity is Severity.warn
    assert not by("leak", text, Settings(domains=("example.com",)))


def test_automation_may_omit() -> None:
    """What only a person can know may be left out by automation alone."""
    text = "All calls connect again. We are sorry, and thank you for your patience."
    person = Settings(phase="resolution", model=False)
    rule = Settings(phase="resolution", automatic=True, model=False)
    assert [one.suggestion for one in by("incomplete", text, person)]
    assert check(text, rule) == ()


def test_length() -> None:
    """Over the channel's limit is an error from the first character that is too many."""
    found = by("length", "Calls fail in Spain.", Settings(length=10, model=False))
    assert [(one.severity, one.start, one.end) for one in found] == [(Severity.error, 10, 20)]
    assert by("length", "Calls fail. " * 9)


def test_repeat() -> None:
    """The same facts with another time are a repeat; something new is none."""
    earlier = "Calls to Spain fail. We are looking for the cause. Next update by 10:00 UTC."
    same = "Calls to Spain still fail. We are still looking for the cause. Next update by 10:30 UTC."
    new = "Calls to Spain connect again for half of our customers. We are opening a second route."
    assert by("repeat", same, Settings(earlier=earlier, model=False))
    assert not by("repeat", new, Settings(earlier=earlier, model=False))


def test_the_pages_own_address_is_no_leak() -> None:
    """A page on this machine has a machine's address in every text; another machine's is a leak there too."""
    own = Settings(phase="initial", domains=("127.0.0.1",))
    text = "Customers cannot pay at the moment. Updates: http://127.0.0.1:8080/incidents/k3v9"
    assert [one for one in check(text, own) if one.check == "leak"] == []
    assert [one.text for one in check(text, Settings(phase="initial")) if one.check == "leak"] != []
    assert [one.text for one in check("See 10.20.30.40:9090.", own) if one.check == "leak"] != []
