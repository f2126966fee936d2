"""Traces of requests (OpenTelemetry), carried between key managers by the header `traceparent` (W3C Trace Context).

Without a [traces] table none of this is made, and a request costs nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode, Tracer, TracerProvider, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from haris.node.configuration.operation import TracesTable
from haris.nouns.errors import ParameterError

_PROPAGATOR = TraceContextTextMapPropagator()


class Traced:
    """One request's span, within the task that answers it: the context ends with the task."""

    def __init__(self, tracer: Tracer, name: str, remote: Context, attributes: Mapping[str, AttributeValue]) -> None:
        self._span = tracer.start_span(name, remote, SpanKind.SERVER, dict(attributes))
        context.attach(set_span_in_context(self._span, remote))

    def end(self, status: int, reason: str) -> None:
        """Answered. reason: why it was refused, in a word; empty when it was not."""
        self._span.set_attribute("http.response.status_code", status)
        if reason:
            self._span.set_status(StatusCode.ERROR, reason)
        self._span.end()


class Traces:
    """Makes the spans of one site. provider: of the SDK, or of a test."""

    def __init__(self, provider: TracerProvider, site: str) -> None:
        self._provider, self._site = provider, site
        self._tracer = provider.get_tracer("haris")

    def begin(self, name: str, headers: Mapping[str, str], attributes: Mapping[str, AttributeValue]) -> Traced:
        """A request begins; it continues the trace that its headers name, if they name one."""
        remote = _PROPAGATOR.extract(headers, Context())
        return Traced(self._tracer, name, remote, {"haris.site": self._site, **attributes})

    @staticmethod
    def headers() -> dict[str, str]:
        """What a request to another key manager bears, so that it is part of this trace."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier

    def close(self) -> None:
        """Send what is left."""
        shutdown = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            shutdown()


def open_traces(table: TracesTable, site: str) -> Traces:
    """Traces that go out as the table says. ParameterError when the SDK is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider as SdkProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError:
        raise ParameterError("[traces] needs the OpenTelemetry SDK: install haris[traces]") from None
    resource = Resource.create({"service.name": "haris", "service.instance.id": site})
    provider = SdkProvider(sampler=ParentBased(TraceIdRatioBased(table.ratio)), resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(table.endpoint)))
    return Traces(provider, site)
