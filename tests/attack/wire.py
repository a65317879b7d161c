"""The connection between a command's clients and the emulated AWS, which loses and breaks replies.

It sits where botocore sends a request, below botocore's own retries, as a bad proxy does.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple, cast
from weakref import WeakSet

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.retries import quota
from werkzeug.test import run_wsgi_app

from arca.emulator.aws_clients import Wsgi, wsgi_environ

MUTATING = frozenset(
    {
        "application-auto-scaling.RegisterScalableTarget",
        "ecs.ContinueServiceDeployment",
        "ecs.RegisterTaskDefinition",
        "ecs.RunTask",
        "ecs.StopServiceDeployment",
        "ecs.StopTask",
        "ecs.UpdateService",
        "elastic-load-balancing-v2.ModifyRule",
        "ssm.DeleteParameter",
        "ssm.PutParameter",
    }
)
"""Calls that change something."""
MOST_CALLS = 4000
"""A command that makes more calls does not end; a release with all retries makes 300."""
RETRY_QUOTA = 500
"""The capacity of botocore's retry quota (botocore/retries/quota.py)."""


@dataclass(frozen=True)
class FaultKind:
    """A way in which a call fails."""

    status: int = 0
    """HTTP status of the answer; 0 where there is none."""
    code: str = ""
    """The error code of AWS in the answer."""
    done: bool = False
    """True where AWS did what was asked before the answer was lost."""
    everything: bool = False
    """True where it hits every later call too, once it lasts; else only the same operation."""
    retried: bool = True
    """True where botocore tries again."""


FAULTS: Mapping[str, FaultKind] = {
    "denied": FaultKind(400, "AccessDeniedException", retried=False),
    "throttled": FaultKind(400, "ThrottlingException"),
    "expired": FaultKind(400, "ExpiredTokenException", everything=True, retried=False),
    "500-before": FaultKind(500, "InternalError"),
    "500-after": FaultKind(500, "InternalError", done=True),
    "unreachable": FaultKind(everything=True),
    "reply-lost": FaultKind(done=True),
    "html": FaultKind(200, everything=True, retried=False),
}
"""What a call can meet: refused, failed, lost, or answered by something that is not AWS."""
HTML = b"<html><body>Sign in to the network</body></html>"


class Call(NamedTuple):
    """One call of a command: the operation, and how many of that operation came with it."""

    label: str
    number: int

    def __str__(self) -> str:
        return f"{self.label}.{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Call":
        """Read what `str` returns."""
        label, _, number = text.rpartition(".")
        return cls(label, int(number))


class Endless(BaseException):
    """Ends a command that made MOST_CALLS calls."""


@dataclass
class Fault:
    """A fault that a command meets at one of its calls, once or from there on."""

    at: Call
    kind: str
    lasting: bool
    begun: bool = False

    def meets(self, call: Call, attempt: int) -> bool:
        """Return whether this attempt of a call fails."""
        if call == self.at:
            first = not self.begun
            self.begun = True
            return self.lasting or (first and attempt == 1)
        if not (self.lasting and self.begun):
            return False
        return FAULTS[self.kind].everything or call.label == self.at.label


class Effect(NamedTuple):
    """A call that changed something: what was asked, and the emulator's own answer."""

    call: Call
    request: bytes
    answer: bytes


@dataclass
class Line:
    """One command's connection: what it asked, and what it was answered."""

    faults: list[Fault] = field(default_factory=list[Fault])
    calls: list[Call] = field(default_factory=list[Call])
    effects: list[Effect] = field(default_factory=list[Effect])
    failed: list[Call] = field(default_factory=list[Call])
    """Calls whose last attempt met a fault."""
    attempts: int = 0
    """Attempts of the latest call."""
    before: Callable[[Call], None] = lambda _call: None
    """Runs before each call; it may raise instead of it."""
    after: Callable[[Call], None] = lambda _call: None
    _counted: Counter[str] = field(default_factory=Counter[str])

    def begin(self, label: str) -> None:
        """Note a call, before its first attempt."""
        self._counted[label] += 1
        self.attempts = 0
        self.calls.append(Call(label, self._counted[label]))
        if len(self.calls) > MOST_CALLS:
            raise Endless

    def named(self, *labels: str) -> bool:
        """Return whether one of these operations was asked for."""
        return any(call.label in labels for call in self.calls)


class Wire:
    """Every command's way to one emulated AWS."""

    def __init__(self, application: Wsgi, line: Callable[[], Line]) -> None:
        self._application, self._line = application, line

    def before_call(self, event_name: str, **_: Any) -> None:
        """Answer botocore's `before-call`: a call begins."""
        line = self._line()
        line.begin(event_name.partition(".")[2])
        line.before(line.calls[-1])

    def send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        """Answer botocore's `before-send`: an attempt of a call; raises what a socket raises."""
        line = self._line()
        call = line.calls[-1]
        line.attempts += 1
        met = next((one for one in line.faults if one.meets(call, line.attempts)), None)
        if call in line.failed:
            line.failed.remove(call)
        if met is None:
            return self._forward(line, call, request, event_name)
        line.failed.append(call)
        kind = FAULTS[met.kind]
        if kind.done:
            self._forward(line, call, request, event_name)
        if kind.status == 0:
            url = str(request.url)
            if kind.done:
                raise ReadTimeoutError(endpoint_url=url)
            raise EndpointConnectionError(endpoint_url=url, error="refused")
        return _response(request, kind)

    def _forward(
        self, line: Line, call: Call, request: AWSPreparedRequest, event_name: str
    ) -> AWSResponse:
        chunks, status, headers = run_wsgi_app(self._application, wsgi_environ(request))
        content = b"".join(chunks)
        if status.startswith("200") and event_name.partition(".")[2] in MUTATING:
            line.effects.append(Effect(call, _bytes(request.body), content))
        line.after(call)
        return _answer(request, int(status[:3]), headers, content)


_quotas = WeakSet[quota.RetryQuota]()


class _RecordedQuota(quota.RetryQuota):
    """A retry quota that can be filled again, for a command begins with a full one."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        _quotas.add(self)


def record_quotas() -> None:
    """Let the clients that this process makes from now on have quotas that can be filled."""
    quota.__dict__["RetryQuota"] = _RecordedQuota


def fill_quotas() -> None:
    """Give every client the retry quota with which a process begins."""
    for one in [*_quotas]:
        one.release(RETRY_QUOTA)


class _Raw(BytesIO):
    """A response body with the method by which botocore reads it."""

    def stream(self, _amount: int = 0, **_: Any) -> Iterable[bytes]:
        """Yield the whole body."""
        yield self.read()


def _answer(request: AWSPreparedRequest, status: int, headers: Any, content: bytes) -> AWSResponse:
    # botocore's stubs only know urllib3's raw body.
    return AWSResponse(str(request.url), status, headers, cast("Any", _Raw(content)))


def _response(request: AWSPreparedRequest, kind: FaultKind) -> AWSResponse:
    """Return the answer of a fault, in the form of the request's protocol."""
    if not kind.code:
        return _answer(request, kind.status, {"content-type": "text/html"}, HTML)
    if "X-Amz-Target" in request.headers:
        text = f'{{"__type": "{kind.code}", "message": "attacked"}}'
        form = "application/x-amz-json-1.1"
    else:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{kind.code}</Code>"
            "<Message>attacked</Message></Error></ErrorResponse>"
        )
        form = "text/xml"
    return _answer(request, kind.status, {"content-type": form}, text.encode())


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")
