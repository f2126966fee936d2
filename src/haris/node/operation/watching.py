"""What a site knows of itself for its operators: spans, pools, and when they run dry."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from haris.keys.rationing import lasts
from haris.manage.depletion import Forecast, Meter, Rate, forecast, rate
from haris.node.events import BlockEvent, Event, SiteEvent
from haris.node.operation.outlook import Stock
from haris.node.store.levels import PoolLevel
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.times import NS_PER_S, write_duration
from haris.wire.status import PassStatus, PoolStatus, SpanStatus

DEPLETION_ALARM_S = 3600.0
RATE_WINDOW_S = 300.0


@dataclass(slots=True)
class SpanWatch:
    """One span, from its events. blocks, aborted: counted; secret_bits: of the newest blocks with their times."""

    name: str
    peer: str
    up: bool = False
    since_ns: int = 0
    blocks: int = 0
    aborted: dict[str, int] = field(default_factory=dict)
    last_abort: str = ""
    qber: float | None = None
    secret_bits: int = 0
    leaked_bits: int = 0
    out_of_contact: bool = False
    _recent: deque[tuple[int, int]] = field(default_factory=deque)

    def hear(self, event: Event, now_ns: int) -> None:
        """An event that may be about this span."""
        if isinstance(event, SiteEvent) and event.detail.partition(":")[0] == self.name:
            self._connection(event.what, now_ns)
        elif isinstance(event, BlockEvent) and event.span == self.name:
            self._block(event, now_ns)

    def status(self, now_ns: int, next_pass: PassStatus | None = None) -> SpanStatus:
        """The span as operators see it. next_pass: of a span through space."""
        self._forget(now_ns)
        begun_ns = self._recent[0][0] if self._recent else now_ns
        whole_s = (now_ns - begun_ns) / NS_PER_S
        rate_per_s = sum(bits for _, bits in list(self._recent)[1:]) / whole_s if whole_s > 0 else 0.0
        return SpanStatus(
            self.name,
            self.peer,
            self.up,
            self.since_ns,
            self.blocks,
            sum(self.aborted.values()),
            self.last_abort,
            self.qber,
            rate_per_s,
            next_pass,
            self.out_of_contact,
        )

    def _connection(self, what: str, now_ns: int) -> None:
        self.out_of_contact = what == "span out of contact"
        up = {"span connected": True, "span lost": False, "span out of contact": False}.get(what)
        if up is not None and up != self.up:
            self.up, self.since_ns = up, now_ns

    def _block(self, event: BlockEvent, now_ns: int) -> None:
        self.blocks += 1
        if event.aborted is not None:
            self.aborted[event.aborted] = self.aborted.get(event.aborted, 0) + 1
            self.last_abort = f"{event.aborted}: {event.detail}"
        qber = event.qber_test if event.qber_key is None else event.qber_key
        self.qber = self.qber if qber is None else qber
        self.secret_bits += event.secret_bits
        self.leaked_bits += event.leaked_bits
        self._recent.append((now_ns, event.secret_bits))
        self._forget(now_ns)

    def _forget(self, now_ns: int) -> None:
        while self._recent and now_ns - self._recent[0][0] > RATE_WINDOW_S * NS_PER_S:
            self._recent.popleft()


@dataclass(slots=True)
class PoolWatch:
    """One pool, looked at again and again. What came and went between two looks shows only by its difference."""

    peer: str
    target: int
    level: PoolLevel | None = None
    net: Rate = field(default_factory=lambda: rate(()))
    dry: Forecast = field(default_factory=lambda: Forecast(None, None, None))
    alarmed: bool = False
    stock: Stock | None = None
    _meter: Meter = field(default_factory=lambda: Meter(RATE_WINDOW_S))
    _n_keys: int | None = None
    _came: int = 0
    _went: int = 0

    def look(self, level: PoolLevel, now_ns: int, file: Callable[[Alarm], None], stock: Stock | None = None) -> None:
        """The level now. file: told whether the pool will be dry within the hour, when that is sure enough.

        stock: of a pool that passes fill: then it is told whether that lasts until more surely comes.
        """
        before, coming = self._n_keys, 0 if stock is None else level.pending + stock.pad_keys
        n_keys = level.ready + level.leased + coming
        change = 0 if before is None else n_keys - before
        self._came, self._went = self._came + max(change, 0), self._went + max(-change, 0)
        self.level, self.stock, self._n_keys = level, stock, n_keys
        self._meter.look(now_ns, self._came, self._went)
        self.net = rate(self._meter.steps())
        self.dry = forecast(n_keys, self.net)
        self._alarm(file)

    def status(self, now_ns: int) -> PoolStatus | None:
        """The pool as operators see it; None before the first look."""
        level = self.level
        if level is None:
            return None
        oldest_s = None if level.oldest_ns is None else max(0.0, (now_ns - level.oldest_ns) / NS_PER_S)
        return PoolStatus(
            self.peer,
            level.ready,
            level.leased,
            self.target,
            oldest_s,
            self.net.per_s,
            self.dry.expected_s,
            self.dry.earliest_s,
            0 if self.stock is None else self.stock.pad_keys,
            None if self.stock is None else self.stock.next_s,
            level.pending,
        )

    def _alarm(self, file: Callable[[Alarm], None]) -> None:
        expected, latest = self.dry.expected_s, self.dry.latest_s
        dry = self.level is not None and self.level.ready == 0  # it has come true: the alarm of low pools says so
        soon = not dry and expected is not None and expected < DEPLETION_ALARM_S and latest is not None
        later = expected is None or expected > 2 * DEPLETION_ALARM_S
        until_s = None if self.stock is None else self.stock.until_s
        if until_s is not None:
            shrinks = expected is not None and latest is not None
            soon = not dry and shrinks and not lasts(self._n_keys or 0, -self.net.per_s, until_s)
            later = not shrinks or lasts(self._n_keys or 0, -self.net.per_s, 1.1 * until_s)
        self.alarmed = soon or (self.alarmed and not later and not dry)
        text = "" if expected is None else f"dry in {write_duration(expected)} at {self.net.per_s:.3g} keys/s"
        text += "" if until_s is None else f"; more comes for sure in {write_duration(until_s)}"
        file(Alarm(Severity.MAJOR, f"pool {self.peer}", text, AlarmKind.POOL_DEPLETES, self.alarmed))
