"""One service of the Apprise library (the extra ``apprise``), tamed: one try, no split, no log of its own.

The library is imported when a channel of the kind is configured, never before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from apprise.plugins import NotifyBase

REMEDY = "the kind apprise needs an extra: pip install 'tocsin[apprise]'"
_TALKERS = ("apprise", "requests", "urllib3")  # their lines hold addresses, and those are secrets


def service_of(secret: SecretStr) -> NotifyBase:
    """The one service with its one target behind an address.

    Raises:
        ValueError: the extra is missing, or the address is none of Apprise's; the words do not repeat it.

    """
    if find_spec("apprise") is None:
        raise ValueError(REMEDY)
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - an extra, and heavy
    from apprise.common import OverflowMode, PersistentStoreMode  # noqa: PLC0415 - see above

    for name in _TALKERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    asset = AppriseAsset(
        storage_mode=PersistentStoreMode.MEMORY,
        allow_templates=False,
        app_id="Tocsin",
        app_desc="Tocsin",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        http_redirects=False,
        pem_autogen=False,
        pgp_autogen=False,
    )
    service = Apprise.instantiate(secret.get_secret_value(), asset=asset)
    if service is None:
        raise ValueError(
            "no address of a service that Apprise knows; try it with Apprise's own command, "
            "and see that the package which the service needs is installed"
        )
    service.retry, service.optional, service.redirects = 0, False, False
    service.interpret_emojis, service.overflow_mode = False, OverflowMode.UPSTREAM
    if len(service) != 1:
        raise ValueError(
            f"an address of {len(service)} targets: write a channel for each, for of several "
            "nobody could tell which of them got it"
        )
    return service


def begin(call: Callable[[], bool]) -> Future[bool]:
    """Run a blocking call in a thread of its own, which keeps nobody from ending the process."""
    future: Future[bool] = Future()
    future.set_running_or_notify_cancel()  # from here on nothing can take it back

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever awaits the future gets it
            future.set_exception(error)

    threading.Thread(target=run, name="apprise", daemon=True).start()
    return future
