import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from entropy_lab import BAD, VACUUM, CountedTests, ScriptedDevice, first_samples

from haris.node.entropy.blocks import Blocks, Hashed
from haris.node.entropy.device import DeviceError
from haris.node.entropy.pipeline import Pipeline, histogram
from haris.node.entropy.pool import Pool
from haris.nouns.alarms import Alarm, AlarmKind
from haris.nouns.errors import KeyUnavailable
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.source import Emission, EntropySource

SOURCE = VACUUM(8)


class Rig:
    def __init__(self, script: Callable[[int], int | Exception], limit: int = 10**9) -> None:
        self.device, self.alarms = ScriptedDevice(script), list[Alarm]()
        self.pool = Pool(min(limit, 2**22), "not begun")
        self.pipeline = Pipeline(
            self.device, SOURCE, CountedTests, first_samples, self.pool, self.alarms.append, retry_s=0.02
        )

    def until(self, what: Callable[[], bool]) -> None:
        until = time.monotonic() + 10.0
        while not what():
            assert time.monotonic() < until
            time.sleep(0.001)


@pytest.fixture
def started() -> Callable[..., Rig]:
    rigs: list[Rig] = []

    def start(script: Callable[[int], int | Exception], limit: int = 10**9) -> Rig:
        rigs.append(Rig(script, limit))
        rigs[-1].pipeline.start()
        return rigs[-1]

    yield start
    for rig in rigs:
        rig.pipeline.close()


def ended(number: int) -> DeviceError:
    return DeviceError(f"nothing after read {number}")


def test_samples_of_the_start_are_not_used_and_the_newest_wait(started: Callable[..., Rig]) -> None:
    release = 6
    rig = started(lambda n: time.sleep(0.3 * (n > release)) or n)
    rig.until(lambda: rig.device.n_read > release)
    seen = set(rig.pool.take(rig.pool.n_ready))
    assert seen == {3, 4, 5}  # 1 and 2 were the start-up; 6 waits until 7 has passed
    assert rig.pipeline.state == "healthy"
    assert [(alarm.kind, alarm.active) for alarm in rig.alarms] == [(AlarmKind.RANDOMNESS, False)]


@pytest.mark.parametrize("error", [None, DeviceError("went away")])
def test_a_failure_leaves_nothing_and_the_start_is_passed_again(
    started: Callable[..., Rig], error: DeviceError | None
) -> None:
    given: list[int] = []
    rig: Rig

    def script(number: int) -> int | Exception:
        if number == 6:
            given.extend(rig.pool.take(rig.pool.n_ready))  # until now all was well
        if number == 7:
            return error or BAD
        if number == 8:  # the first after the failure
            assert rig.pool.n_ready == 0
            with pytest.raises(KeyUnavailable, match=r"bad sample|went away"):
                rig.pool.take(1)
            assert rig.alarms[-1].active
        if number > 12:
            time.sleep(0.05)
        return number

    rig = Rig(script)
    rig.pipeline.start()
    rig.until(lambda: rig.device.n_read > 12)
    given.extend(rig.pool.take(rig.pool.n_ready))
    rig.pipeline.close()
    # 6 had passed, but shared a window of the tests with 7; 5 came to the pool that was closed; 8 and 9 are a start-up
    assert set(given) <= {3, 4, 10, 11, 12}
    assert {3, 10} <= set(given)
    assert [alarm.active for alarm in rig.alarms] == [False, True, False]
    assert (rig.device.n_opened, rig.pipeline.counters.n_failures) == (2, 1)


@pytest.mark.parametrize("shift", [0, 1, 777, 4096 * 3 + 5])
def test_a_device_that_plays_the_same_at_each_start_gives_it_once(shift: int) -> None:
    """A recording of 20 reads, then an error; at the next start it is played again, from elsewhere."""
    recording = np.random.default_rng(1).integers(0, 255, 25 * 4096).astype(np.uint8)

    class Player(ScriptedDevice):
        place = 0

        def open(self) -> None:
            super().open()
            self.place = shift * (self.n_opened - 1)

        def read(self, n_samples: int) -> Emission:
            if self.place + n_samples > 20 * 4096:
                raise ended(0)
            part = recording[self.place : self.place + n_samples]
            self.place += n_samples
            return Emission(RawSamples(part, 8))

    rig = Rig(ended)
    rig.pipeline._device = player = Player(ended)
    given: list[int] = []

    def tell(alarm: Alarm) -> None:
        rig.alarms.append(alarm)
        given.append(rig.pool.n_put)

    rig.pipeline._tell = tell
    rig.pipeline.start()
    rig.until(lambda: player.n_opened > 2)
    rig.pipeline.close()
    texts = [alarm.text for alarm in rig.alarms]
    assert texts[:3] == ["", "nothing after read 0", "copied samples: they were given before"]
    assert given[0] == 0
    assert given[1] == given[2] > 0


def test_bits_wait_for_the_slowest_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads are of 4096 samples. A test that needs 10000 more to tell: a read waits for the three after it."""
    monkeypatch.setattr(CountedTests, "detects_within", {"fast": 1, "slow": 10_000})
    rig = Rig(lambda n: n if n < 12 else BAD)
    seen: list[set[int]] = []
    tell = rig.alarms.append
    rig.pipeline._tell = lambda alarm: tell(alarm)
    put = rig.pool.put
    rig.pool.put = lambda octets, within_s: seen.append({rig.device.n_read, *octets}) or put(octets, within_s)  # type: ignore[method-assign, func-returns-value]
    rig.pipeline.start()
    rig.until(lambda: any(alarm.active for alarm in rig.alarms))
    rig.pipeline.close()
    assert seen[:6] == [{n, n + 3} for n in range(3, 9)]  # 8 with read 11; 12 is bad, and 9 to 11 are never given


def test_a_device_that_stays_away_is_tried_again_less_and_less(started: Callable[..., Rig]) -> None:
    rig = started(lambda n: DeviceError("is gone"))
    time.sleep(0.5)
    assert 3 <= rig.device.n_opened <= 6  # after 0.04, 0.08, 0.16, 0.32 s
    assert (rig.pipeline.state, rig.pipeline.reason) in {("failed", "is gone"), ("starting", rig.pipeline.reason)}
    with pytest.raises(KeyUnavailable, match="is gone"):
        rig.pool.take(1)


def test_an_error_of_our_own_stops_the_supply_too(started: Callable[..., Rig]) -> None:
    rig = started(lambda n: n if n < 6 else ZeroDivisionError())
    rig.until(lambda: any(alarm.active for alarm in rig.alarms))
    assert rig.pool.n_ready == 0
    assert "ZeroDivisionError" in rig.alarms[-1].text


def test_a_full_pool_stops_the_reading_and_the_end_is_swift(started: Callable[..., Rig]) -> None:
    rig = started(lambda n: min(n, 254), limit=1000)
    rig.until(lambda: rig.pool.n_ready == 1000)
    time.sleep(0.1)
    n_read = rig.device.n_read
    time.sleep(0.3)
    assert rig.device.n_read == n_read
    began = time.monotonic()
    rig.pipeline.close()
    assert time.monotonic() - began < 2.0
    with pytest.raises(KeyUnavailable, match="ended"):
        rig.pool.take(1)


def test_a_bound_that_leaves_nothing_is_refused() -> None:
    weak = VACUUM(8, "block_bits = 64")
    with pytest.raises(KeyUnavailable, match="leaves no bit"):
        Pipeline(ScriptedDevice(ended), weak, CountedTests, first_samples, Pool(8, ""), print)


def checked(share_of: Callable[[object], float], tell: Callable[[RawSamples], object] | None = None) -> EntropySource:
    """A source whose bound is a share of its bits; 16 of each block are spent."""

    def randomness(parameters: object, n_samples: int, epsilon: float, checks: object) -> Randomness:
        planned = SOURCE.source.randomness(parameters, n_samples, epsilon, None)
        return replace(planned, min_entropy_bits=8 * n_samples * share_of(checks), spent_bits=16.0)

    return replace(SOURCE, source=replace(SOURCE.source, randomness=randomness, samples_tell=tell))


def test_blocks_with_checks_get_what_was_measured_and_pay_what_was_spent() -> None:
    """Lengths by the leftover hash lemma: 2 + 2 log2 of 2^-101 less than the min-entropy."""
    source = checked(lambda checks: 0.5 if checks is None else float(checks))  # type: ignore[arg-type]
    blocks = Blocks(source, first_samples)
    samples = RawSamples(np.zeros(512, np.uint8), 8)
    for share in (0.5, 0.25):
        hashed = blocks.hashed(Emission(samples, share))
        assert hashed == Hashed(bytes((int(4096 * share) - 200 - 16) // 8), 1, 0)
    assert blocks.hashed(Emission(samples, 0.05)) == Hashed(b"", 0, 512)


def test_blocks_whose_samples_tell_their_checks() -> None:
    """A block with a sample of 0 has nothing, one with a sample of 1 half as much."""
    source = checked(lambda checks: 0.5 if checks is None else float(checks), lambda s: min(2, s.values.min()) / 4)  # type: ignore[arg-type]
    values = np.repeat(np.array([5, 0, 1, 7], np.uint8), 512)
    hashed = Blocks(source, first_samples).hashed(Emission(RawSamples(values, 8), "not asked"))
    full, half = (4096 // 2 - 216) // 8, (4096 // 4 - 216) // 8
    assert (len(hashed.octets), hashed.n_blocks, hashed.n_rejected) == (2 * full + half - 2, 3, 512)
    assert hashed.octets == bytes([5]) * 2 * full + bytes([1]) * (half - 2)  # first_samples sees the first block alone
    assert hashed.paid_octets == 2  # that the block without bits has used up


def test_what_was_used_up_without_bits_is_paid_from_later_ones() -> None:
    """16 bits a block, of start-ups and of blocks whose checks left nothing; a long debt is paid over several."""
    source = checked(lambda checks: 0.5 if checks is None else float(checks))  # type: ignore[arg-type]
    blocks = Blocks(source, first_samples)
    samples = RawSamples(np.zeros(512, np.uint8), 8)
    full = (2048 - 216) // 8
    blocks.unused(1024)
    blocks.unused(512, 0.5)
    assert blocks.hashed(Emission(samples, 0.0)).octets == b""
    first = blocks.hashed(Emission(samples, 0.5))
    assert (len(first.octets), first.paid_octets) == (full - 8, 8)
    blocks.unused(512 * full)
    assert [blocks.hashed(Emission(samples, 0.5)).paid_octets for _ in range(3)] == [full, full, 0]


def test_a_bound_that_leaves_nothing_again_and_again_stops_the_supply() -> None:
    """As when somebody controls an untrusted detector: now and then is chance, eight chunks in a row are not."""
    source = checked(lambda checks: 0.5 if checks is None else float(checks))  # type: ignore[arg-type]

    class Checked(ScriptedDevice):
        def read(self, n_samples: int) -> Emission:
            assert n_samples == source.block_samples
            emission = super().read(n_samples)
            return Emission(emission.samples, 0.0 if self.n_read in (5, 6) or self.n_read >= 10 else 0.5)

    device, alarms = Checked(lambda n: n), list[Alarm]()
    pool = Pool(2**20, "not begun")
    pipeline = Pipeline(device, source, CountedTests, first_samples, pool, alarms.append, retry_s=60.0)
    pipeline.start()
    until = time.monotonic() + 10.0
    while not any(alarm.active for alarm in alarms):
        assert time.monotonic() < until
        time.sleep(0.001)
    pipeline.close()
    assert "leaves no bit" in alarms[-1].text
    assert device.n_read == 17
    assert pipeline.counters.n_rejected == 512 * (2 + 2 + 8)  # the start-up, two alone, the last eight


def test_the_histogram_is_of_samples_that_give_no_bit(
    started: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haris.node.entropy.pipeline.SHOWN_EVERY", 5)
    shown: list[int] = []
    rig: Rig

    def script(number: int) -> int:
        if number > 1:
            shown.append(int(np.argmax(rig.pipeline.counters.histogram)))
        return number if number < 20 else time.sleep(0.05) or 20

    rig = Rig(script)
    rig.pipeline.start()
    rig.until(lambda: rig.device.n_read >= 20)
    given = set(rig.pool.take(rig.pool.n_ready))
    rig.pipeline.close()
    assert set(shown) == {1, 2, 5, 10, 15}
    assert given & set(shown) == set()
    assert given >= {3, 4, 6, 9, 11, 14, 16}


def test_a_histogram_has_at_most_256_ranges() -> None:
    values = np.array([0, 1, 15, 16, 4095], np.uint16)
    found = histogram(values, 12)
    assert (len(found), found[0], found[1], found[255]) == (256, 3, 1, 1)
    assert histogram(np.array([0, 1, 1], np.uint8), 1) == (1, 2)
