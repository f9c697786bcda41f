"""The composition root: what the daemon is made of, and the order of start and stop."""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from channels import registry
from channels.email import EmailChannel
from channels.http import open_session
from channels.registry import STATUS_PAGE, kind_of
from config import database
from config.address import HostPort
from config.load import Configuration
from config.secrets import own_token
from config.settings import Settings
from config.settings import Source as SourceSettings
from daemon import recovery
from daemon.core.clock import Clock, ServerClock, SystemClock
from daemon.core.errors import BadConfig
from daemon.core.ports import Channel
from daemon.core.store import Store
from daemon.editor import Editor
from daemon.figures import Figures
from daemon.intake.registry import PARSERS
from daemon.intake_desk import IntakeDesk
from daemon.loops import Loop
from daemon.metrics import Metrics
from daemon.observer import Watcher
from daemon.outbox import Outbox
from daemon.page.site import PageSite
from daemon.page_loop import PageLoop
from daemon.reconcile import Reconciler
from daemon.rule_files import RuleReload, load_current, load_stored
from daemon.rule_watch import RuleWatch
from daemon.service.board import Board
from daemon.service.bounces import BounceDesk
from daemon.service.deliveries import DeliveryDesk
from daemon.service.desk import Desk
from daemon.service.edits import EditDesk
from daemon.service.incidents import IncidentDesk
from daemon.service.rulebook import RuleBook
from daemon.service.timers import TimerDesk
from daemon.storage.opening import open_store
from daemon.ticker import LONGEST_SLEEP, Ticker
from daemon.version import version
from daemon.web import tls
from daemon.web.api import Api
from daemon.web.credentials import SourceCredentials, basic_digest, digest
from daemon.web.hooks import Hooks
from daemon.web.listener import Listener
from daemon.web.operations import Operations
from daemon.web.server import private_app, public_app
from daemon.web.sources import FixedSources, Source

if TYPE_CHECKING:
    from daemon.bounces.listener import BounceListener

log = structlog.get_logger("tocsin.app")

STUCK_AFTER = 30.0
"""Seconds without a turn of the ticker after which the daemon is no longer healthy."""


def _cannot_listen(key: str, place: HostPort, error: OSError) -> BadConfig:
    # asyncio's own words repeat the address as a tuple; negative numbers are the resolver's.
    number = error.errno or 0
    why = os.strerror(number) if number > 0 else error.strerror
    return BadConfig(f"listen.{key}: cannot listen on {place} ({why}); free it, or write another address")


def admin_tokens(configuration: Configuration) -> tuple[str, ...]:
    """The tokens that may act: the configured ones, else the daemon's own."""
    address = configuration.settings.database.get_secret_value()
    return configuration.settings.api.tokens or (own_token(database.token_file(address)),)


class App:
    """The running daemon.  ``start`` returns when it accepts; ``stop`` finishes what is in hand.

    ``work_clock`` is for the deadlines of requests and transactions; it differs
    from ``clock`` in the demo alone, where time runs faster than the machine.
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        work_clock: Clock | None = None,
        *,
        watch_rules: bool = False,
    ) -> None:
        self._watch_rules = watch_rules
        self.configuration = configuration
        self.settings: Settings = configuration.settings
        self.address = self.settings.database.get_secret_value()
        if database.is_server(self.address) and type(clock) is SystemClock:
            clock = ServerClock()  # several nodes: one of them may be wrong about the time
        self.clock = clock
        self.work_clock = work_clock or clock
        self.site = PageSite()
        self.loops: list[Loop] = []
        self.workers: list[Outbox] = []
        self.stopping = False
        self.metrics = Metrics(
            sources=[one.name for one in self.settings.sources],
            channels={one.name: kind_of(one) for one in self.settings.channels},
            version=version(),
        )
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open, recover, render, listen, turn.  Raises BadConfig or LoadError with nothing left open."""
        try:
            await self._open()
            await recovery.load_memory(self.desk, self.store)
            await recovery.settle_the_past(self.desk, self.store, self.channels, self.clock)
            self._make_loops()
            await self._page.step()
            await self._listen()
        except BaseException:
            await self._stack.aclose()
            raise
        self._tasks = [asyncio.create_task(loop.run(), name=loop.name) for loop in self.loops]
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)

    async def _open(self) -> None:
        rules = load_current(self.settings, self.configuration.rule_files)
        session = await self._stack.enter_async_context(open_session())
        self.channels: dict[str, Channel] = {
            one.name: registry.build(one, session, self.clock)
            for one in self.settings.channels
            if kind_of(one) != STATUS_PAGE
        }
        for channel in self.channels.values():
            self._stack.push_async_callback(channel.close)
        opened = await open_store(database.file_of(self.address), self.address, self.clock, self.work_clock)
        self._stack.push_async_callback(opened.close)
        for notice in (*self.configuration.notices, *rules.notices, *opened.notices):
            log.warning("notice", notice=notice)
        self.store: Store = opened
        book = RuleBook(rules, lambda sources: load_stored(self.settings, sources))
        self.desk = Desk(self.store, book, self.channels, self.clock)
        self.incidents = IncidentDesk(self.desk)
        self.deliveries = DeliveryDesk(self.desk)
        self.watcher = Watcher(self.metrics)
        self.desk.observers.append(self.watcher.entry)
        self.desk.on_fault.append(self._undecided)
        self.reload = RuleReload(
            self.desk, self.store, self.settings, self.configuration.rule_files, self.metrics, self.clock
        )
        await self.reload.keep(rules, "start")

    def _make_loops(self) -> None:
        ticker = Ticker(TimerDesk(self.desk), self.clock)
        self._page = PageLoop(
            self.desk, Board(self.desk, self.settings.page.description), self.site.replace, self.clock
        )
        reconciler = Reconciler(self.channels, self.deliveries, self.store, self.clock)
        figures = Figures(self.desk, self.metrics, lambda: self.workers, self.clock)
        self.ticker = self._loop("ticker", ticker.step, LONGEST_SLEEP)
        self.desk.wake_timers.append(self.ticker.wake)
        self.desk.wake_page.append(self._loop("page", self._page.step, 5.0).wake)
        self._loop("reconcile", reconciler.step, 2.0)
        self._loop("figures", figures.step, 5.0)
        if self._watch_rules:
            self._loop("rules", RuleWatch(self.configuration.rule_files, self.reload).step, 1.0)
        edits = EditDesk(self.desk)
        for channel in self.channels.values():
            worker = Outbox(
                channel, self.deliveries, self.store, self.clock, self.watcher.attempt, self.work_clock
            )
            self.workers.append(worker)
            self.desk.wake_outbox.append(self._loop("outbox", worker.step, 1.0).wake)
            if channel.capabilities.shows_state:
                editor = Editor(worker, edits, self.store, self.clock, self.watcher.edited, self.work_clock)
                self.desk.wake_outbox.append(self._loop("outbox", editor.step, 1.0).wake)

    def _loop(self, name: str, step: Callable[[], Awaitable[bool]], longest: float) -> Loop:
        loop = Loop(name, step, self.clock, self._failed, longest=longest, turned=self.metrics.loop_turned)
        self.loops.append(loop)
        return loop

    def _undecided(self, group: int, error: Exception) -> None:
        self.metrics.unexpected_error("rules")
        log.error("a decision failed; the inputs are kept", group=group, exc_info=error)

    def _failed(self, name: str, error: Exception) -> None:
        self.metrics.unexpected_error(name)
        log.error("a loop's step failed; it goes on", loop=name, exc_info=error)

    async def _listen(self) -> None:
        settings = self.settings
        admin = tuple(digest(token) for token in admin_tokens(self.configuration))
        self.hooks = Hooks(
            sources=FixedSources(_source(one) for one in settings.sources),
            parsers=PARSERS,
            intake=IntakeDesk(self.desk, self.metrics, settings.limits.raw_bodies),
            clock=self.work_clock,
            meter=self.metrics,
            rng=random.SystemRandom(),
            limit=settings.limits.body_bytes,
        )
        operations = Operations(self.metrics.registry, self.is_alive, self.unready, self.reload)
        api = Api(self.desk, self.incidents, self.deliveries)
        private = private_app(
            hooks=self.hooks, operations=operations, meter=self.metrics, admin=admin,
            names=settings.api.allowed_hosts, setups=[api.setup],
        )  # fmt: skip
        public = public_app(meter=self.metrics, setups=[self._show_page])
        self.public = Listener(public, settings.listen.public.host, settings.listen.public.port)
        self.private = Listener(
            private, settings.listen.private.host, settings.listen.private.port, ssl_context=self._tls()
        )
        listeners: list[tuple[str, Listener | BounceListener]] = [
            ("public", self.public), ("private", self.private),
        ]  # fmt: skip
        if settings.listen.bounces is not None:
            self.bounces = self._bounce_listener(settings.listen.bounces)
            listeners.append(("bounces", self.bounces))
        for key, listener in listeners:
            try:
                await listener.start()
            except OSError as error:
                raise _cannot_listen(key, getattr(settings.listen, key), error) from error
            self._stack.push_async_callback(listener.stop)

    def _tls(self) -> SSLContext | None:
        files = self.settings.listen.tls
        if files is None:
            return None
        return tls.server_context(
            self.configuration.path(files.cert_file),
            self._optional(files.key_file),
            self._optional(files.client_ca_file),
        )

    def _bounce_listener(self, place: HostPort) -> BounceListener:
        from daemon.bounces.listener import BounceListener  # noqa: PLC0415 - a mail server: only where it is wanted

        mail = [one for one in self.channels.values() if isinstance(one, EmailChannel)]
        return BounceListener(
            {one.name: one.read_return_path for one in mail if one.settings.bounces},
            BounceDesk(self.desk).take_in,
            self.metrics.bounce_heard,
            place.host,
            place.port,
        )

    def _show_page(self, app: web.Application) -> None:
        app.add_routes(self.site.routes())

    def _optional(self, name: str) -> Path | None:
        return self.configuration.path(name) if name else None

    def is_alive(self) -> bool:
        """Whether the loops turn: the ticker did lately, and none fails over and over."""
        late = self.clock.monotonic() - self.ticker.turned_at > STUCK_AFTER
        return not late and not any(loop.is_sick for loop in self.loops)

    def unready(self) -> list[str]:
        """Why nothing can be accepted now; empty when it can."""
        reasons = ["stopping"] if self.stopping else []
        if self.store.failure:
            reasons.append(self.store.failure)
        elif not self.store.is_current:
            reasons.append("the database does not answer")
        return reasons

    async def stop(self) -> None:
        """Take no more, finish what is in hand, close the store."""
        self.stopping = True
        self.hooks.doors.open = False
        for loop in self.loops:
            loop.stop()
        if self._tasks:
            grace = self.settings.limits.shutdown_grace / 1000 * 0.6
            _, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._stack.aclose()


def _source(one: SourceSettings) -> Source:
    return Source(
        one.name,
        one.format,
        SourceCredentials(
            tokens=tuple(digest(token) for token in one.tokens),
            basic=tuple(basic_digest(user, password) for user, password in one.logins),
            common_names=one.common_names,
            fingerprints=one.fingerprints,
        ),
    )
