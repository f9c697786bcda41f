"""Records the demo's outage anew: ``python -m tests.demo.record FOLDER``, about two and a half minutes.

A real Prometheus scrapes a shop whose figures go bad and recover, a real
Alertmanager groups what fires and posts it; the bodies are kept as they came.
All spans of the two configurations are sixtieths: what takes a second here
takes a minute in a production of the usual settings, and so the demo tells it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from daemon.core.clock import Instant, SystemClock, to_iso

TIMES = 60
"""How much slower than recorded the outage is told."""

# Second of the recording -> payments that fail per region, and the length of the queue of payments.
SCRIPT: tuple[tuple[float, dict[str, float], int], ...] = (
    (0.0, {"eu": 0.002, "us": 0.003}, 12),
    (4.0, {"eu": 0.310, "us": 0.004}, 90),
    (12.0, {"eu": 0.640, "us": 0.170}, 700),
    (26.0, {"eu": 0.710, "us": 0.420}, 5200),
    (96.0, {"eu": 0.520, "us": 0.009}, 4100),
    (131.0, {"eu": 0.012, "us": 0.004}, 1800),
    (135.5, {"eu": 0.002, "us": 0.003}, 20),
)
LENGTH = 142.0

PROMETHEUS = """
global: { scrape_interval: 500ms, evaluation_interval: 500ms }
rule_files: [ rules.yml ]
alerting: { alertmanagers: [ { static_configs: [ { targets: [ '127.0.0.1:%(alertmanager)d' ] } ] } ] }
scrape_configs:
  - job_name: shop
    static_configs: [ { targets: [ '127.0.0.1:%(shop)d' ], labels: { instance: shop } } ]
"""
RULES = """
groups:
  - name: shop
    rules:
      - alert: CheckoutErrorsHigh
        expr: shop_payments_failed_ratio > 0.05
        for: 2s
        labels: { severity: critical, service: checkout }
        annotations:
          summary: '{{ $value | humanizePercentage }} of payments fail in {{ $labels.region }}'
          runbook_url: https://runbooks.example.com/checkout-errors
      - alert: PaymentQueueStuck
        expr: shop_payments_waiting > 1500
        for: 2s
        labels: { severity: page, service: checkout }
        annotations:
          summary: '{{ $value }} payments wait to be sent to the bank'
          runbook_url: https://runbooks.example.com/payment-queue
"""
ALERTMANAGER = """
route:
  receiver: tocsin
  group_by: [ service ]
  group_wait: 500ms
  group_interval: 5s
  repeat_interval: 60s
receivers:
  - name: tocsin
    webhook_configs: [ { url: 'http://127.0.0.1:%(shop)d/hook' } ]
"""


@dataclass
class Shop:
    """What is scraped, and where the webhooks arrive."""

    clock: SystemClock = field(default_factory=SystemClock)
    bodies: list[tuple[Instant, bytes]] = field(default_factory=list)
    began: float = 0.0

    async def metrics(self, _request: web.Request) -> web.Response:
        since = self.clock.monotonic() - self.began
        _, ratios, waiting = [line for line in SCRIPT if line[0] <= since][-1]
        lines = [f'shop_payments_failed_ratio{{region="{name}"}} {value}' for name, value in ratios.items()]
        return web.Response(text="\n".join([*lines, f"shop_payments_waiting {waiting}", ""]))

    async def hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append((self.clock.now(), body))
        read = json.loads(body)
        told = [(alert["status"], alert["labels"]["alertname"]) for alert in read["alerts"]]
        sys.stdout.write(f"{self.clock.monotonic() - self.began:7.2f} {told}\n")
        return web.Response()


async def record(folder: Path) -> None:
    """Run the outage and write its bodies and their index into ``folder``."""
    shop = Shop()
    app = web.Application()
    app.add_routes([web.get("/metrics", shop.metrics), web.post("/hook", shop.hook)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ports = {"shop": runner.addresses[0][1], "prometheus": 19390, "alertmanager": 19393}
    with tempfile.TemporaryDirectory() as work:
        programs = await _start(Path(work), ports)
        await shop.clock.sleep(3)
        shop.began = shop.clock.monotonic()
        await shop.clock.sleep(LENGTH)
        for program in programs:
            program.terminate()
            await program.wait()
    await runner.cleanup()
    _write(folder, shop.bodies)


async def _start(work: Path, ports: dict[str, int]) -> list[asyncio.subprocess.Process]:
    for name, text in (("prometheus.yml", PROMETHEUS), ("alertmanager.yml", ALERTMANAGER)):
        (work / name).write_text(text % ports)
    (work / "rules.yml").write_text(RULES)
    commands = {
        "alertmanager": ("prometheus-alertmanager", "--storage.path", "--cluster.listen-address="),
        "prometheus": ("prometheus", "--storage.tsdb.path", "--rules.alert.resend-delay=1s"),
    }
    return [
        await asyncio.create_subprocess_exec(
            program,
            f"--config.file={work / name}.yml",
            f"{storage}={work / name}",
            f"--web.listen-address=127.0.0.1:{ports[name]}",
            f"--web.external-url=http://{name}.example.com",
            "--web.route-prefix=/",
            option,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for name, (program, storage, option) in commands.items()
    ]


def _write(folder: Path, bodies: list[tuple[Instant, bytes]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    index: list[dict[str, Any]] = []
    for number, (at, body) in enumerate(bodies, 1):
        name = f"{number:02d}.json"
        (folder / name).write_bytes(body)
        index.append({"body": name, "received_at": to_iso(at)})
    told = {"recorded_with": "Prometheus 2.42.0 and Alertmanager 0.25.0", "times": TIMES, "bodies": index}
    (folder / "index.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
