"""The explorer's server: a page of fixed files, and answers in JSON. Nothing else can be read through it."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from causalgan_tf.errors import InputError
from causalgan_tf.explorer.answers import Explorer
from causalgan_tf.explorer.guard import Guard

STATIC = pathlib.Path(__file__).with_name("static")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
LONGEST = 100_000  # bytes of a request


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
    return Starlette(routes=routes, middleware=[Middleware(Guard, host=host)])


def _file(path: pathlib.Path) -> Route:
    """The route of one file of the page, read once: no path of a request is ever opened."""
    content = path.read_bytes()

    async def read(request: Request) -> Response:
        del request
        return Response(content, media_type=TYPES[path.suffix])

    return Route("/" if path.name == "page.html" else f"/{path.name}", read)
