"""The explorer's server: a page of fixed files, and answers in JSON. Nothing else can be read through it."""

import ipaddress
import json
import pathlib
import socket
from collections.abc import Callable
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from causalgan_tf.errors import InputError
from causalgan_tf.explorer.answers import Explorer

STATIC = pathlib.Path(__file__).with_name("static")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
LONGEST = 100_000  # bytes of a request
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def build(explorer: Explorer, host: str = "127.0.0.1") -> Starlette:
    """The application.

    Args:
        explorer: what answers.
        host: the address that the server is bound to; it decides which names a request may call the server by.
    """
    # one at a time: a model's caches and compiled functions are not made for several threads
    turn = anyio.CapacityLimiter(1)

    async def answered(compute: Callable[[], dict[str, Any]]) -> Response:
        try:
            return JSONResponse(await anyio.to_thread.run_sync(compute, limiter=turn))
        except InputError as error:
            where = {name: getattr(error, name, "") for name in ("part", "label")}
            return JSONResponse({"error": str(error), **where}, 400)

    async def model(request: Request) -> Response:
        del request
        return await answered(explorer.description)

    async def answer(request: Request) -> Response:
        # a form of another site cannot send this type without being asked first
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return JSONResponse({"error": "request: expected the content type application/json."}, 415)
        text = bytearray()
        async for part in request.stream():
            text += part
            if len(text) > LONGEST:
                return JSONResponse({"error": f"request: expected at most {LONGEST:,} bytes."}, 413)
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return JSONResponse({"error": "request: expected JSON."}, 400)
        return await answered(lambda: explorer.answer(body))

    routes = [_file(path) for path in sorted(STATIC.iterdir()) if path.suffix in TYPES]
    routes += [Route("/api/model", model), Route("/api/answer", answer, methods=["POST"])]
    return Starlette(routes=routes, middleware=[Middleware(_Guard, host=host)])


def is_own(name: str, host: str) -> bool:
    """Whether a request's Host header, without its port, is a name of this server.

    A page of another site may have its own name point here (DNS rebinding); the header then holds that name. An address
    in figures cannot be made to point elsewhere.
    """
    name = name.strip("[]").lower()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or (not is_local(host) and name in (host.lower(), socket.gethostname().lower()))
    return address.is_loopback or not is_local(host)


def is_local(host: str) -> bool:
    """Whether an address to bind to is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Guard:
    """Refuses requests under foreign names, and adds the headers that keep the page to itself."""

    def __init__(self, app: Any, host: str) -> None:
        self.app, self.host = app, host

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        named = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = named[: named.rfind("]") + 1] if named.startswith("[") else named.partition(":")[0]

        async def send_guarded(message: dict) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(key.encode(), value.encode()) for key, value in HEADERS.items()]
            await send(message)

        app = self.app if is_own(name, self.host) else PlainTextResponse("This server has another name.", 403)
        await app(scope, receive, send_guarded)


def _file(path: pathlib.Path) -> Route:
    """The route of one file of the page, read once: no path of a request is ever opened."""
    content = path.read_bytes()

    async def read(request: Request) -> Response:
        del request
        return Response(content, media_type=TYPES[path.suffix])

    return Route("/" if path.name == "page.html" else f"/{path.name}", read)
