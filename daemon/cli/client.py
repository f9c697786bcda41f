"""Talks to the daemon's private listener; what goes wrong becomes one clear sentence."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any
from urllib.parse import quote, urlencode

from daemon.cli.target import Target
from daemon.core.errors import BadInput, NotFound, Refused, TocsinError, Unavailable

DEADLINE = 10.0
"""Seconds without a byte from the daemon."""

PREFIX = "/api/v1"

_MEANING: dict[int, type[TocsinError]] = {400: BadInput, 422: BadInput, 404: NotFound, 503: Unavailable}


class Client:
    """One daemon, asked over HTTP."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.deadline = DEADLINE

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a question.  Raises NotFound, BadInput, Refused or Unavailable."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{PREFIX}{path}{'?' if given else ''}{urlencode(given)}")

    def act(self, path: str, **body: Any) -> Any:
        """What an act led to; keys that are None or empty are left out.  Raises as ``get`` does."""
        if not self.target.token:
            self.ready()  # that the daemon does not run is the better answer
            raise Refused(f"this needs the daemon's token, and there is none: {self.target.no_token}")
        given = {name: value for name, value in body.items() if value not in (None, "", [], ())}
        return self._ask("POST", f"{PREFIX}{path}", json.dumps(given).encode())

    def ready(self) -> tuple[bool, str]:
        """Whether the daemon accepts, and what it says otherwise.  Raises Unavailable: it is not there."""
        status, body = self._exchange("GET", "/-/ready", None)
        return status == 200, "ready" if status == 200 else _detail(body)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        status, answer = self._exchange(method, path, body)
        if status < 300:
            try:
                return json.loads(answer)
            except ValueError as error:
                raise Unavailable(f"what answers at {self.target.address} is no Tocsin daemon") from error
        if status == 401:
            why = self.target.no_token or (
                "name the configuration that it runs with (-c FILE, and from the same directory),"
                " or restart it if `api.token` was changed"
            )
            raise Refused(f"the daemon at {self.target.address} does not take our token; {why}")
        raise _MEANING.get(status, Unavailable if status >= 500 else Refused)(_detail(answer))

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"Accept": "application/json"}
        if self.target.token:
            headers["Authorization"] = f"Bearer {self.target.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except TimeoutError as error:
            raise Unavailable(
                f"the daemon at {self.target.address} did not answer within {self.deadline:.0f} s"
                f"{'; the act may have happened: look before you repeat it' if body is not None else ''}"
            ) from error
        except ssl.SSLError as error:
            raise Unavailable(f"no TLS with {self.target.address}: {error.reason or error}") from error
        except ConnectionRefusedError as error:
            raise Unavailable(
                f"no daemon answers at {self.target.address}: start it with `tocsin serve`,"
                " or name its configuration with -c FILE"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unavailable(f"the daemon at {self.target.address} cannot be reached: {why}") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        context, host, port = self.target.tls(), self.target.host, self.target.port
        if context is None:
            return http.client.HTTPConnection(host, port, timeout=self.deadline)
        return http.client.HTTPSConnection(host, port, timeout=self.deadline, context=context)


def in_path(name: str) -> str:
    """A name as one piece of a path."""
    return quote(name, safe="")


def _detail(answer: bytes) -> str:
    """What a problem document says."""
    try:
        return str(json.loads(answer)["detail"])
    except (ValueError, TypeError, KeyError):
        return "the daemon answered with an error and no reason"
