"""Running the daemon: signals, the service manager's watchdog, the exit code."""

from __future__ import annotations

import asyncio
import signal

import structlog

from config.environment import environment
from config.load import Configuration
from daemon.app import App
from daemon.core.clock import Clock
from daemon.loops import Loop
from daemon.notify import Notifier

log = structlog.get_logger("tocsin.app")

LAG_EVERY = 1.0  # seconds between two measurements of the event loop's lag


async def serve(configuration: Configuration, clock: Clock, *, watch_rules: bool = False) -> int:
    """Run until SIGTERM or SIGINT (0), or until the store breaks for good (1: systemd starts us anew)."""
    notifier = Notifier.from_environment(environment(), clock)
    app = App(configuration, clock, watch_rules=watch_rules)
    await app.start()
    stop = asyncio.Event()
    broken: list[str] = []

    def fail(why: str) -> None:
        broken.append(why)
        stop.set()

    app.store.on_failure(fail)
    _handle_signals(app, stop, notifier)
    side = [
        asyncio.create_task(_feed(app, notifier, clock)),
        asyncio.create_task(_lag(app, clock)),
    ]
    log.info(
        "ready",
        page=f"http://{configuration.settings.listen.public.host}:{app.public.port}/",
        hooks=f"http://{configuration.settings.listen.private.host}:{app.private.port}/hooks/",
    )
    notifier.ready("accepting alerts")
    await stop.wait()
    notifier.stopping("finishing what is in hand")
    log.info("stopping", reason=broken[0] if broken else "signal")
    for task in side:
        task.cancel()
    await app.stop()
    notifier.close()
    log.info("stopped")
    return 1 if broken else 0


def _handle_signals(app: App, stop: asyncio.Event, notifier: Notifier) -> None:
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        notifier.reloading()
        await app.reload("SIGHUP")
        notifier.ready("accepting alerts")

    def on_hup() -> None:
        task = asyncio.create_task(reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGHUP, on_hup)


async def _feed(app: App, notifier: Notifier, clock: Clock) -> None:
    """Feed the watchdog only while the loops really turn: a wedge must kill us."""
    every = notifier.feed_every or 5.0
    seen: dict[Loop, float] = {}
    while True:
        await clock.sleep(every)
        turned = app.ticker.turned_at
        if turned != seen.get(app.ticker) and app.is_alive():
            app.metrics.loop_turned("watchdog")
            notifier.alive()
        seen[app.ticker] = turned


async def _lag(app: App, clock: Clock) -> None:
    while True:
        before = clock.monotonic()
        await clock.sleep(LAG_EVERY)
        app.metrics.loop_lag(clock.monotonic() - before - LAG_EVERY)
