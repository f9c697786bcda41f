"""The outermost middleware: names each request, and turns whatever was raised into an answer."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from daemon.core.errors import TocsinError
from daemon.web.meter import Meter
from daemon.web.problem import Problem, from_error, from_http

log = structlog.get_logger("tocsin.web")

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
"""Names the request in its answer and in the log; never taken from the sender."""


def make_errors(meter: Meter) -> Middleware:
    """A middleware after which every error is problem+json and none is silent."""
    next_id = _ids()

    def unexpected(request: web.Request, error: Exception) -> web.StreamResponse:
        log.error("request failed", request=request[REQUEST_ID], path=request.path[:200], exc_info=error)
        meter.unexpected_error("web")
        return _answer(request, Problem(500, "this is a fault of the daemon; its log says more"))

    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = next_id()
        try:
            return await handler(request)
        except Problem as problem:
            return _answer(request, problem)
        except TocsinError as error:
            return _answer(request, from_error(error))
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return _answer(request, from_http(error, request.path))
        except ConnectionError as error:
            if request.transport is None or request.transport.is_closing():
                raise  # the caller hung up: nobody is there to be answered
            return unexpected(request, error)
        except Exception as error:  # noqa: BLE001 - the last resort: counted, logged, answered
            return unexpected(request, error)

    return errors


def _answer(request: web.Request, problem: Problem) -> web.StreamResponse:
    response = problem.response(request[REQUEST_ID])
    if not request.content.is_eof():
        response.force_close()  # what is left of the body must not be read as the next request
    return response


def _ids() -> Callable[[], str]:
    """Ids that are unique over restarts without a random number for each."""
    start, count = secrets.token_hex(4), itertools.count(1)
    return lambda: f"{start}-{next(count):x}"
