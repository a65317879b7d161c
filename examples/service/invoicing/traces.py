"""Traces by OTLP to the collector of the same task.

Spans are exported by a thread of their own from a bounded queue, so that a missing collector costs
a request nothing (OpenTelemetry, "Batching processor").
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from threading import Thread

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from invoicing.context import CURRENT
from invoicing.logs import SERVICE

EXPORT_SECONDS = 2
STOP_SECONDS = 3


class Traces:
    """Creates spans and sends them."""

    def __init__(self, url: str, stage: str) -> None:
        resource = Resource({"service.name": SERVICE, "deployment.environment.name": stage})
        self._provider = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_ON))
        exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        self._tracer = self._provider.get_tracer("invoicing")

    @contextmanager
    def request(self, headers: Mapping[str, str], method: str) -> Generator[Span]:
        """A span for a request, below the caller's; it gets the route's name at the end."""
        parent = propagate.extract(headers)
        attributes = {"http.request.method": method}
        with self._tracer.start_as_current_span(
            method,
            parent,
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    @contextmanager
    def call(self, system: str, name: str, attributes: Mapping[str, str]) -> Generator[Span]:
        """A client span for a call to `database`, `arca` or another system.

        An exception marks it as failed by its class; its text may hold a value.
        """
        context = CURRENT.get()
        found = {"correlation_id": context.correlation_id} if context else {}
        with self._tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT,
            attributes={"peer.service": system, **attributes, **found},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def close(self) -> None:
        """Send what waits, for at most three seconds."""
        thread = Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(STOP_SECONDS)


def propagated() -> dict[str, str]:
    """Return the headers that carry the current trace to another system."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def trace_id(span: Span) -> str:
    """Return a span's trace id as W3C writes it."""
    return trace.format_trace_id(span.get_span_context().trace_id)
