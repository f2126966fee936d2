"""The status of a network as an operator reads it."""

from dataclasses import replace

from haris.nouns.alarms import AlarmKind, Severity, Standing
from haris.report.network_status import alarm_line, network_text
from haris.wire.status import NetworkStatus, PassStatus, PoolStatus, SiteReport, SiteStatus, SpanStatus

S = 10**9
NOW = 1_000_000 * S
ALARM = Standing(7, AlarmKind.POOL_LOW, "pool exchange", Severity.MAJOR, "the pool is dry", NOW - 90 * S, NOW, count=4)


def bank(**more):
    return SiteStatus("bank", "0.1.0", True, NOW, NOW - 7200 * S, **more)


def shown(*reports, now_ns=NOW):
    return network_text(NetworkStatus("bank", now_ns, reports)).splitlines()


def test_a_site_with_all_it_has():
    span = SpanStatus("east", "relay", True, NOW - 60 * S, 12, 2, "qber: x", 0.0123, 12_345.0)
    full = PoolStatus("relay", 400, 112, 1024, 3600.0, 3.25)
    dry = PoolStatus("exchange", 0, 0, 1024, None, -2.0, 0.0, 0.0)
    assert shown(SiteReport("bank", bank(spans=(span,), pools=(full, dry), alarms=(ALARM,)))) == [
        "the network as bank sees it at 1970-01-12T13:46:40Z: 1 sites, 0 away, 1 alarms",
        "",
        "bank  up 2 h, haris 0.1.0, laboratory",
        "  span  east             to relay        up 1 min, QBER 1.23 %, 12.3 kbit/s, 12 blocks, 2 aborted",
        "  pool  relay            [##########..........] 512 of 1024, 112 leased, +3.25 keys/s, oldest 1 h",
        "  pool  exchange         [....................] 0 of 1024, -2 keys/s, DRY",
        "  alarm 7    major    pool exchange: the pool is dry [pool-low, 1 min 30 s, 4 times]",
    ]


def test_a_span_through_space_tells_its_next_pass_and_its_pool_the_pad_that_is_left():
    coming = PassStatus(NOW + 600 * S, NOW + 900 * S, 48.2, 175_017, 600.0)
    span = SpanStatus("up", "satellite", True, NOW, next_pass=coming)
    pool = PoolStatus("exchange", 100, 0, 200, net_per_s=-1.0, dry_s=300.0, pad_keys=200, next_pass_s=900.0, pending=48)
    lines = shown(SiteReport("bank", bank(spans=(span,), pools=(pool,))))
    assert lines[4].strip() == (
        "next pass in 10 min: 1970-01-12T13:56:40Z to 1970-01-12T14:01:40Z, up to 48 deg, 175,017 bits expected"
    )
    assert (
        "100 of 200, -1 keys/s, 48 on their way, pad for 200 more, dry in 5 min, next pass over in 15 min" in lines[5]
    )


def test_a_pool_tells_when_it_is_dry():
    pool = PoolStatus("exchange", 100, 0, 100, 5.0, -1.0, 100.0, 80.0)
    line = shown(SiteReport("bank", bank(pools=(pool,))))[-1]
    assert "[####################] 100 of 100, -1 keys/s, dry in 1 min 40 s (1 min 20 s at the earliest)" in line


def test_a_site_that_is_away_is_shown_with_its_last_word():
    away = SiteReport("exchange", bank(pools=(PoolStatus("bank", 1, 0, 2),)), NOW - 30 * S, "time-out")
    never = SiteReport("far", None, NOW - 30 * S, "refused")
    old = SiteReport("old", None, None, "no verb 'status'")
    lines = shown(SiteReport("bank", bank()), away, never, old, now_ns=NOW + 60 * S)
    assert "4 sites, 2 away" in lines[0]
    assert lines[4:8] == [
        "exchange  UNREACHABLE since 1970-01-12T13:46:10Z: time-out",
        "  its last word, 1 min ago:",
        "  pool  bank             [##########..........] 1 of 2, +0 keys/s",
        "",
    ]
    assert "far  UNREACHABLE since 1970-01-12T13:46:10Z: refused" in lines
    assert lines[-1] == "old  tells nothing: no verb 'status'"


def test_a_satellite_below_the_horizon_is_shown_with_its_last_word_and_does_not_shout() -> None:
    below = SiteReport("satellite", bank(), None, "satellite is out of contact until 12:00")
    span = SpanStatus("up", "satellite", False, NOW - 60 * S, out_of_contact=True)
    lines = shown(SiteReport("bank", bank(spans=(span,))), below, now_ns=NOW + 60 * S)
    assert "2 sites, 0 away" in lines[0]
    assert "to satellite    out of contact 1 min, 0 bit/s" in lines[3]
    assert lines[5:7] == ["satellite  satellite is out of contact until 12:00", "  its last word, 1 min ago:"]


def test_an_alarm_that_is_over():
    line = alarm_line(replace(ALARM, cleared_ns=NOW, flapping=True, acknowledged_by="ops"), NOW + S)
    assert line == (
        "alarm 7    major    pool exchange: the pool is dry "
        "[pool-low, 1 min 30 s, over at 1970-01-12T13:46:40Z, 4 times, comes and goes] (acknowledged by ops)"
    )


def test_an_alarm_forges_no_other_line():
    assert alarm_line(replace(ALARM, text="dry\n\x1b[2Jalarm 8 critical"), NOW).isprintable()
