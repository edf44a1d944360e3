"""Who may ask the explorer's server, and what browsers are told about its pages."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

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


class Guard:
    """ASGI middleware: refuses requests under foreign names, and adds the headers that keep the page to itself.

    >>> Guard(app=None, host="127.0.0.1").host
    '127.0.0.1'
    """

    def __init__(self, app: Any, host: str) -> None:
        """Wraps an application that is bound to `host`."""
        self.app, self.host = app, host

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Passes a request on, or answers it with 403."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        named = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = named[: named.rfind("]") + 1] if named.startswith("[") else named.partition(":")[0]

        async def send_guarded(message: dict) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(key.encode(), value.encode()) for key, value in HEADERS.items()]
            await send(message)

        if is_own(name, self.host):
            await self.app(scope, receive, send_guarded)
            return
        await send_guarded({"type": "http.response.start", "status": 403, "headers": []})
        await send_guarded({"type": "http.response.body", "body": b"This server has another name."})
