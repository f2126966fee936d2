"""Whole supplies, from devices that do their worst to the pool."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from entropy_lab import VACUUM

from haris.node.entropy.opening import open_supply
from haris.node.entropy.supply import RandomSupply
from haris.node.entropy.supply_toml import DeviceTable, SupplyConfiguration, SupplyTable, read_supply
from haris.nouns.alarms import Alarm
from haris.nouns.document import parse_document
from haris.nouns.errors import KeyUnavailable, ParameterError
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.sources import source_of
from haris.wire.randomness import Birth

ROOT = Path(__file__).parents[3]
SOURCE = VACUUM(8, "block_bits = 16384")
SOURCE.emulate(1, 1)  # the first takes longest


class Writer:
    """Keeps writing samples to a fifo: good ones, zeros, or none, as .mode says."""

    def __init__(self, path: Path) -> None:
        self.path, self.mode, self.seed = path, "good", 1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with open(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK), "wb", buffering=0) as file:
                    self._write(file)
            except OSError:
                time.sleep(0.01)  # nobody reads

    def _write(self, file) -> None:
        while not self._stop.is_set() and self.mode != "away":
            octets = {"zeros": bytes(4096), "blocks": b""}.get(self.mode)
            if octets is None:
                self.seed += 1
                octets = SOURCE.emulate(4096, self.seed).samples.values.tobytes()
            while octets and not self._stop.is_set():
                octets = octets[file.write(octets) or 0 :]
                time.sleep(0.0005)
            time.sleep(0.001)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


class Rig:
    def __init__(self, path: Path, timeout_s: float = 0.3) -> None:
        os.mkfifo(path)
        self.writer, self.alarms = Writer(path), list[Alarm]()
        table = SupplyTable(pool_octets=2**14)
        configuration = SupplyConfiguration(DeviceTable("path", path=path, timeout_s=timeout_s), SOURCE, table)
        self.supply = open_supply(configuration, self.alarms.append)
        self.supply.start()

    @property
    def state(self) -> str:
        return self.supply.status().state

    def until(self, what: Callable[[], bool]) -> None:
        until = time.monotonic() + 20.0
        while not what():
            assert time.monotonic() < until, (self.supply.status(), self.alarms)
            time.sleep(0.005)

    def drain(self) -> None:
        with contextlib.suppress(KeyUnavailable):
            self.supply.pool.take(self.supply.pool.n_ready)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "fifo")
    yield made
    made.supply.close()
    made.writer.close()


@pytest.mark.parametrize(
    ("mode", "why"),
    [("zeros", "repetition count"), ("blocks", "it blocks"), ("away", "it blocks")],
)
def test_a_device_that_fails_gives_no_bit_until_it_is_well(rig: Rig, mode: str, why: str) -> None:
    rig.until(lambda: rig.supply.pool.n_ready > 1000)
    assert rig.state == "healthy"
    rig.writer.mode = mode

    def failed() -> bool:
        rig.drain()  # else a full pool would leave the device alone
        return any(alarm.active for alarm in rig.alarms)

    rig.until(failed)
    first = next(alarm for alarm in rig.alarms if alarm.active)
    assert why in first.text
    with pytest.raises(KeyUnavailable):
        rig.supply.give(1, False)
    time.sleep(0.5)
    assert rig.supply.pool.n_ready == 0
    rig.writer.mode = "good"
    rig.until(lambda: rig.state == "healthy" and rig.supply.pool.n_ready > 100)
    assert not rig.alarms[-1].active


def test_bits_of_a_good_source_look_even(rig: Rig) -> None:
    """Ones among 8 x 65536 bits: within 6 standard deviations, missed once in 5e8 runs."""
    octets = b""
    while len(octets) < 65536:
        rig.until(lambda: rig.supply.pool.n_ready >= 4096)
        octets += rig.supply.give(4096, True)[0]
    ones = int(np.unpackbits(np.frombuffer(octets, np.uint8)).sum())
    assert abs(ones - 4 * 65536) < 6 * np.sqrt(2 * 65536)
    status = rig.supply.status()
    assert status.n_octets >= 65536
    assert sum(status.histogram) == 4096  # of the newest chunk
    assert status.bits_a_sample == pytest.approx(8 * status.n_octets / (status.n_samples - status.n_rejected))


def test_the_seed_of_the_hash_from_a_file(tmp_path: Path) -> None:
    def opened(seed: Path | None) -> RandomSupply:
        table = SupplyTable(seed=seed, pool_octets=4096)
        return open_supply(SupplyConfiguration(DeviceTable("emulated", seed=5), SOURCE, table), lambda alarm: None)

    def first(seed: Path | None) -> bytes:
        supply = opened(seed)
        supply.start()
        octets = supply.pool.take(1000, within_s=20.0)
        supply.close()
        return octets

    seed = tmp_path / "seed"
    seed.write_bytes(os.urandom(4096))
    assert first(seed) == first(seed)
    assert first(seed) != first(None)
    seed.write_bytes(bytes(100))
    with pytest.raises(ParameterError, match=r"holds 100 octets; .* wants 4096"):
        opened(seed)
    with pytest.raises(ParameterError, match="No such file"):
        opened(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", r"table \[device\] is missing"),
        ('[device]\nkind = "emulated"\n', r"\[source\] is missing"),
        ('[device]\nkind = "usb"\n', "'emulated'"),
        ("[more]\n", "unknown key 'more'"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "supply.toml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=why):
        read_supply(path)


def test_a_wrong_line_of_the_source_is_named(tmp_path: Path) -> None:
    text = (ROOT / "examples/supplies/emulated.toml").read_text().replace("dark_rms_v = 0.05", "dark_rms_v = 0.5")
    (tmp_path / "supply.toml").write_text(text)
    line = text[: text.index("dark_rms_v")].count("\n") + 1
    with pytest.raises(ParameterError, match=rf"supply\.toml:{line}: .*dark_rms_v must be below"):
        read_supply(tmp_path / "supply.toml")


def test_a_source_whose_checks_the_device_cannot_give_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "examples/entropy/source_independent.toml").read_text()
    device = '[device]\nkind = "skip"\nurl = "https://a"\n' + "".join(
        f'{key} = "x"\n' for key in ("certificate", "private_key", "authority")
    )
    (tmp_path / "supply.toml").write_text(device + text)
    with pytest.raises(ParameterError, match="gives samples alone: source-independent asks for checks, too"):
        open_supply(read_supply(tmp_path / "supply.toml"), lambda alarm: None)


@pytest.mark.parametrize("path", sorted((ROOT / "examples/supplies").glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_is_read_and_has_bits(path: Path) -> None:
    configuration = read_supply(path)
    assert configuration.listener is not None
    assert certificate(configuration.source).out_bits > 0


def test_a_source_that_is_only_assessed_from_a_character_device() -> None:
    """The kernel's own generator stands for a device whose octets are assessed at 4 bits."""
    source = source_of(parse_document('[source]\nname = "assessed"\nbits = 8\nmin_entropy = 4.0\nclock_hz = 1e5\n'))
    device = DeviceTable("path", path=Path("/dev/urandom"))
    supply = open_supply(SupplyConfiguration(device, source, SupplyTable(pool_octets=4096)), lambda alarm: None)
    supply.start()
    octets = supply.pool.take(4096, within_s=20.0)
    supply.close()
    assert len(set(octets)) > 240
    assert supply.birth is Birth.MEASURED
