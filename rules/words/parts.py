"""What a text tells: the parts of a good update, found sentence by sentence in free text."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from rules.words.frames import ROW, anywhere, rows
from rules.words.lexicon import document
from rules.words.reading import words_of
from rules.words.scene import Scene

STOCK = frozenset(
    "we our us the a an this that these those it its is are was were be been being have has had of for on in to into at as by with from and or but "
    "i you your they there here all some any no not now still currently again also very more most much soon so will would can could may might shall "
    "should do does did continue continues continuing continued work works working worked investigate investigating investigation investigated look "
    "looking looked know aware issue issues problem problems incident team teams engineer engineers everything something someone hard fully actively "
    "fix fixing fixed resolve resolving resolved resolution solve solution solved update updates updated news information further progress making "
    "made make keep keeping thank thanks thankful patience please bear bearing stay tuned understand understanding appreciate appreciated apologise "
    "apologize apologies sorry inconvenience situation matter monitor monitoring closely new nothing let when available time moment present ongoing "
    "being done everyone things better good best possible quickly fast soon share shared follow follows following case towards remain focused highest "
    "priority escalated internally seriously taking take doing hands deck change changed unchanged hear hearing experts analysing analyzing analysis "
    "experiencing experience technical difficulties difficulty having wrong error errors reports report reported affected services service systems "
    "system users customers user customer stand standby trouble troubles as engaged been given provide provided who what which their them about if "
    "services' hey hi hello well happening going get getting find finding cause root status page see up across while continued today currently "
    "active ensure ensuring resolved identify identifying identified check checking back shortly post posting additional soonest asap figure out "
    "right deal dealing must need needs lot attention detail details full complete started begun every effort efforts responding response underway "
    "under way long another one just only really important people work-around normal as normal disruption interruption deployed implemented "
    "closing close everything thing works' 's than such whatever whether yet how why believe think hope expect later".split()
)


ENOUGH = 3  # facts that make it likely that the text says what is affected


@dataclass(frozen=True, slots=True)
class Told:
    """The parts that a text has, and how many facts of its own."""

    parts: frozenset[str]
    facts: int


@functools.cache
def patterns() -> Mapping[str, tuple[ROW, ...]]:
    return {name: rows(listed) for name, listed in document("parts")["parts"].items()}


def told(scene: Scene) -> Told:
    """What the text tells."""
    found: set[str] = set()
    facts: set[str] = set()
    plain = scene.reading.plain
    components = [name.casefold() for name in scene.settings.components]
    for sentence in scene.reading.sentences:
        for name, listed in patterns().items():
            if name not in found and anywhere(listed, sentence):
                found.add(name)
        facts |= {word for word in words_of(sentence) if word not in STOCK}
    if len(facts) >= ENOUGH:
        found.add("affected")  # wide on purpose: an error here stops a good text
    if _doubted(scene):
        found.discard("confirmed")
    if "status." in plain or "http" in plain:
        found.add("next_update")
    if any(name in plain.casefold() for name in components):
        facts.add("component")
        found.add("affected")
    return Told(frozenset(found), len(facts))


def _doubted(scene: Scene) -> bool:
    """Whether what looks like a confirmation says "should" or "seems", and no other sentence confirms."""
    doubt = patterns()["doubted"]
    return not any(
        anywhere(patterns()["confirmed"], sentence) and not anywhere(doubt, sentence)
        for sentence in scene.reading.sentences
    )
