"""Prometheus and Alertmanager as a reader would set them up, only faster, with one metric to turn bad."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.processes.ports import free_port
from tests.processes.program import Program
from tests.processes.site import SOURCE

METRIC = "checkout_errors_per_second"


class Metric:
    """A little service with one gauge; ``value`` is what it shows."""

    def __init__(self) -> None:
        self.value = 0.0
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/metrics", self._show)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _show(self, _request: web.Request) -> web.Response:
        return web.Response(text=f"# TYPE {METRIC} gauge\n{METRIC} {self.value}\n")


def alertmanager(folder: Path, hook: str) -> tuple[Program, int]:
    """Alertmanager that posts everything to ``hook`` with a bearer token from a file; and its port.

    Its storage stays when it is started again.
    """
    port = free_port()
    (folder / "token").write_text(SOURCE, "utf-8")
    webhook = {
        "url": hook,
        "send_resolved": True,
        "http_config": {
            "authorization": {"type": "Bearer", "credentials_file": str(folder / "token")},
        },
    }
    route = {
        "receiver": "tocsin", "group_by": ["service"], "group_wait": "1s", "group_interval": "1s",
        "repeat_interval": "5s",
    }  # fmt: skip
    configuration = {"route": route, "receivers": [{"name": "tocsin", "webhook_configs": [webhook]}]}
    (folder / "alertmanager.yml").write_text(json.dumps(configuration), "utf-8")
    address = f"127.0.0.1:{port}"
    command = [
        "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager", f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]  # fmt: skip
    return Program(command, folder, f"http://{address}/-/ready"), port


def prometheus(folder: Path, metric: Metric, alertmanager_port: int) -> Program:
    """Prometheus that looks at the metric every second and alerts when it was above 5 for a second."""
    port = free_port()
    rule = {
        "alert": "CheckoutErrors", "expr": f"{METRIC} > 5", "for": "1s",
        "labels": {"severity": "critical", "service": "checkout"},
        "annotations": {"summary": "Checkout answers with errors"},
    }  # fmt: skip
    rules = {"groups": [{"name": "shop", "rules": [rule]}]}
    (folder / "alerts.yml").write_text(json.dumps(rules), "utf-8")
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "alerts.yml")],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]
        },
        "scrape_configs": [
            {"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{metric.port}"]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration), "utf-8")
    address = f"127.0.0.1:{port}"
    command = [
        "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address={address}", "--rules.alert.resend-delay=2s",
    ]  # fmt: skip
    return Program(command, folder, f"http://{address}/-/ready")
