"""A delivery that goes by an assignment is one trace over both key managers; without traces nothing is imported."""

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from kme_lab import Lab
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from haris.node.configuration.operation import TracesTable
from haris.node.supply.request_watch import RequestWatch
from haris.node.supply.traces import Traces, open_traces
from haris.node.tally import Tally
from haris.nouns.errors import ParameterError

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"  # the example of W3C Trace Context, 3.2.4


class TracedLab(Lab):
    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.spans, self.tally, self.denials = InMemorySpanExporter(), Tally(), []
        self.traces = {}

    def watch(self, site):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self.traces[site] = Traces(provider, site)
        traces = self.traces[site]

        def note(*words):
            self.denials.append(words)

        return lambda face: RequestWatch(face, self.tally, traces, note if face == "applications" else None)

    async def start(self, site, laboratory=False):
        started = await super().start(site, laboratory)
        started.kme.peers.trace_headers = self.traces[site].headers
        return started

    def named(self, name):
        return [span for span in self.spans.get_finished_spans() if span.name == name]


@pytest.fixture
async def lab(tmp_path) -> AsyncIterator[TracedLab]:
    lab = TracedLab(tmp_path)
    for site in ("bank", "exchange"):
        await lab.start(site)
    yield lab
    await lab.close()


async def test_one_trace_over_both_key_managers(lab):
    lab.seed("bank", "exchange", 8)
    headers = {"traceparent": PARENT}
    answer = await lab.ask("alice", "bob/enc_keys", {"number": 2, "size": 512}, headers=headers)
    assert answer.status == 200
    (given,), (assigned,) = lab.named("enc_keys"), lab.named("assign")
    assert f"{given.context.trace_id:032x}" == f"{assigned.context.trace_id:032x}" == PARENT[3:35]
    assert f"{given.parent.span_id:016x}" == PARENT[36:52]
    assert assigned.parent.span_id == given.context.span_id
    assert (given.kind, given.attributes["haris.site"]) == (SpanKind.SERVER, "bank")
    assert (assigned.attributes["haris.site"], assigned.attributes["haris.face"]) == ("exchange", "peers")
    assert given.attributes["http.response.status_code"] == 200


async def test_requests_of_their_own_are_traces_of_their_own(lab):
    for _ in range(2):
        await lab.ask("alice", "bob/status")
    first, second = lab.named("status")
    assert first.context.trace_id != second.context.trace_id
    assert first.parent is None


async def test_a_refusal_is_seen_in_the_trace_and_noted(lab):
    answer = await lab.ask("alice", "bob/enc_keys", {"number": 2, "size": 512})
    assert answer.status == 503
    (span,) = lab.named("enc_keys")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "unavailable")
    ((interface, method, caller, peer, _),) = lab.denials
    assert (interface, method, caller, peer) == ("014", "enc_keys", "alice", "bob")
    assert sum(lab.tally.durations["applications", "enc_keys", 503].counts) == 1


async def test_no_name_of_a_strangers_making_is_counted(lab):
    await lab.ask("alice", "bob/some-other-path")
    assert set(lab.tally.durations) == {("applications", "other", 404)}


async def test_neither_keys_nor_key_ids_are_in_a_trace(lab):
    lab.seed("bank", "exchange", 8)
    answer = await lab.ask("alice", "bob/enc_keys", {"number": 1})
    (key,) = answer.items["keys"]
    await lab.ask("bob", f"alice/dec_keys?key_ID={key['key_ID']}")
    told = "".join(span.to_json() for span in lab.spans.get_finished_spans())
    assert "dec_keys" in told
    assert key["key_ID"] not in told
    assert key["key"] not in told


def test_a_node_without_traces_does_not_load_them():
    code = "import sys, haris.node.site; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_missing_sdk_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ParameterError, match="haris\\[traces\\]"):
        open_traces(TracesTable("http://127.0.0.1:4318/v1/traces"), "bank")


@pytest.mark.parametrize("wrong", [{"endpoint": "127.0.0.1:4318"}, {"endpoint": "http://x", "ratio": 1.5}])
def test_a_table_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ParameterError):
        TracesTable(**wrong)
