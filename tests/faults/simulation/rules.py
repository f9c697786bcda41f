"""The rule files that worlds live under, and reload in turn."""

from __future__ import annotations

BASE = """
channels:
  page: { kind: status_page }
  mail: { kind: email }
  news: { kind: slack }
  ops: { kind: slack, audience: internal }
  pager: { kind: slack, audience: internal }
  x: { kind: x }
components:
  - id: checkout
    name: Checkout
    matchers: [ 'service="checkout"' ]
    customers_cannot: pay for their orders
  - { id: search, name: Search, matchers: [ 'service="search"' ], customers_cannot: "find products" }
routes:
  - id: services
    matchers: [ 'severity=~"critical|page|warning"' ]
    group_by: [ component ]
    for: 1m
    keep_firing_for: 5m
    monitor_for: 10m
    open:
      components: matched
      impact: { label: severity, values: { critical: critical, page: major }, else: minor }
      plan: public
    raise:
      - { if: "alerts_firing >= 3", impact: critical }
  - id: rest
    group_by: [ alertname ]
    open: { components: [], impact: none, plan: internal }
plans:
  public:
    to: [ page, mail, news, ops ]
    ask: comms
    steps:
      - { id: first, after: 0s, say: investigating, promise: 30m }
      - { id: nag, every: 25m, ask: comms }
      - { id: holding, every: 30m, say: holding, promise: 30m }
      - id: wide
        after: 10m
        say: short
        to: [ x ]
        if: "impact == critical"
        approve: { need: one, within: 15m, otherwise: skip }
      - { id: social, after: SOCIAL, say: short, to: [ x ], if: "impact >= major", approve: veto 5m }
      - { id: clear, on: monitoring, say: monitoring, limit: 3 }
      - { id: relapse, on: [ refired, reopened ], say: relapse, promise: 30m, limit: 3 }
      - { id: done, on: resolved, say: resolved, to: [ told, ops ] }
      - { id: sorry, on: retracted, say: false_alarm, to: [ told, ops ] }
      - { id: review, on: resolved, after: 2h, ask: comms }
  internal:
    to: [ ops ]
    ask: comms
    steps:
      - { id: tell, after: 0s, say: internal_note }
      - { id: loud, after: 1h, set: { plan: public }, if: "alerts_firing >= 2" }
      - { id: end, on: resolved, say: internal_end }
people:
  comms: { channel: ops, mention: "@comms" }
  night: { channel: pager, mention: "@night" }
"""

VERSIONS = tuple(BASE.replace("SOCIAL", after) for after in ("2h", "45m", "20m"))
EVERY = 30  # minutes: the longest silence that these rules allow
