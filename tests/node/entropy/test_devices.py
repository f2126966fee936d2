import os
import pty
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from entropy_lab import VACUUM, appliance_server
from kme_lab import Authority

from haris.node.entropy.device import DeviceError
from haris.node.entropy.device_file import PathDevice
from haris.node.entropy.supply_toml import DeviceTable
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.wire.randomness import Birth


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def opened(path: Path, bits: int = 8, timeout_s: float = 0.5) -> PathDevice:
    device = PathDevice(path, bits, timeout_s)
    device.open()
    return device


@pytest.fixture
def device(fifo: Path) -> Iterator[PathDevice]:
    made = opened(fifo)
    yield made
    made.close()


def test_a_character_device_gives_what_is_asked() -> None:
    device = opened(Path("/dev/urandom"))
    samples = device.read(100_000).samples
    device.close()
    assert (len(samples), samples.bits, device.birth) == (100_000, 8, Birth.MEASURED)
    assert np.bincount(samples.values, minlength=256).min() > 0  # misses a value once in 10^167


def test_a_serial_port_gives_every_octet_as_it_is_and_nothing_of_before() -> None:
    """A pseudo-terminal: in its usual mode it would swallow, translate and echo octets."""
    ours, theirs = pty.openpty()
    os.write(ours, b"stale\n")
    device = opened(Path(os.ttyname(theirs)))
    os.write(ours, bytes(range(256)))
    assert device.read(256).samples.values.tobytes() == bytes(range(256))
    os.close(theirs)
    os.close(ours)
    with pytest.raises(DeviceError, match="went away"):
        device.read(1)
    device.close()


def test_a_device_that_is_not_there_or_is_none(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "folder")):
        with pytest.raises(DeviceError, match=why):
            opened(path)


def test_a_device_that_goes_away_at_once() -> None:
    device = opened(Path("/dev/null"))
    with pytest.raises(DeviceError, match="went away"):
        device.read(1)
    device.close()


def test_a_file_is_read_to_its_end_once_even_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    path.write_bytes(bytes(range(100)))
    device = opened(path)
    assert device.birth is Birth.RECORDED
    assert device.read(60).samples.values.tolist() == list(range(60))
    with pytest.raises(DeviceError, match="at its end"):
        device.read(60)
    device.close()
    device.open()
    assert device.read(40).samples.values.tolist() == list(range(60, 100))
    device.close()


def test_samples_of_more_than_an_octet_are_two_low_first(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    path.write_bytes(b"\x01\x02\xff\x0f")
    device = opened(path, 12)
    assert device.read(2).samples.values.tolist() == [0x201, 0xFFF]
    device.close()
    path.write_bytes(b"\x00\x10")
    device = opened(path, 12)
    with pytest.raises(DeviceError, match=r"below 2\^12"):
        device.read(1)
    device.close()


def test_a_fifo_that_blocks(device: PathDevice, fifo: Path) -> None:
    began = time.monotonic()
    with pytest.raises(DeviceError, match="gave 0 of 10 octets"):
        device.read(10)
    with open(fifo, "wb", buffering=0) as writer:
        writer.write(b"abc")
        with pytest.raises(DeviceError, match=r"gave 3 of 10 octets in 0\.5 s: it blocks"):
            device.read(10)
    assert time.monotonic() - began < 5.0


def test_a_fifo_whose_writer_goes_away_and_comes_back(device: PathDevice, fifo: Path) -> None:
    def write() -> None:
        for part in (b"abc", b"defg"):
            with open(fifo, "wb") as writer:
                writer.write(part)
            time.sleep(0.05)

    thread = threading.Thread(target=write)
    thread.start()
    assert device.read(7).samples.values.tobytes() == b"abcdefg"
    thread.join()


def test_a_recording_is_played_once(tmp_path: Path) -> None:
    values = np.arange(1000, dtype=np.uint16) % 512
    RawSamples(values, 9).write(tmp_path / "recording")
    source = VACUUM(9)
    device = DeviceTable("recording", path=tmp_path / "recording").device(source)
    device.open()
    assert device.birth is Birth.RECORDED
    assert np.array_equal(device.read(600).samples.values, values[:600])
    with pytest.raises(DeviceError, match="400 samples left of 600"):
        device.read(600)
    device.close()
    device.open()
    assert np.array_equal(device.read(400).samples.values, values[600:])
    wrong = DeviceTable("recording", path=tmp_path / "recording").device(VACUUM(8))
    with pytest.raises(DeviceError, match="its samples have 9 bits"):
        wrong.open()
    gone = DeviceTable("recording", path=tmp_path / "gone").device(source)
    with pytest.raises(DeviceError, match="cannot be read"):
        gone.open()


def test_emulated_samples_never_repeat_and_are_told_as_such() -> None:
    device = DeviceTable("emulated", seed=7).device(VACUUM(8))
    device.open()
    first, second = device.read(1000).samples.values, device.read(1000).samples.values
    assert device.birth is Birth.EMULATED
    assert not np.array_equal(first, second)
    other = DeviceTable("emulated").device(VACUUM(8))
    assert not np.array_equal(other.read(1000).samples.values, first)


@pytest.mark.parametrize("form", ["HEX", "BINARY"])
def test_an_appliance_over_http(form: str) -> None:
    with appliance_server() as server:
        device = DeviceTable("http", url=server.url, plain=True, format=form, at_once_octets=4096).device(VACUUM(8))
        device.open()
        values = device.read(10_000).samples.values
        device.close()
    assert values.tobytes() == server.given
    assert device.birth is Birth.VENDOR
    assert [query["length"] for query in server.queries] == ["4096", "4096", "1808"]


@pytest.mark.parametrize(
    ("flaw", "why"),
    [
        ("blocks", "it blocks"),
        ("short", "shall hold 1000 octets, got 999"),
        ("long", "more than was asked"),
        ("error", "answered 500"),
        ("no hex", "hexadecimal"),
        ("moved", "answered 302"),
    ],
)
def test_an_appliance_as_bad_as_they_come(flaw: str, why: str) -> None:
    with appliance_server(flaw) as server:
        table = DeviceTable("http", url=server.url, plain=True, format="HEX", timeout_s=0.5)
        device = table.device(VACUUM(8))
        device.open()
        with pytest.raises(DeviceError, match=why):
            device.read(1000)
        device.close()


def test_an_appliance_that_is_gone() -> None:
    with appliance_server() as server:
        pass
    device = DeviceTable("http", url=server.url, plain=True).device(VACUUM(8))
    device.open()
    with pytest.raises(DeviceError, match="cannot be reached"):
        device.read(10)
    device.close()


@pytest.mark.parametrize("flaw", ["", "less"])
def test_a_key_provider_asked_by_skip(tmp_path: Path, flaw: str) -> None:
    authority = Authority(tmp_path)
    ours = authority.issue("us")
    with appliance_server(flaw, authority.issue("provider")) as server:
        table = DeviceTable(
            "skip",
            url=server.url.removesuffix("/random"),
            certificate=ours.certificate,
            private_key=ours.private_key,
            authority=ours.authority,
            at_once_octets=128,
        )
        device = table.device(VACUUM(8))
        device.open()
        if flaw:
            with pytest.raises(DeviceError, match="less entropy"):
                device.read(300)
        else:
            assert device.read(300).samples.values.tobytes() == server.given
        device.close()


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ({"kind": "path"}, "path"),
        ({"kind": "emulated", "path": Path("x")}, "path"),
        ({"kind": "http"}, "url"),
        ({"kind": "http", "url": "http://a/b"}, "plain"),
        ({"kind": "http", "url": "https://a/b", "plain": True}, "plain"),
        ({"kind": "http", "url": "https://a/b"}, "certificate"),
        ({"kind": "http", "url": "http:///b", "plain": True}, "url must be"),
        ({"kind": "skip", "url": "http://a", "plain": True}, "url"),
        ({"kind": "emulated", "seed": -1}, "seed"),
        ({"kind": "emulated", "timeout_s": 0.0}, "timeout_s"),
        ({"kind": "emulated", "at_once_octets": 0}, "at_once_octets"),
    ],
)
def test_tables_that_are_refused(items: dict, why: str) -> None:
    with pytest.raises(ParameterError, match=why):
        DeviceTable(**items)
