"""The questions that are asked all day go through an index, however large the tables are."""

from __future__ import annotations

import pytest

from daemon.core.delivery import DeliveryState
from daemon.storage import queries as q
from daemon.storage import statements as s
from daemon.storage.statements import Statement
from tests.storage.conftest import Open


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (q.DUE, "groups_due"),
        (q.EARLIEST_DUE, "groups_due"),
        (q.OPEN_GROUPS, "groups_live"),
        (q.GROUP_BY_NUMBER, "groups_number"),
        (q.GROUP_BY_PUBLIC_ID, "groups_public_id"),
        (q.incidents(10, 5, (), None)[0], "groups_number"),
        (q.JOURNAL, "journal_place"),
        (s.HEAD, "journal_place"),
        (q.OPEN_EPISODES, "episodes_firing"),
        (q.alerts(10, None, True)[0], "episodes_firing"),
        (q.CLAIMABLE, "deliveries_queued"),
        (q.CLAIMABLE, "deliveries_open"),
        (q.CLAIMABLE_OF_CHANNEL, "deliveries_queued"),
        (q.CLAIMABLE_EDITS, "deliveries_edits"),
        (q.CLAIMABLE_EDITS, "deliveries_open"),
        (q.EARLIEST_CLAIM, "deliveries_queued"),
        (q.DELIVERY_COUNTS, "COVERING INDEX deliveries_open"),
        (q.deliveries(10, None, 1, None, None, ())[0], "deliveries_group"),
        (q.deliveries(10, None, None, None, None, {DeliveryState.held})[0], "deliveries_open"),
        (s.READ_DELIVERIES, "deliveries_group"),
        (s.READ_DELIVERIES_OF_CHANNEL, "deliveries_group"),
        (q.RULES_BY_VERSION, "rule_versions_version"),
        (s.IN_DOUBT, "deliveries_open"),
        (s.DELIVERY_BY_KEY, "deliveries_key"),
        (s.BOUNCES_OF, "bounces_recipient"),
        (s.SUPPRESSIONS_OF, "suppressions_place"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_plan_names_the_index(open_store: Open, statement: Statement, index: str) -> None:
    """SQLite's own plan; a partial index is used only when its condition is recognised."""
    store = await open_store()
    parameters = [1] * len(statement.sqlite.names)
    plan = store._connection.execute(f"EXPLAIN QUERY PLAN {statement.sqlite.text}", parameters).fetchall()
    assert any(index in row[3] for row in plan), plan
