"""What operators and platforms ask of a process over HTTP: health, info and metrics; never anything of a person.

Ready means that every service's migrations are current and its database answers. The bus, inbox and relay are
fields of the answer, never the verdict: pages must not go down with the bus.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis import telemetry
from chassis.database import UNREACHABLE, is_current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from chassis.database import Database

log = telemetry.logger(__name__)
_BEAT, _LATE, _ANSWER_WITHIN = 0.5, 10.0, 2.0


class Heart:
    """The event loop's own heartbeat: late when something holds the loop."""

    def __init__(self) -> None:
        self._last: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._last = asyncio.get_running_loop().time()
            await asyncio.sleep(_BEAT)

    @property
    def age(self) -> float:
        """Seconds since the last beat."""
        return asyncio.get_running_loop().time() - self._last if self._last is not None else 0.0


class Ready:
    """Whether one service may take requests, and how its other parts are."""

    def __init__(self, database: Database, migrations: str, states: Callable[[], Mapping[str, object]]) -> None:
        self._database, self._migrations, self._states = database, migrations, states
        self._current = False

    async def look(self) -> dict[str, Any]:
        """The state of the database and the migrations; `ready` is the verdict."""
        database, migrations = "up", "current"
        try:
            async with asyncio.timeout(_ANSWER_WITHIN), self._database.connection() as conn:
                # Migrations only go forward: once current, a process stays so.
                self._current = self._current or await is_current(conn, self._migrations)
                await conn.execute("select 1")
        except UNREACHABLE:
            database = "down"
        if not self._current:
            migrations = "unknown" if database == "down" else "behind"
        verdict = database == "up" and self._current
        return {"ready": verdict, "database": database, "migrations": migrations, **self._states()}


class _Outermost:
    """`/metrics/` is `/metrics`: a probe does not follow redirects. A fault that was answered ends here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if len(path) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}
        # Starlette answers a fault by `_on_fault`, which logs it, and raises it again: the server would print its text.
        with suppress(Exception):
            await self._app(scope, receive, send)


def _problem(status: int, title: str) -> JSONResponse:
    """RFC 9457; nothing of the request is echoed."""
    body = {"type": "about:blank", "title": title, "status": status}
    return JSONResponse(body, status, media_type="application/problem+json")


async def _on_http(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    titles = {404: "There is nothing at this address", 405: "This address cannot be asked that way"}
    return _problem(status, titles.get(status, "The request was refused"))


async def _on_fault(_: Request, error: Exception) -> Response:
    log.error("An operations page failed", exc_info=error)
    return _problem(500, "Something went wrong on our side")


def _version() -> str:
    try:
        return version("throughcare")
    except PackageNotFoundError:
        return "0+source"


class _Pages:
    def __init__(self, node: str, services: Mapping[str, Ready], heart: Heart) -> None:
        self._node, self._services, self._heart = node, services, heart

    async def health(self, _: Request) -> Response:
        """Everything there is to say of the health of this process."""
        parts = await self._parts()
        up = all(part["ready"] for part in parts.values())
        body = {"status": "UP" if up else "DOWN", "components": parts, "heartbeat_age": round(self._heart.age, 1)}
        return JSONResponse(body, 200 if up else 503)

    async def ping(self, _: Request) -> Response:
        """It answers."""
        return JSONResponse({"status": "UP"})

    async def liveness(self, _: Request) -> Response:
        """Whether the process should be left alone: its loop turns. Nothing outside of it is asked."""
        up = self._heart.age < _LATE
        return JSONResponse({"status": "UP" if up else "DOWN"}, 200 if up else 503)

    async def readiness(self, _: Request) -> Response:
        """Whether it may be given requests."""
        parts = await self._parts()
        up = all(part["ready"] for part in parts.values())
        return JSONResponse({"status": "UP" if up else "OUT_OF_SERVICE", "components": parts}, 200 if up else 503)

    async def info(self, _: Request) -> Response:
        """What runs here."""
        return JSONResponse({"build": {"version": _version()}, "node": self._node, "services": [*self._services]})

    async def metrics(self, _: Request) -> Response:
        """Everything counted, for Prometheus."""
        return Response(telemetry.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def _parts(self) -> dict[str, dict[str, Any]]:
        looked = await asyncio.gather(*(ready.look() for ready in self._services.values()))
        return dict(zip(self._services, looked, strict=True))


def application(node: str, services: Mapping[str, Ready], heart: Heart) -> ASGIApp:
    """The ASGI application: six addresses, all read-only."""
    pages = _Pages(node, services, heart)
    routes = {
        "/health": pages.health,
        "/health/ping": pages.ping,
        "/health/liveness": pages.liveness,
        "/health/readiness": pages.readiness,
        "/info": pages.info,
        "/metrics": pages.metrics,
    }
    handlers = {HTTPException: _on_http, Exception: _on_fault}
    return _Outermost(
        Starlette(
            routes=[Route(path, page, methods=["GET"]) for path, page in routes.items()], exception_handlers=handlers
        )
    )


class _Uvicorn(uvicorn.Server):
    """Signals are the process's business, not the server's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


class OpsServer:
    """Serves the application on one port until stopped."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        # At once: two sockets that only hold a port may be given the same one, and the second to listen then fails.
        self._socket.listen()
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3, server_header=False
        )
        self._server = _Uvicorn(config)

    async def run(self) -> None:
        """Until `stop`, or cancelled."""
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            # Cut off, uvicorn leaves its sockets with the loop. Closed behind the loop's back, a descriptor is given to
            # the next connection, which is then never read from.
            for listening in getattr(self._server, "servers", ()):
                listening.close()
            with suppress(OSError):
                self._socket.close()

    def stop(self) -> None:
        """Take no more requests; `run` returns when those under way have ended."""
        self._server.should_exit = True
