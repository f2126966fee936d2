"""The status of a network as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from haris.nouns.alarms import Standing
from haris.nouns.lines import one_line
from haris.nouns.times import NS_PER_S, write_duration, write_time
from haris.wire.status import NetworkStatus, PassStatus, PoolStatus, SiteReport, SiteStatus, SpanStatus

BAR = 20


def network_text(network: NetworkStatus) -> str:
    """Every site with its spans, pools and alarms, as one of them sees it."""
    n_away = sum(report.unreachable_since_ns is not None for report in network.sites)
    n_alarms = sum(len(report.status.alarms) for report in network.sites if report.status)
    head = f"the network as {network.asked} sees it at {_clock(network.time_ns)}: {len(network.sites)} sites"
    lines = [f"{head}, {n_away} away, {n_alarms} alarms"]
    for report in network.sites:
        lines += ["", *_site(report, network.time_ns)]
    return "\n".join(lines)


def alarm_line(alarm: Standing, now_ns: int) -> str:
    """One alarm on one line."""
    since = write_duration((now_ns - alarm.raised_ns) / NS_PER_S)
    times = f", {alarm.count} times" if alarm.count > 1 else ""
    flaps = ", comes and goes" if alarm.flapping else ""
    seen = f" (acknowledged by {alarm.acknowledged_by})" if alarm.acknowledged_by else ""
    if alarm.cleared_ns is not None:
        since = f"{write_duration((alarm.cleared_ns - alarm.raised_ns) / NS_PER_S)}, over at {_clock(alarm.cleared_ns)}"
    more = f"[{alarm.kind}, {since}{times}{flaps}]{seen}"
    return one_line(f"alarm {alarm.id:<4} {alarm.severity:<8} {alarm.source}: {alarm.text} {more}")


def _site(report: SiteReport, now_ns: int) -> Iterator[str]:
    status, away_ns = report.status, report.unreachable_since_ns
    if away_ns is not None:
        yield f"{report.site}  UNREACHABLE since {_clock(away_ns)}: {one_line(report.problem)}"
    elif status is None:
        yield f"{report.site}  tells nothing: {one_line(report.problem)}"
    elif report.problem:
        yield f"{report.site}  {one_line(report.problem)}"
    if status is not None:
        here = away_ns is None and not report.problem
        if not here:
            yield f"  its last word, {write_duration((now_ns - status.time_ns) / NS_PER_S)} ago:"
        yield from _told(status, here)


def _told(status: SiteStatus, here: bool) -> Iterator[str]:
    now_ns = status.time_ns
    if here:
        laboratory = ", laboratory" if status.laboratory else ""
        up = write_duration((now_ns - status.started_ns) / NS_PER_S)
        yield f"{status.site}  up {up}, haris {status.version}{laboratory}"
    for span in status.spans:
        yield f"  {_span(span, now_ns)}"
        if span.next_pass is not None:
            yield f"        {_pass(span.next_pass)}"
    for pool in status.pools:
        yield f"  {_pool(pool)}"
    for alarm in status.alarms:
        yield f"  {alarm_line(alarm, now_ns)}"


def _span(span: SpanStatus, now_ns: int) -> str:
    state = "up" if span.up else "out of contact" if span.out_of_contact else "DOWN"
    since = f" {write_duration((now_ns - span.since_ns) / NS_PER_S)}" if span.since_ns else ""
    qber = "" if span.qber is None else f", QBER {100 * span.qber:.2f} %"
    aborted = f", {span.aborted} aborted" if span.aborted else ""
    blocks = f"{span.blocks} blocks{aborted}"
    return f"span  {span.name:<16} to {span.peer:<12} {state}{since}{qber}, {_bits(span.secret_bits_per_s)}, {blocks}"


def _pass(coming: PassStatus) -> str:
    when = f"in {write_duration(coming.in_s)}" if coming.in_s else "now"
    height = f"up to {coming.max_elevation_deg:.0f} deg, {coming.secret_bits:,} bits expected"
    return f"next pass {when}: {_clock(coming.rise_ns)} to {_clock(coming.set_ns)}, {height}"


def _pool(pool: PoolStatus) -> str:
    full = round(BAR * min(1.0, pool.n_keys / max(pool.target, 1)))
    leased = f", {pool.leased} leased" if pool.leased else ""
    oldest = "" if pool.oldest_s is None else f", oldest {write_duration(pool.oldest_s)}"
    level = f"{pool.n_keys} of {pool.target}{leased}, {pool.net_per_s:+.3g} keys/s"
    coming = f", {pool.pending} on their way" if pool.pending else ""
    pads = f", pad for {pool.pad_keys} more" if pool.pad_keys else ""
    more = "" if pool.next_pass_s is None else f", next pass over in {write_duration(pool.next_pass_s)}"
    return f"pool  {pool.peer:<16} [{'#' * full:.<{BAR}}] {level}{coming}{pads}{_dry(pool)}{more}{oldest}"


def _dry(pool: PoolStatus) -> str:
    if pool.dry_s is None:
        return ""
    if pool.n_keys == 0:
        return ", DRY"
    earliest = "" if pool.earliest_dry_s is None else f" ({write_duration(pool.earliest_dry_s)} at the earliest)"
    return f", dry in {write_duration(pool.dry_s)}{earliest}"


def _bits(per_s: float) -> str:
    for size, unit in ((1e6, "Mbit/s"), (1e3, "kbit/s")):
        if per_s >= size:
            return f"{per_s / size:.3g} {unit}"
    return f"{per_s:.3g} bit/s"


def _clock(time_ns: int) -> str:
    return f"{write_time(time_ns)[:19]}Z"
