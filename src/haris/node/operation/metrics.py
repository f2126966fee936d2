"""The metrics of one site in the text format of Prometheus. Neither key_IDs nor secrets are ever among them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from haris.node.operation.watching import SpanWatch
from haris.node.tally import BOUNDS_S, Durations, Tally
from haris.nouns.alarms import Severity
from haris.nouns.times import NS_PER_S
from haris.wire.status import SiteStatus


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its kind, what it says, and the names of its labels."""

    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


FAMILIES: dict[str, Family] = {
    "haris_info": Family("gauge", "Always 1; the labels say what runs.", ("site", "version")),
    "haris_start_time_seconds": Family("gauge", "When the node started, seconds since 1970."),
    "haris_pool_keys": Family(
        "gauge",
        "Keys of 256 bits that can be given for slaves at peer; state: ready, or leased to a pair.",
        ("peer", "state"),
    ),
    "haris_pool_pending_keys": Family(
        "gauge", "Keys in doubt, such as those of relays that are on their way over a satellite.", ("peer",)
    ),
    "haris_pool_target_keys": Family("gauge", "Keys that the pool is to hold.", ("peer",)),
    "haris_pool_oldest_key_age_seconds": Family("gauge", "Age of the oldest key in the pool.", ("peer",)),
    "haris_pool_net_keys_per_second": Family("gauge", "How fast the pool grows; negative: it shrinks.", ("peer",)),
    "haris_pool_depletion_seconds": Family(
        "gauge",
        "Seconds until the pool is dry, +Inf for never; bound: expected, or earliest (two standard errors).",
        ("peer", "bound"),
    ),
    "haris_span_up": Family("gauge", "1 while the span's classical channel is connected.", ("span",)),
    "haris_span_blocks_total": Family(
        "counter", "Blocks that ended; outcome: good, or why they were aborted.", ("span", "outcome")
    ),
    "haris_span_secret_bits_total": Family("counter", "Secret bits that the span has made.", ("span",)),
    "haris_span_leaked_bits_total": Family("counter", "Bits disclosed by reconciliation.", ("span",)),
    "haris_span_qber_ratio": Family("gauge", "Error rate of the newest block that tells one.", ("span",)),
    "haris_span_next_pass_seconds": Family(
        "gauge", "Seconds until the next pass that gives key rises; 0: it lasts.", ("span",)
    ),
    "haris_span_next_pass_bits": Family("gauge", "Secret bits that this pass is expected to give.", ("span",)),
    "haris_relay_keys_total": Family("counter", "Keys sent by relay towards peer, or a share of them.", ("peer",)),
    "haris_relay_pad_octets_total": Family("counter", "Octets of one-time pad that relays used.", ("ledger",)),
    "haris_relay_held_messages": Family(
        "gauge", "Messages of relays, sealed under pad of a ledger, that wait for a site out of contact.", ("ledger",)
    ),
    "haris_deliveries_total": Family("counter", "Answers that gave keys.", ("method", "sae", "peer")),
    "haris_delivered_keys_total": Family("counter", "Keys that were given.", ("method", "sae", "peer")),
    "haris_denials_total": Family("counter", "Requests for keys that were refused.", ("interface", "method", "reason")),
    "haris_request_duration_seconds": Family(
        "histogram", "From a whole request to its answer; status: of HTTP.", ("face", "method", "status")
    ),
    "haris_store_commit_duration_seconds": Family("histogram", "Commits of the store, fsync included."),
    "haris_store_octets": Family("gauge", "Size of the store's files."),
    "haris_audit_entries": Family("gauge", "Number of the newest entry of each chain of the audit log.", ("writer",)),
    "haris_alarms": Family("gauge", "Alarms that stand; acknowledged: true or false.", ("severity", "acknowledged")),
    "haris_alarm_messages_sent_total": Family("counter", "Messages handed to a receiver.", ("receiver",)),
    "haris_alarm_messages_lost_total": Family(
        "counter", "Messages that a receiver did not take in time.", ("receiver",)
    ),
    "haris_certificate_expiry_time_seconds": Family(
        "gauge", "When a certificate expires, seconds since 1970.", ("certificate",)
    ),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """All that the metrics are made of, at one moment.

    relayed: keys by peer. pad: octets by ledger. audit: newest number by writer. boxes: (sent, lost) by receiver.
    expiry_s: by certificate. carried: messages by ledger.
    """

    status: SiteStatus
    spans: Iterable[SpanWatch]
    tally: Tally
    commits: Durations
    relayed: Mapping[str, int]
    pad: Mapping[str, int]
    store_octets: int
    audit: Mapping[str, int]
    boxes: Mapping[str, tuple[int, int]]
    expiry_s: Mapping[str, float]
    carried: Mapping[str, int]


class Measure(Protocol):
    """Whoever can say how things stand."""

    def __call__(self) -> Measured:
        """Now."""


class Metrics(Collector):
    """What Prometheus reads."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """The whole page."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing is measured when this is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every family, also one without samples."""
        families = _samples(self._measure())
        for name, family in FAMILIES.items():
            yield _metric(name, family, families.get(name, []))


Samples = dict[str, list[tuple[tuple[str, ...], Any]]]


def _samples(now: Measured) -> Samples:
    status = now.status
    found: Samples = {
        "haris_info": [((status.site, status.version), 1)],
        "haris_start_time_seconds": [((), status.started_ns / NS_PER_S)],
        "haris_store_octets": [((), now.store_octets)],
        "haris_store_commit_duration_seconds": [((), now.commits)],
        "haris_audit_entries": [((writer,), number) for writer, number in now.audit.items()],
        "haris_relay_keys_total": [((peer,), n) for peer, n in now.relayed.items()],
        "haris_relay_held_messages": [((ledger,), n) for ledger, n in now.carried.items()],
        "haris_relay_pad_octets_total": [((ledger,), n) for ledger, n in now.pad.items()],
        "haris_alarm_messages_sent_total": [((name,), sent) for name, (sent, _) in now.boxes.items()],
        "haris_alarm_messages_lost_total": [((name,), lost) for name, (_, lost) in now.boxes.items()],
        "haris_certificate_expiry_time_seconds": [((name,), at) for name, at in now.expiry_s.items()],
        "haris_alarms": [
            ((severity, str(acknowledged).lower()), _count_alarms(status, severity, acknowledged))
            for severity in Severity
            for acknowledged in (False, True)
        ],
    }
    passes = [(span.name, span.next_pass) for span in status.spans if span.next_pass is not None]
    found["haris_span_next_pass_seconds"] = [((name,), each.in_s) for name, each in passes]
    found["haris_span_next_pass_bits"] = [((name,), each.secret_bits) for name, each in passes]
    return found | _pool_samples(status) | _span_samples(now.spans) | _tally_samples(now.tally)


def _pool_samples(status: SiteStatus) -> Samples:
    pools = status.pools
    return {
        "haris_pool_keys": [
            ((pool.peer, state), n) for pool in pools for state, n in (("ready", pool.ready), ("leased", pool.leased))
        ],
        "haris_pool_target_keys": [((pool.peer,), pool.target) for pool in pools],
        "haris_pool_pending_keys": [((pool.peer,), pool.pending) for pool in pools],
        "haris_pool_oldest_key_age_seconds": [
            ((pool.peer,), pool.oldest_s) for pool in pools if pool.oldest_s is not None
        ],
        "haris_pool_net_keys_per_second": [((pool.peer,), pool.net_per_s) for pool in pools],
        "haris_pool_depletion_seconds": [
            ((pool.peer, bound), math.inf if seconds is None else seconds)
            for pool in pools
            for bound, seconds in (("expected", pool.dry_s), ("earliest", pool.earliest_dry_s))
        ],
    }


def _span_samples(spans: Iterable[SpanWatch]) -> Samples:
    spans = tuple(spans)
    return {
        "haris_span_up": [((span.name,), int(span.up)) for span in spans],
        "haris_span_blocks_total": [
            ((span.name, outcome), n)
            for span in spans
            for outcome, n in {"good": span.blocks - sum(span.aborted.values()), **span.aborted}.items()
        ],
        "haris_span_secret_bits_total": [((span.name,), span.secret_bits) for span in spans],
        "haris_span_leaked_bits_total": [((span.name,), span.leaked_bits) for span in spans],
        "haris_span_qber_ratio": [((span.name,), span.qber) for span in spans if span.qber is not None],
    }


def _tally_samples(tally: Tally) -> Samples:
    return {
        "haris_deliveries_total": [*tally.delivered.items()],
        "haris_delivered_keys_total": [*tally.delivered_keys.items()],
        "haris_denials_total": [*tally.denials.items()],
        "haris_request_duration_seconds": [
            ((face, method, str(status)), durations) for (face, method, status), durations in tally.durations.items()
        ],
    }


def _count_alarms(status: SiteStatus, severity: Severity, acknowledged: bool) -> int:
    return sum(each.severity is severity and bool(each.acknowledged_by) == acknowledged for each in status.alarms)


def _metric(name: str, family: Family, samples: list[tuple[tuple[str, ...], Any]]) -> Metric:
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(name, family.help, labels=family.labels)
        for labels, durations in samples:
            histogram.add_metric(labels, _buckets(durations), durations.seconds)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(name, family.help, labels=family.labels)
    for labels, value in samples:
        metric.add_metric(labels, value)
    return metric


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    """Prometheus counts up: each class holds those below it."""
    below, found = 0, []
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), durations.counts, strict=True):
        below += count
        found.append((bound, float(below)))
    return found
