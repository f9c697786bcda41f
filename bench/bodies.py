"""Alert bodies as Alertmanager sends them and as it takes them, every one of its own.

Fingerprints and label values are random: bodies that repeat or count upwards
hide what a random key costs.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

SERVICES = 20
CLUSTERS = 5
"""Services times clusters are the groups that alerts fall into."""

RULES_HEAD = """
channels:
  page: { kind: status_page }
  ops: { kind: slack, audience: internal }
plans:
  public:
    to: [ page, ops ]
    ask: oncall
    steps:
      - { id: first, after: 0s, say: investigating, promise: 30m }
      - { id: nag, every: 25m, ask: oncall }
      - { id: holding, every: 30m, say: holding, promise: 30m }
      - { id: social, after: 2h, say: short, to: [ ops ], if: "impact >= major" }
      - { id: clear, on: monitoring, say: monitoring, limit: 3 }
      - { id: done, on: resolved, say: resolved, to: [ told, ops ] }
people:
  oncall: { channel: ops, mention: "@here" }
"""


def rules() -> str:
    """Twenty routes with a component and a raise line each, one plan of six steps; no wait before opening."""
    lines = [RULES_HEAD, "components:"]
    for number in range(SERVICES):
        name = f"service_{number}"
        lines.append(
            f"  - {{ id: {name}, name: Service {number}, matchers: [ 'service=\"{name}\"' ],"
            ' customers_cannot: "use it" }'
        )
    lines.append("routes:")
    for number in range(SERVICES):
        lines += [
            f"  - id: route_{number}",
            f"    matchers: [ 'service=\"service_{number}\"', 'severity=~\"critical|page\"' ]",
            "    group_by: [ cluster ]",
            "    for: 0s",
            "    open:",
            "      components: matched",
            "      impact: { label: severity, values: { critical: major, page: major }, else: minor }",
            "      plan: public",
            '    raise: [ { if: "alerts_firing >= 10", impact: critical } ]',
        ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Place:
    """What the alerts of one Alertmanager group have in common."""

    service: str
    cluster: str


class Bodies:
    """Makes bodies for one of the two systems; the same seed makes the same alerts."""

    def __init__(self, seed: int, clusters: int = CLUSTERS) -> None:
        self._random = random.Random(seed)
        self._clusters = clusters

    def place(self) -> Place:
        cluster = f"cluster-{self._random.randrange(self._clusters)}"
        return Place(f"service_{self._random.randrange(SERVICES)}", cluster)

    def webhook(self, size: int, *, mixed: bool = False, place: Place | None = None) -> bytes:
        """What Alertmanager would post to us: one of its groups, or everything at once (``mixed``)."""
        place = place or self.place()
        alerts = ",".join(self._hook_alert(self.place() if mixed else place) for _ in range(size))
        common = "{}" if mixed else f'{{"cluster":"{place.cluster}","service":"{place.service}"}}'
        key = "{}:{}" if mixed else f'{{}}:{{cluster=\\"{place.cluster}\\", service=\\"{place.service}\\"}}'
        return (
            f'{{"receiver":"tocsin","status":"firing","alerts":[{alerts}],"groupLabels":{common},'
            f'"commonLabels":{common},"commonAnnotations":{{}},"externalURL":"http://alertmanager:9093",'
            f'"version":"4","groupKey":"{key}","truncatedAlerts":0}}\n'
        ).encode()

    def api(self, size: int, *, mixed: bool = False, place: Place | None = None) -> bytes:
        """The same alerts for Alertmanager's ``POST /api/v2/alerts``."""
        place = place or self.place()
        alerts = ",".join(self._api_alert(self.place() if mixed else place) for _ in range(size))
        return f"[{alerts}]".encode()

    def _parts(self, place: Place) -> tuple[str, str, str, str]:
        bits = self._random.getrandbits(128)
        instance = f"{bits >> 96:08x}.example.com:{bits & 0xFFFF}"
        labels = (
            f'{{"alertname":"ErrorBudgetBurn","cluster":"{place.cluster}","instance":"{instance}",'
            f'"job":"api","namespace":"shop","service":"{place.service}","severity":"page"}}'
        )
        notes = (
            f'{{"description":"More than 5% of the requests to {instance} fail, for ten minutes by now.",'
            f'"summary":"{place.service} answers with errors"}}'
        )
        seconds, nanos = bits % 3600, bits % 999_999_937
        starts = f"2026-07-14T{5 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{nanos:09}Z"
        return labels, notes, starts, f"{bits & 0xFFFFFFFFFFFFFFFF:016x}"

    def _hook_alert(self, place: Place) -> str:
        labels, notes, starts, fingerprint = self._parts(place)
        return (
            f'{{"status":"firing","labels":{labels},"annotations":{notes},"startsAt":"{starts}",'
            f'"endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=burn",'
            f'"fingerprint":"{fingerprint}"}}'
        )

    def _api_alert(self, place: Place) -> str:
        labels, notes, starts, _ = self._parts(place)
        return (
            f'{{"labels":{labels},"annotations":{notes},"startsAt":"{starts}",'
            f'"generatorURL":"http://prometheus:9090/graph?g0.expr=burn"}}'
        )
