"""boto3 clients whose requests go straight into a WSGI application, without a socket."""

from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from threading import Lock
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from werkzeug.test import run_wsgi_app

from arca.emulator.session import session

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
HOST = "127.0.0.1"
BARE = Config(retries={"total_max_attempts": 1}, parameter_validation=False)


class Clients:
    """Clients by service and region, one of a kind.

    Without a configuration of their own they check nothing against the service model, and retry
    nothing, for nothing is lost on the way.
    """

    def __init__(self, application: Wsgi, config: Config = BARE) -> None:
        self._application, self._config = application, config
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = Lock()
        self._session = session()

    def client(self, service: str, region: str) -> Any:
        """A client."""
        with self._lock:
            if (service, region) not in self._made:
                client = self._session.client(
                    service,
                    region_name=region,
                    endpoint_url=f"http://{HOST}",
                    config=self._config,
                )
                client.meta.events.register("before-send", partial(_send, self._application))
                self._made[service, region] = client
            return self._made[service, region]


class _Raw(BytesIO):
    """A body as botocore reads it."""

    def stream(self, _amount: int = 0, **_: Any) -> Iterable[bytes]:
        """All of it."""
        yield self.read()


def _send(application: Wsgi, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    """Answer botocore's `before-send` event, which then sends nothing."""
    body, status, headers = run_wsgi_app(application, environ(request))
    content = b"".join(body)
    # The stubs know no raw body but urllib3's.
    raw = cast("Any", _Raw(content))
    return AWSResponse(str(request.url), int(status[:3]), cast("Any", headers), raw)


def environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """The WSGI environment of a request (PEP 3333)."""
    parts = urlsplit(str(request.url))
    body: Any = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    content = content if isinstance(content, bytes | bytearray) else content.read()
    found: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path or "/"),
        "QUERY_STRING": parts.query,
        "RAW_URI": parts.path or "/",
        "REQUEST_URI": parts.path or "/",
        "SERVER_NAME": HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": HOST,
        "HTTP_HOST": HOST,
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(content),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        text = value.decode() if isinstance(value, bytes) else str(value)
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            found[key] = text
        elif key != "CONTENT_LENGTH":
            found[f"HTTP_{key}"] = text
    return found
