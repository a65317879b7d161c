"""Requests that are carried out once: a repeat with the same key gets the first one's answer.

An update that was killed does not know whether the server got its last request. The next update
sends the same one with the same key, so that nothing is created twice. Only answers of success are
kept: a request that was refused changed nothing. Source of the idea: the client tokens of AWS's own
APIs (Amazon EC2 API Reference, "Ensuring idempotency").
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from arca.emulator.aws_clients import ONCE_HEADER

VARIABLE = f"HTTP_{ONCE_HEADER.upper().replace('-', '_')}"
KEPT = 200
"""Answers that are kept; a killed update left a single operation, of at most ten calls."""
REFUSED = 400
"""The lowest HTTP status of an answer that refuses."""


class Once:
    """The WSGI application that answers a repeated request from memory."""

    def __init__(self, site: Callable[..., Iterable[bytes]]) -> None:
        self._site = site
        self._answers: OrderedDict[str, tuple[bytes, str, Any]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request; one without a key is passed on."""
        key = environ.get(VARIABLE)
        if not key:
            return self._site(environ, start_response)
        # The first request may still be under way when its repeat comes.
        with self._lock:
            if key not in self._answers:
                chunks, status, headers = run_wsgi_app(self._site, environ)
                answer = (b"".join(chunks), status, headers)
                if int(status.split()[0]) >= REFUSED:
                    return _response(answer)(environ, start_response)
                self._answers[key] = answer
                if len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
            return _response(self._answers[key])(environ, start_response)


def _response(answer: tuple[bytes, str, Any]) -> Response:
    content, status, headers = answer
    return Response(content, status, headers)
