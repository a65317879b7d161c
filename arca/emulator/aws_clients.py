"""boto3 clients of the emulated AWS: over HTTP, or directly into a WSGI application."""

from collections.abc import Callable, Iterable
from functools import cache, partial
from io import BytesIO
from threading import Lock
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.loaders import create_loader

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
LOCAL_HOST = "127.0.0.1"
ONCE_HEADER = "X-Arca-Once"
"""The header of a request that the server carries out once, however often it comes."""
_shared_loader = cache(create_loader)
UNCHECKED_CONFIG = Config(
    retries={"total_max_attempts": 1},
    parameter_validation=False,
    # Without a name of ours botocore composes its own anew for each request, twice.
    user_agent="arca-emulator",
)


def session() -> Any:
    """Return a session with made-up credentials: the emulation needs some but checks none.

    All sessions of a process share one loader, because parsing the service models is slow.
    """
    core = botocore.session.Session()
    core.register_component("data_loader", _shared_loader(core.get_config_variable("data_path")))
    make = cast("Any", boto3.Session)
    return make(
        botocore_session=core,
        aws_access_key_id="emulated",
        aws_secret_access_key="emulated",  # noqa: S106 - no secret
    )


def share_service_models() -> None:
    """Let the sessions that others make in this process share the loader too.

    Moto makes a session for each service. Without this, each one parses EC2's model again, which
    took half of the time until the server's first answer about EC2.
    """
    botocore.session.__dict__["create_loader"] = _shared_loader


class WsgiClients:
    """Makes one client for each service and region.

    By default a client checks no parameters and retries nothing: no request is lost on the way.
    """

    def __init__(self, application: Wsgi, config: Config = UNCHECKED_CONFIG) -> None:
        self._application, self._config = application, config
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = Lock()
        self._session = session()

    def client(self, service: str, region: str) -> Any:
        """Return the client of a service in a region."""
        with self._lock:
            if (service, region) not in self._made:
                client = self._session.client(
                    service,
                    region_name=region,
                    endpoint_url=f"http://{LOCAL_HOST}",
                    config=self._config,
                )
                client.meta.events.register("before-send", partial(_send, self._application))
                self._made[service, region] = client
            return self._made[service, region]


class _Raw(BytesIO):
    """A response body with the method by which botocore reads it."""

    def stream(self, _amount: int = 0, **_: Any) -> Iterable[bytes]:
        """Yield the whole body."""
        yield self.read()


def _send(application: Wsgi, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    """Answer botocore's `before-send` event, so that botocore itself sends nothing."""
    # `arca local --help` works without the emulator.
    from werkzeug.test import run_wsgi_app  # noqa: PLC0415 - an extra has it

    body, status, headers = run_wsgi_app(application, wsgi_environ(request))
    content = b"".join(body)
    # botocore's stubs only know urllib3's raw body.
    raw = cast("Any", _Raw(content))
    return AWSResponse(str(request.url), int(status[:3]), cast("Any", headers), raw)


def wsgi_environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """Return a request's WSGI environment (PEP 3333)."""
    url = urlsplit(str(request.url))
    body: Any = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    content = content if isinstance(content, bytes | bytearray) else content.read()
    found: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path or "/"),
        "QUERY_STRING": url.query,
        "RAW_URI": url.path or "/",
        "REQUEST_URI": url.path or "/",
        "SERVER_NAME": LOCAL_HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": LOCAL_HOST,
        "HTTP_HOST": LOCAL_HOST,
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
