"""What a site knows of itself, from its events: spans, pools, alarms, refusals, and what Prometheus reads of them."""

import math
import os

import pytest
from prometheus_client.parser import text_string_to_metric_families

from haris.manage.alarms import What
from haris.node.events import AlarmEvent, BlockEvent, PoolEvent, SiteEvent
from haris.node.operation import denials
from haris.node.operation.alarming import Alarming
from haris.node.operation.denials import Denials
from haris.node.operation.metrics import FAMILIES, Measured, Metrics
from haris.node.operation.network_watch import NetworkWatch
from haris.node.operation.watching import PoolWatch, SpanWatch
from haris.node.store.levels import PoolLevel
from haris.node.store.store import open_store
from haris.node.tally import BOUNDS_S, Durations, Tally
from haris.nouns.alarms import AlarmKind, Severity, Standing
from haris.nouns.errors import KeyUnavailable, OutOfContact, ParameterError, PeerError, Unauthorised
from haris.wire.status import PassStatus, SiteStatus, read_network_status, write_status

S = 10**9


def block(number, aborted=None, secret_bits=1000):
    return BlockEvent("bank", "east", number, aborted, "too dark", 0.01, 0.02, 4000, secret_bits, 500, 1.0, 1.0)


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "store", bytes(32), os.urandom)
    yield opened
    opened.close()


class Clock:
    def __init__(self):
        self.now_ns = 10**18

    def __call__(self):
        return self.now_ns


@pytest.fixture
def alarming(store):
    clock, told = Clock(), []
    site = Alarming("bank", store, told.append, clock)
    site.told, site.clock = told, clock
    return site


def later(site, seconds):
    site.clock.now_ns += int(seconds * S)
    site._changed(site._book.tick(site.clock.now_ns))


def test_a_span_that_comes_back_soon_is_no_alarm(alarming):
    alarming.hear(SiteEvent("bank", "span lost", "east: the peer is gone"))
    later(alarming, 20)
    alarming.hear(SiteEvent("bank", "span connected", "east"))
    later(alarming, 100)
    assert alarming.told == []


def test_a_span_that_stays_away_is_one_until_it_is_back(alarming):
    alarming.hear(SiteEvent("bank", "span lost", "east: the peer is gone"))
    later(alarming, 31)
    (alarm,) = alarming.standing()
    assert (alarm.kind, alarm.source, alarm.text) == (AlarmKind.SPAN_DOWN, "east", "the peer is gone")
    alarming.hear(SiteEvent("bank", "span connected", "east"))
    later(alarming, 11)
    assert [change.what for change in alarming.told] == [What.RAISED, What.CLEARED]


@pytest.mark.parametrize("kind", [AlarmKind.QBER, AlarmKind.TAMPERED, AlarmKind.PAD_LOW, AlarmKind.LIGHT_DARK])
def test_a_good_block_ends_what_stood_against_its_span(alarming, kind):
    for span in ("east", "west"):
        alarming.hear(AlarmEvent("bank", "major", span, "text", kind))
    later(alarming, 3)
    assert len(alarming.standing()) == 2
    alarming.hear(block(1, aborted="qber"))
    later(alarming, 20)
    assert len(alarming.standing()) == 2
    alarming.hear(block(2))
    later(alarming, 20)
    assert [alarm.source for alarm in alarming.standing()] == ["west"]


def test_a_pool_is_low_below_a_quarter_and_until_half(alarming):
    for ready, stands in ((24, True), (40, True), (0, True), (49, True), (50, False), (30, False)):
        alarming.hear(PoolEvent("bank", "exchange", ready, 100))
        later(alarming, 15)
        assert bool(alarming.standing()) is stands, ready
        if ready == 0:
            assert alarming.standing()[0].severity is Severity.MAJOR
    assert [change.what for change in alarming.told] == [What.RAISED, What.WORSENED, What.CLEARED]


async def test_alarms_survive_a_restart_and_acknowledgements_are_audited(alarming, store):
    alarming.hear(AlarmEvent("bank", "major", "east", "text", AlarmKind.QBER))
    (alarm,) = alarming.standing()
    await alarming.acknowledge(alarm.id, "ops")
    again = Alarming("bank", store, lambda change: None, Clock())
    assert again.standing() == alarming.standing()
    assert again.standing()[0].acknowledged_by == "ops"
    assert store.audit_heads()[0].number == 1


def test_a_span_is_watched():
    watch = SpanWatch("east", "exchange")
    assert watch.status(0).up is False
    watch.hear(SiteEvent("bank", "span connected", "east"), 5 * S)
    watch.hear(SiteEvent("bank", "span connected", "eastern"), 6 * S)
    watch.hear(SiteEvent("bank", "span lost", "west: gone"), 7 * S)
    for second in range(10, 110, 10):
        watch.hear(block(second), second * S)
    watch.hear(block(111, aborted="qber", secret_bits=0), 110 * S)
    status = watch.status(110 * S)
    assert (status.up, status.since_ns, status.blocks, status.aborted) == (True, 5 * S, 11, 1)
    assert status.last_abort == "qber: too dark"
    assert status.secret_bits_per_s == pytest.approx(9 * 1000 / 100)  # those after the first, from it on
    watch.hear(SiteEvent("bank", "span lost", "east: gone"), 120 * S)
    assert (watch.status(120 * S).up, watch.status(120 * S).since_ns) == (False, 120 * S)
    assert watch.status(1000 * S).secret_bits_per_s == 0.0


def test_a_pool_that_runs_dry_is_an_alarm_until_it_does_not():
    watch, filed = PoolWatch("exchange", 10_000), []
    for second in range(0, 100, 5):
        level = PoolLevel("exchange", 9000 - 10 * second, 500, 0)
        watch.look(level, second * S, filed.append)
    status = watch.status(95 * S)
    assert status.net_per_s == pytest.approx(-10.0)
    assert status.dry_s == pytest.approx((9000 - 950 + 500) / 10)
    assert (status.oldest_s, status.n_keys) == (95.0, 8550)
    assert filed[-1].active
    assert filed[-1].text == "dry in 14 min 15 s at -10 keys/s"
    assert not filed[0].active
    for second in range(100, 700, 5):
        watch.look(PoolLevel("exchange", 8050 + second, 500, 0), second * S, filed.append)
    assert not filed[-1].active
    assert watch.status(700 * S).dry_s is None


def test_a_pool_that_is_dry_is_one_alarm_and_not_two(alarming):
    watch = PoolWatch("exchange", 1000)
    for second in range(0, 305, 5):
        ready = max(0, 500 - 2 * second)
        alarming.clock.now_ns += 5 * S
        watch.look(PoolLevel("exchange", ready, 3 if ready == 0 else 0, 0), alarming.clock.now_ns, alarming.file)
        alarming.hear(PoolEvent("bank", "exchange", ready, 1000))
        later(alarming, 0)
        if second == 200:
            assert {alarm.kind for alarm in alarming.standing()} == {AlarmKind.POOL_LOW, AlarmKind.POOL_DEPLETES}
    later(alarming, 61)
    assert [(alarm.kind, alarm.text) for alarm in alarming.standing()] == [(AlarmKind.POOL_LOW, "the pool is dry")]


def test_refusals_are_told_once_a_second_and_a_flood_is_bounded(monkeypatch):
    monkeypatch.setattr(denials, "AT_MOST", 3)
    noted = Denials(Tally())
    for number in range(10):
        noted.note("014", "enc_keys", f"stranger-{number}", "bob", Unauthorised("no"))
    noted.note("014", "enc_keys", "alice", "bob", KeyUnavailable("dry"))
    records, alarm = noted.take(0)
    assert [(record.caller, record.reason, record.times) for record in records] == [
        ("stranger-0", "unauthorised", 1),
        ("stranger-1", "unauthorised", 1),
        ("stranger-2", "unauthorised", 1),
        ("", "unauthorised", 7),
        ("", "unavailable", 1),
    ]
    assert not alarm.active
    assert noted.take(S) == ((), alarm)


def test_many_refusals_without_authority_are_an_alarm_for_a_minute():
    noted = Denials(Tally())
    for _ in range(60):
        noted.note("014", "enc_keys", "mallory", "bob", Unauthorised("no"))
    assert noted.take(0)[1].active
    assert noted.take(59 * S)[1].active
    assert not noted.take(61 * S)[1].active


async def test_the_network_is_every_site_with_since_when_one_is_away():
    clock, filed, asked = Clock(), [], []
    answers = {"exchange": SiteStatus("exchange", "1", False, 1, 1), "relay": KeyUnavailable("no route")}

    async def ask(site):
        asked.append(site)
        if isinstance(answers[site], Exception):
            raise answers[site]
        return write_status(answers[site])

    own = SiteStatus("bank", "1", False, 2, 1)
    watch = NetworkWatch("bank", ["exchange", "relay"], lambda: own, filed.append, clock)
    away_ns = clock.now_ns
    await watch.look(ask)
    clock.now_ns += 5 * S
    network = await watch.look(ask)  # a second has not gone by: nobody is asked again
    assert asked == ["exchange", "relay"]
    first, second, third = network.sites
    assert (first.status, second.status) == (own, answers["exchange"])
    assert (third.unreachable_since_ns, third.problem) == (away_ns, "no route")
    assert {(alarm.source, alarm.active) for alarm in filed} == {("site exchange", False), ("site relay", True)}
    assert read_network_status(write_status(network)) == network
    answers |= {"relay": PeerError("no verb 'status'"), "exchange": SiteStatus("mallory", "1", False, 1, 1)}
    watch._looked_s -= 10
    network = await watch.look(ask)
    assert [report.unreachable_since_ns for report in network.sites] == [None, None, None]
    assert network.sites[2].problem == "no verb 'status'"
    assert "says that it is mallory" in network.sites[1].problem


async def test_a_satellite_below_the_horizon_is_no_alarm():
    clock, filed = Clock(), []
    errors = [KeyUnavailable("no route"), OutOfContact("until 12:00"), KeyUnavailable("no route")]

    async def ask(site):
        raise errors.pop(0)

    watch = NetworkWatch("bank", ["satellite"], lambda: SiteStatus("bank", "1", False, 2, 1), filed.append, clock)
    seen = []
    for _ in range(3):
        watch._looked_s -= 10
        seen.append((await watch.look(ask)).sites[1])
    assert [alarm.active for alarm in filed] == [
        True,
        False,
        True,
    ]
    assert [report.unreachable_since_ns is None for report in seen] == [False, True, False]
    assert seen[1].problem == "until 12:00"


def measured():
    tally, commits = Tally(), Durations()
    tally.delivery("enc_keys", "alice", "bob", 3)
    for seconds in (0.0004, 0.001, 0.03, 100.0):
        tally.durations["applications", "enc_keys", 200].add(seconds)
    tally.denials["014", "enc_keys", "unauthorised"] += 1
    commits.add(0.002)
    span = SpanWatch("east", "exchange")
    span.hear(block(1), S)
    span.hear(block(2, aborted="qber"), S)
    pool = PoolWatch("exchange", 100)
    pool.look(PoolLevel("exchange", 40, 10, S), 3 * S, lambda alarm: None)
    alarm = Standing(1, AlarmKind.QBER, "east", Severity.MAJOR, "text", 1, 1)
    status = SiteStatus(
        "bank",
        "0.1",
        True,
        3 * S,
        S,
        (span.status(2 * S, PassStatus(5 * S, 6 * S, 48.0, 170_000, 3.0)),),
        (pool.status(3 * S),),
        (alarm,),
    )
    boxes, carried = {"syslog": (5, 1)}, {"east/relay/ab": 2}
    relayed = {"far": 7}, {"east/relay": 64}
    return Measured(status, [span], tally, commits, *relayed, 4096, {"bank": 9}, boxes, {"authority": 1e9}, carried)


def test_prometheus_reads_every_metric_as_the_table_says():
    """Read back by prometheus_client's own parser, which is not what writes here."""
    text = Metrics(measured).text().decode()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    for name, family in FAMILIES.items():
        read = found[name.removesuffix("_total") if family.kind == "counter" else name]
        assert (read.type, read.documentation) == (family.kind, family.help)
        assert read.samples, f"{name} was not measured"
        for sample in read.samples:
            assert set(sample.labels) - {"le"} == set(family.labels)
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in found.values()
        for sample in family.samples
    }
    assert values["haris_pool_keys", ("peer", "exchange"), ("state", "leased")] == 10
    assert values["haris_pool_oldest_key_age_seconds", ("peer", "exchange")] == 2.0
    assert values["haris_pool_depletion_seconds", ("bound", "expected"), ("peer", "exchange")] == math.inf
    assert values["haris_span_blocks_total", ("outcome", "qber"), ("span", "east")] == 1
    assert values["haris_delivered_keys_total", ("method", "enc_keys"), ("peer", "bob"), ("sae", "alice")] == 3
    assert values["haris_alarms", ("acknowledged", "false"), ("severity", "major")] == 1
    assert values["haris_alarm_messages_lost_total", ("receiver", "syslog")] == 1
    duration = ("face", "applications"), ("le", "0.001"), ("method", "enc_keys"), ("status", "200")
    assert values["haris_request_duration_seconds_bucket", *duration] == 2  # a bound belongs to its class
    assert values["haris_request_duration_seconds_count", *(duration[0], *duration[2:])] == 4


def test_names_and_units_are_prometheus_s():
    """Base units, a total for a counter and for nothing else (prometheus.io, naming)."""
    for name, family in FAMILIES.items():
        assert name.startswith("haris_")
        assert name.endswith("_total") == (family.kind == "counter")
        assert not name.endswith(("_ms", "_milliseconds", "_bytes_total_s", "_percent"))
    assert list(BOUNDS_S) == sorted(BOUNDS_S)


def test_levels_come_from_live_lots(store):
    assert store.pool_level("exchange", "bank") == PoolLevel("exchange", 0, 0, None)


def test_an_address_that_others_can_read_is_refused_for_metrics():
    from haris.node.configuration.operation import AdminTable

    for wrong in ("0.0.0.0:9464", "192.0.2.1:9464", "metrics.example:9464"):
        with pytest.raises(ParameterError, match="loopback"):
            AdminTable(metrics=wrong)
    with pytest.raises(ParameterError, match="operators must name"):
        AdminTable(listen="0.0.0.0:8600")
