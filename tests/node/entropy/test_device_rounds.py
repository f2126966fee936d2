"""Devices that hand over rounds: from a stream or a recording to certified bits, and what is refused."""

import contextlib
import os
import pty
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from entropy_lab import VACUUM, appliance_server
from rounds_lab import CHECKED, QUBITS, STATES

from haris.node.entropy.device import DeviceError
from haris.node.entropy.device_rounds import Orders, RecordReader, RoundsDevice
from haris.node.entropy.emulated_stream import write_stream
from haris.node.entropy.opening import open_supply
from haris.node.entropy.supply import RandomSupply
from haris.node.entropy.supply_toml import DeviceTable, SupplyConfiguration, SupplyTable
from haris.nouns.alarms import Alarm
from haris.nouns.errors import KeyUnavailable, ParameterError
from haris.nouns.raw_rounds import RawRounds
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.round_forms import ROUND_FORMS
from haris.quantum.entropy.source import EntropySource
from haris.wire.randomness import Birth
from haris.wire.rounds import HEADER_OCTETS, read_body, read_header, write_record

FORM = ROUND_FORMS["source-independent"]


class Stream:
    """Octets as a device's, then the end."""

    name, birth = "stream", Birth.MEASURED

    def __init__(self, octets: bytes) -> None:
        self.left = octets

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def octets(self, n_octets: int) -> bytearray:
        if len(self.left) < n_octets:
            raise DeviceError("stream: is at its end")
        given, self.left = self.left[:n_octets], self.left[n_octets:]
        return bytearray(given)


def records(n: int = 4, rounds: int = 20_000, seed: int = 1) -> list[bytes]:
    return [
        write_record(FORM.emulate(QUBITS.parameters, rounds, seed + i), FORM.kind, 2**64 - 1 + i & 2**64 - 1)
        for i in range(n)
    ]


def device(octets: bytes) -> RoundsDevice:
    made = RoundsDevice(RecordReader(Stream(octets), FORM, QUBITS.parameters), FORM, QUBITS.parameters)
    made.open()
    return made


def test_frames_end_with_their_last_sample_and_the_next_goes_on_there() -> None:
    """Compared with all rounds at once; numbers of records go on from 2^64 - 1 with 0."""
    made = device(b"stale" + b"".join(records()))
    frames = [made.read(10_000)]
    n_waiting = made.n_waiting
    frames += [made.read(n) for n in (30_000, 1, 5000)]
    whole = RawRounds.joined([FORM.emulate(QUBITS.parameters, 20_000, 1 + i) for i in range(4)])
    gives = np.flatnonzero(FORM.gives(whole))
    assert n_waiting == np.count_nonzero(gives < 20_000) - 10_000
    first = 0
    for frame, n in zip(frames, (10_000, 40_000, 40_001, 45_001), strict=True):
        end = int(gives[n - 1]) + 1
        part = whole.part(first, end)
        first = end
        wanted = FORM.sorted(QUBITS.parameters, part, os.urandom)
        assert (frame.checks.clicks, frame.checks.rounds, frame.checks.doubles) == (
            wanted.checks.clicks,
            len(part),
            wanted.checks.doubles,
        )
        single = part.outcomes[(part.settings == 0) & (part.outcomes != 3)]
        assert np.array_equal(frame.samples.values[single != 2], single[single != 2])


def torn(parts: list[bytes]) -> bytes:
    return parts[0] + parts[1][:-100] + parts[2]


def other_kind(parts: list[bytes]) -> bytes:
    form = ROUND_FORMS["mdi"]
    return parts[0] + write_record(form.emulate(STATES.parameters, 1000, 1), form.kind, 0)


def unchecked(parts: list[bytes]) -> bytes:
    rounds = FORM.emulate(QUBITS.parameters, 40_000, 1)
    return write_record(RawRounds(rounds.outcomes, 2, np.zeros(40_000, np.uint8), 2), FORM.kind, 0)


def dark(parts: list[bytes]) -> bytes:
    rounds = RawRounds(np.full(2**20, 3, np.uint8), 2, FORM.emulate(QUBITS.parameters, 2**20, 1).settings, 2)
    return b"".join(write_record(rounds, FORM.kind, number) for number in range(3))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda parts: parts[0] + parts[0], "record 18446744073709551615 follows record 18446744073709551615"),
        (lambda parts: parts[0] + parts[2], "record 1 follows"),
        (torn, "is wrong: it is torn"),
        (lambda parts: parts[0] + b"x" + parts[1], "no record of rounds begins"),
        (lambda parts: parts[0] + parts[1][:50], "is at its end"),
        (other_kind, "record 0 is of kind 3, 1 bits, 3 settings; source-independent has kind 2, 2 bits, 2 settings"),
        (unchecked, "settings are not chosen as stated: setting 0 came"),
        (dark, "gave 0 samples of 30000 in"),
        (lambda parts: bytes(2**15), "is at its end"),
    ],
)
def test_what_is_no_stream_of_records_gives_nothing(made: Callable[[list[bytes]], bytes], why: str) -> None:
    with pytest.raises(DeviceError, match=why):
        device(made(records())).read(30_000)


class Told:
    """Takes orders and keeps them."""

    def __init__(self) -> None:
        self.orders: list[bytes] = []

    def open(self) -> None:
        pass

    def write(self, octets: bytes) -> None:
        self.orders.append(octets)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("cheat", "why"), [("", ""), ("own", "not the settings of order"), ("old", "follows record")])
def test_a_device_must_do_as_it_was_told(cheat: str, why: str) -> None:
    told, stream = Told(), Stream(b"")
    reader = RecordReader(stream, FORM, QUBITS.parameters, Orders(told, 20_000))
    made = RoundsDevice(reader, FORM, QUBITS.parameters)
    made.open()
    assert len(told.orders) == 4

    def answer(n: int, settings: np.ndarray | None = None) -> bytes:
        header = read_header(told.orders[n][:HEADER_OCTETS])
        ordered = read_body(header, told.orders[n][HEADER_OCTETS:])[1]
        rounds = FORM.emulate(QUBITS.parameters, 20_000, n, ordered if settings is None else settings)
        return write_record(rounds, FORM.kind, header.number)

    stream.left = answer(0) + answer(1)
    if cheat == "own":
        stream.left = answer(0) + answer(1, FORM.emulate(QUBITS.parameters, 20_000, 77).settings)
    if cheat == "old":
        stream.left = answer(0) + answer(0)
    if cheat:
        with pytest.raises(DeviceError, match=why):
            made.read(30_000)
    else:
        assert len(made.read(30_000).samples) == 30_000
        assert len(told.orders) == 6
        numbers = [read_header(order[:HEADER_OCTETS]).number for order in told.orders]
        assert numbers == list(range(numbers[0], numbers[0] + 6))


class Rig:
    def __init__(self, source: EntropySource, table: DeviceTable) -> None:
        self.alarms = list[Alarm]()
        self.supply: RandomSupply = open_supply(
            SupplyConfiguration(table, source, SupplyTable(pool_octets=1024)), self.alarms.append
        )

    def until(self, what: Callable[[], bool]) -> None:
        until = time.monotonic() + 30.0
        while not what():
            assert time.monotonic() < until, (self.supply.status(), self.alarms)
            time.sleep(0.005)

    def drained(self) -> bool:
        """Whether the supply has failed; else what is there is taken, so that it reads on."""
        pool = self.supply.pool
        with contextlib.suppress(KeyUnavailable):
            pool.take(pool.n_ready)
        return bool(pool.reason)


@pytest.fixture
def rigs() -> Iterator[list[Rig]]:
    made: list[Rig] = []
    yield made
    for rig in made:
        rig.supply.close()


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("how", ["fifo", "recording", "orders"])
def test_a_checked_source_gives_certified_bits(tmp_path: Path, rigs: list[Rig], name: str, how: str) -> None:
    source, form, path = CHECKED[name], ROUND_FORMS[name], tmp_path / "rounds"
    n = 10 * round(source.frame_samples / form.p_gives(source.parameters))
    writer = None
    orders = tmp_path / "orders" if how == "orders" else None
    if how == "recording":
        form.emulate(source.parameters, n, 1).write(path, name)
        table = DeviceTable("recording", path=path)
    else:
        for each in filter(None, (path, orders)):
            os.mkfifo(each)
        settings = "haris" if orders else "device"
        table = DeviceTable("path", path=path, settings=settings, orders=orders)
        writer = threading.Thread(target=write_stream, args=(source, path, 2**30, 1, orders))
        writer.start()
    rigs.append(Rig(source, table))
    rig = rigs[0]
    rig.supply.start()
    rig.until(lambda: rig.supply.pool.n_ready >= 64)
    assert len(set(rig.supply.give(64, True)[0])) > 20
    assert rig.supply.birth is (Birth.RECORDED if how == "recording" else Birth.MEASURED)
    rig.supply.close()
    if writer is not None:
        writer.join(20.0)
        assert not writer.is_alive()


def test_torn_records_stop_the_supply_and_good_ones_bring_it_back(tmp_path: Path, rigs: list[Rig]) -> None:
    path = tmp_path / "rounds"
    os.mkfifo(path)
    rigs.append(Rig(QUBITS, DeviceTable("path", path=path, timeout_s=2.0)))
    rig, good, done = rigs[0], [True], threading.Event()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError):
            while not done.is_set():
                with contextlib.suppress(BrokenPipeError), open(path, "wb", buffering=0) as into:
                    for number in range(2**30):
                        octets = write_record(
                            FORM.emulate(QUBITS.parameters, 20_000, time.monotonic_ns()), FORM.kind, number
                        )
                        into.write(octets if good[0] else octets[:-9])
                        if done.is_set():
                            break

    thread = threading.Thread(target=write)
    thread.start()
    try:
        rig.supply.start()
        rig.until(lambda: rig.supply.pool.n_ready > 0)
        good[0] = False
        rig.until(rig.drained)
        assert rig.supply.pool.n_ready == 0
        with pytest.raises(KeyUnavailable, match="record"):
            rig.supply.give(1, True)
        assert "record" in rig.alarms[-1].text
        good[0] = True
        rig.until(lambda: rig.supply.pool.n_ready > 0)
        assert not rig.alarms[-1].active
    finally:
        done.set()
        rig.supply.close()
        thread.join(20.0)


def test_records_come_from_an_appliance_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers, one behind the other, are the stream."""
    left = bytearray(b"".join(records()))

    def urandom(n: int) -> bytes:
        given = bytes(left[:n])
        del left[:n]
        return given

    with appliance_server() as server:
        monkeypatch.setattr("entropy_lab.os.urandom", urandom)
        made = DeviceTable("http", url=server.url, plain=True, at_once_octets=8192).device(QUBITS)
        made.open()
        emission = made.read(30_000)
        made.close()
    assert len(emission.samples) == 30_000
    assert made.birth is Birth.VENDOR


def test_records_come_over_a_serial_line() -> None:
    """A pseudo-terminal, with what lay in it before, and in the pieces that it takes."""
    ours, theirs = pty.openpty()
    made = DeviceTable("path", path=Path(os.ttyname(theirs)), timeout_s=5.0).device(QUBITS)
    made.open()

    def write() -> None:
        left = b"\x03\n\x11HR" + b"".join(records(2, 5000))
        while left:
            left = left[os.write(ours, left[:1000]) :]

    thread = threading.Thread(target=write)
    thread.start()
    assert len(made.read(7000).samples) == 7000
    thread.join()
    made.close()
    os.close(theirs)
    os.close(ours)


def test_recordings_of_another_source_or_without_settings_are_refused(tmp_path: Path) -> None:
    RawSamples(np.zeros(100, np.uint8), 2).write(tmp_path / "samples")
    ROUND_FORMS["mdi"].emulate(STATES.parameters, 100, 1).write(tmp_path / "mdi", "mdi")
    for folder, why in (("samples", "settings"), ("mdi", "is of mdi, 1 bits, 3 settings; wanted are source-ind")):
        with pytest.raises(DeviceError, match=why):
            DeviceTable("recording", path=tmp_path / folder).device(QUBITS).open()
    FORM.emulate(QUBITS.parameters, 5000, 1).write(tmp_path / "qubits", "source-independent")
    made = DeviceTable("recording", path=tmp_path / "qubits").device(QUBITS)
    made.open()
    with pytest.raises(DeviceError, match="all 5000 rounds are played"):
        made.read(30_000)


@pytest.mark.parametrize(
    ("items", "source", "why"),
    [
        ({"kind": "path", "path": Path("x"), "orders": Path("y")}, QUBITS, "orders belongs"),
        ({"kind": "path", "path": Path("x"), "settings": "haris"}, QUBITS, "orders belongs"),
        ({"kind": "emulated", "settings": "haris", "orders": Path("y")}, QUBITS, "orders belongs"),
        ({"kind": "path", "path": Path("x"), "settings": "haris", "orders": Path("y")}, VACUUM(8), "vacuum has none"),
        ({"kind": "path", "path": Path("x"), "order_rounds": 0}, QUBITS, "order_rounds"),
    ],
)
def test_tables_of_rounds_that_are_refused(items: dict, source: EntropySource, why: str) -> None:
    with pytest.raises(ParameterError, match=why):
        DeviceTable(**items).device(source)


def test_nobody_who_takes_orders_is_an_error(tmp_path: Path) -> None:
    for name in ("rounds", "orders"):
        os.mkfifo(tmp_path / name)
    table = DeviceTable("path", path=tmp_path / "rounds", settings="haris", orders=tmp_path / "orders", timeout_s=0.1)
    made = table.device(QUBITS)
    with pytest.raises(DeviceError, match="takes no orders"):
        made.open()
    made.close()
    reader = os.open(tmp_path / "orders", os.O_RDONLY | os.O_NONBLOCK)
    big = DeviceTable(
        "path",
        path=tmp_path / "rounds",
        settings="haris",
        orders=tmp_path / "orders",
        timeout_s=0.1,
        order_rounds=2**20,
    ).device(QUBITS)
    with pytest.raises(DeviceError, match="took no order in"):
        big.open()
    big.close()
    os.close(reader)
