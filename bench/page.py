"""The status page under many readers, beside nginx with the same bytes where it is installed."""

from __future__ import annotations

import asyncio
import gzip
import shutil
from pathlib import Path

from bench.bodies import Bodies, Place
from bench.load import Job
from bench.reach import Talk, open_incident, page_shows_more
from bench.report import Row, judge, milliseconds
from bench.systems import CLOCK, Program, Tocsin, send

READERS = 32

NGINX = """
daemon off; pid {folder}/nginx.pid; worker_processes 1; error_log stderr error;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 10000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port}; root {folder};
    location / {{ default_type text/html; add_header Content-Encoding gzip; }}
    location /-/ready {{ return 200; }}
  }}
}}
"""


class Nginx(Program):
    """One worker with one file."""

    name = "nginx"

    def __init__(self, folder: Path, page: bytes) -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_bytes(gzip.compress(page))
        self.config = folder / "nginx.conf"
        self.config.write_text(NGINX.format(folder=folder, port=self.port))

    def command(self) -> list[str]:
        return ["nginx", "-p", str(self.folder), "-c", str(self.config)]


async def requests(folder: Path, hook_port: int, seconds: float) -> Row:
    """Requests a second of the home page with one open incident, as browsers ask (gzip, keep-alive)."""
    job = Job(0, "/", 0, 0, 0, READERS, seconds, get=True)
    async with Tocsin(folder / "page", hook_port) as system:
        hooks, reader = Talk(system.port), Talk(system.public)
        await asyncio.gather(hooks.open(), reader.open())
        await open_incident(hooks, Bodies(76), Place("service_1", "cluster-1"))
        await page_shows_more(reader, set())
        await CLOCK.sleep(1.0)
        _, page = await reader.ask("GET /")
        ours = await send(_to(job, system.public))
    wanted, ratio = "", ""
    misses: tuple[str, ...] = ()
    if shutil.which("nginx"):
        async with Nginx(folder / "nginx", page) as server:
            theirs = await send(_to(job, server.port))
        wanted, ratio = "0.6 of nginx", f"{ours.rate / theirs.rate:.2f} (nginx {theirs.rate:,.0f}/s)"
        misses = judge(("ratio", ours.rate >= 0.6 * theirs.rate))
    return Row(
        f"page requests, {READERS} readers",
        f"{ours.rate:,.0f}/s, p99 {milliseconds(ours.p99)} (one client process; {len(page):,} bytes,"
        f" {len(gzip.compress(page)):,} packed)",
        wanted, misses, ratio=ratio,
    )  # fmt: skip


def _to(job: Job, port: int) -> Job:
    return Job(port, job.path, 0, 0, 0, job.connections, job.seconds, get=True)
