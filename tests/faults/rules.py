"""Rule files for processes: at once, so that no test waits for a rule's own time."""

from __future__ import annotations

BUSY = """
channels:
  page: { kind: status_page }
  mail: { kind: email }
  news: { kind: slack }
  team: { kind: slack, audience: internal }
  x: { kind: x }
routes:
  - id: all
    group_by: [ service ]
    reopen_within: 1s
    open: { components: [], impact: major, plan: public }
plans:
  public:
    to: [ page, mail, news, team, x ]
    ask: oncall
    steps:
      - { id: first, after: 0s, say: investigating }
      - { id: done, on: resolved, say: resolved, to: [ told, team ] }
texts:
  investigating:
    default: "We are looking into it: {{ page_url }}"
  resolved:
    default: "It is over: {{ page_url }}"
people:
  oncall: { channel: team }
"""
"""Every text has the incident's own address, so that a second post of it shows."""

QUIET = """
channels:
  page: { kind: status_page }
routes:
  - id: all
    group_by: [ service ]
    open: { components: [], impact: major, plan: public }
plans:
  public:
    to: [ page ]
    steps:
      - { id: first, after: 0s, say: investigating }
      - { id: done, on: resolved, say: resolved, to: [ told ] }
"""
"""The page alone."""
