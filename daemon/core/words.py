"""The closed vocabularies of the domain: status, impact, component status, audience."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Impact(IntEnum):
    """How bad an incident is for customers; ordered, so rules may write ``impact >= major``."""

    none = 0
    minor = 1
    major = 2
    critical = 3


class Status(IntEnum):
    """Where an incident stands; ordered, so rules may write ``status < monitoring``."""

    investigating = 0
    identified = 1
    monitoring = 2
    resolved = 3


class ComponentStatus(StrEnum):
    """What customers see of one part of the service (Statuspage's words)."""

    operational = "operational"
    degraded_performance = "degraded_performance"
    partial_outage = "partial_outage"
    major_outage = "major_outage"
    under_maintenance = "under_maintenance"


class Audience(StrEnum):
    """Who may read a text; internal text never reaches a public channel."""

    public = "public"
    internal = "internal"


COMPONENT_STATUS_OF_IMPACT: dict[Impact, ComponentStatus] = {
    Impact.none: ComponentStatus.operational,
    Impact.minor: ComponentStatus.degraded_performance,
    Impact.major: ComponentStatus.partial_outage,
    Impact.critical: ComponentStatus.major_outage,
}
