"""A small company's page for tests and for the pictures in the documentation; all names are invented."""

from __future__ import annotations

from dataclasses import replace

from daemon.core.clock import DAY, HOUR, MINUTE, SECOND, Instant
from daemon.core.page_view import ComponentView, IncidentView, PageView, UpdateView
from daemon.core.words import ComponentStatus

NOW: Instant = 1_795_269_731_000  # 2026-11-21T14:02:11Z
GOOD, SLOW = ComponentStatus.operational, ComponentStatus.degraded_performance
PARTLY, DOWN = ComponentStatus.partial_outage, ComponentStatus.major_outage

COMPONENTS = tuple(
    ComponentView(name.lower().replace(" ", "-"), name, group, description, changed_at=NOW - 30 * DAY)
    for name, group, description in (
        ("Checkout", "Shopping", "Basket, card and bank payments"),
        ("Online shop", "Shopping", "Catalogue, prices and stock"),
        ("Search", "Shopping", ""),
        ("Customer accounts", "Shopping", "Sign in, addresses and orders"),
        ("Payments API", "For partners", "Charges, refunds and payouts"),
        ("Webhooks", "For partners", ""),
        ("Reports", "For partners", "Daily files and exports"),
        ("Partner portal", "For partners", ""),
        ("Order tracking", "After the order", ""),
        ("E-mail messages", "After the order", "Receipts and delivery notices"),
    )
)


def update(code: str, status: str, at: Instant, body: str, **more: object) -> UpdateView:
    return replace(UpdateView(code.ljust(12, "0"), status, body, at), **more)  # type: ignore[arg-type]  # test data


OPEN = IncidentView(
    public_id="k3v9x2m7qa41",
    title="Card payments fail for some customers",
    status="identified",
    impact="major",
    components=("checkout", "payments-api"),
    started_at=NOW - 41 * MINUTE,
    opened_at=NOW - 40 * MINUTE,
    updated_at=NOW - 8 * MINUTE - 11 * SECOND,
    next_update_at=NOW + 27 * MINUTE + 49 * SECOND,
    updates=(
        update(
            "u3",
            "identified",
            NOW - 8 * MINUTE - 11 * SECOND,
            "About one in five card payments is declined by mistake. We found the setting that "
            "causes this and are putting the earlier one back. Bank transfers and saved baskets work; "
            "nobody is charged twice.",
            by_person=True,
        ),
        update(
            "u2",
            "investigating",
            NOW - 22 * MINUTE,
            "Payments through partners are affected too. We are comparing declined and accepted cards "
            "to find what they have in common.",
            by_person=True,
            components=(("payments-api", "Payments API", GOOD, SLOW),),
        ),
        update(
            "u1",
            "investigating",
            NOW - 40 * MINUTE,
            "We are aware of failing card payments in Checkout since 13:21 UTC. Our team is investigating.",
            components=(("checkout", "Checkout", GOOD, PARTLY),),
        ),
    ),
)


def past(code: str, title: str, age: int, length: int, *parts: str, **more: object) -> IncidentView:
    start = NOW - age
    said = update(f"{code}u", "resolved", start + length, "This is resolved. We are sorry, and thank you.")
    view = IncidentView(
        public_id=code.ljust(12, "x"),
        title=title,
        status="resolved",
        impact="minor",
        components=parts,
        started_at=start,
        opened_at=start + MINUTE,
        updated_at=start + length,
        monitoring_at=start + length - 10 * MINUTE,
        resolved_at=start + length,
        ended="resolved",
        updates=(said,),
    )
    return replace(view, **more)  # type: ignore[arg-type]  # test data


PAST = (
    past("p1", "Search shows yesterday's prices", 3 * DAY, 45 * MINUTE, "search"),
    past("p2", "Delivery notices arrive late", 9 * DAY, 2 * HOUR + 5 * MINUTE, "e-mail-messages"),
    past("p3", "Sign in is slow", 16 * DAY, 12 * MINUTE, "customer-accounts", ended="retracted"),
    past("p4", "Daily files are incomplete", 33 * DAY, 4 * HOUR, "reports", "partner-portal"),
)


def with_status(**statuses: ComponentStatus) -> tuple[ComponentView, ...]:
    """The ten components, some in trouble."""
    wanted = {name.replace("_", "-"): status for name, status in statuses.items()}
    return tuple(
        replace(part, status=wanted[part.id], changed_at=NOW - 40 * MINUTE) if part.id in wanted else part
        for part in COMPONENTS
    )


CALM = PageView(
    name="Larkfield status",
    url="https://status.larkfield.example",
    components=COMPONENTS,
    past_incidents=PAST,
    updated_at=NOW - 3 * DAY,
    generated_at=NOW,
)
TROUBLE = replace(
    CALM,
    components=with_status(checkout=PARTLY, payments_api=SLOW),
    open_incidents=(OPEN,),
    updated_at=OPEN.updated_at,
)
