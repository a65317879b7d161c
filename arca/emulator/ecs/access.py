"""The access rules in front of the server: web pages and other users of the machine stay outside.

The server runs the commands of stand-ins, so whoever controls it runs programs as its owner.

- A web page of another site can send requests to loopback. A browser marks them with `Origin` or
  `Sec-Fetch-Site` (Fetch Metadata Request Headers, W3C).
- A page whose own name resolves to loopback (DNS rebinding) sends no such mark, but its name as
  `Host`.
- Another user of the machine reaches the port too. The control paths need a token, which is in the
  record of the emulated cloud; only its owner can read that file.
"""

import hmac
from collections.abc import Callable, Iterable
from typing import Any

from arca.emulator.ecs.faults import ALIVE_PATH

TOKEN_HEADER = "X-Arca-Token"  # noqa: S105 - the name of a header
TOKEN_VARIABLE = "ARCA_LOCAL_TOKEN"  # noqa: S105 - the name of a variable
HOST_NAMES = ("127.0.0.1", "localhost", "[::1]")
CONTROL_PREFIXES = ("/arca/", "/moto-api")
"""Paths that only the holder of the token may use, apart from ALIVE_PATH."""
OWN_SITES = ("none", "same-origin")
"""Values of Sec-Fetch-Site for what a person typed into a browser, and for the server's own."""


class AccessGuard:
    """The WSGI application that refuses requests with 403 and plain text, or passes them on."""

    def __init__(self, site: Callable[..., Iterable[bytes]], *, token: str) -> None:
        self._site, self._token = site, token

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Refuse a request or pass it on."""
        reason = self._refusal(environ)
        if reason is None:
            return self._site(environ, start_response)
        body = f"Refused: {reason}\n".encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
        ]
        start_response("403 Forbidden", headers)
        return [body]

    def _refusal(self, environ: dict[str, Any]) -> str | None:
        port = environ["SERVER_PORT"]
        host = str(environ.get("HTTP_HOST", "")).lower()
        known = [f"{name}:{port}" for name in HOST_NAMES]
        if host not in known:
            return f"the host {host!r} is not this server. It answers {', '.join(known)}."
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None or environ.get("HTTP_SEC_FETCH_SITE", "none") not in OWN_SITES:
            return "the request comes from a web page. The emulated AWS answers programs only."
        # Werkzeug's router merges slashes.
        path = "/" + environ["PATH_INFO"].lstrip("/")
        if path.startswith(CONTROL_PREFIXES) and path != ALIVE_PATH:
            given = str(environ.get(f"HTTP_{TOKEN_HEADER.upper().replace('-', '_')}", ""))
            if not self._token or not hmac.compare_digest(given.encode(), self._token.encode()):
                return (
                    f"{path} needs the header {TOKEN_HEADER} with the token of the emulated "
                    "cloud. `arca local` reads it from the state directory and sends it."
                )
        return None
