"""What every log line of a request repeats: its correlation id, its trace and its account."""

import re
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

VALID_ID = re.compile(r"[A-Za-z0-9-]{8,128}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")
"""Source: W3C Trace Context, section 3.2; a trace id of zeros is not valid."""
AMAZON_ROOT = re.compile(r"(?:^|;)\s*Root=([A-Za-z0-9-]{8,128})(?:;|$)")


@dataclass
class Context:
    """A request, or one run of a background task."""

    correlation_id: str
    trace_id: str | None = None
    account_id: str | None = None


CURRENT: ContextVar[Context | None] = ContextVar("invoicing_context", default=None)


def new_id() -> str:
    """Create a correlation id."""
    return uuid.uuid4().hex


def correlation_id(headers: Mapping[str, str]) -> str:
    """Return a request's correlation id; the names of the headers are in lower case.

    An id that the log's schema would refuse counts as none, because anybody can send one.
    """
    ray = headers.get("cf-ray", "")
    if VALID_ID.fullmatch(ray):
        return ray
    if found := TRACEPARENT.fullmatch(headers.get("traceparent", "")):
        return found[1]
    if found := AMAZON_ROOT.search(headers.get("x-amzn-trace-id", "")):
        return found[1]
    return new_id()


@contextmanager
def entered(context: Context) -> Generator[Context]:
    """Give all log lines of the block this context."""
    token = CURRENT.set(context)
    try:
        yield context
    finally:
        CURRENT.reset(token)
