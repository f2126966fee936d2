import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.raw_rounds import RawRounds, packed_settings, settings_octets, unpacked_settings
from haris.nouns.raw_samples import RawSamples


def rounds(n=1001, bits=12, n_settings=3, seed=1):
    rng = np.random.default_rng(seed)
    outcomes = rng.integers(0, 2**bits, n).astype(np.uint16 if bits > 8 else np.uint8)
    return RawRounds(outcomes, bits, rng.integers(0, n_settings, n, np.uint8), n_settings, 1e6)


@pytest.mark.parametrize(("n_settings", "bits"), [(2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)])
def test_settings_are_packed_in_1_2_4_or_8_bits(n_settings, bits):
    for n in (1, 3, 8, 1001):
        settings = rounds(n, n_settings=n_settings).settings
        octets = packed_settings(settings, n_settings)
        assert len(octets) == settings_octets(n, n_settings) == -(-n * bits // 8)
        assert np.array_equal(unpacked_settings(octets, n, n_settings), settings)
    assert packed_settings(np.array([1, 0, 2, 1, 2], np.uint8), 3) == bytes([0b01100001, 0b10])


def test_settings_beyond_the_last_round_are_refused():
    with pytest.raises(ParameterError, match="no bits set beyond"):
        unpacked_settings(b"\x08", 3, 2)
    with pytest.raises(ParameterError, match="must be 1 octets"):
        unpacked_settings(b"\x00\x00", 3, 2)


def test_a_recording_of_rounds_makes_the_round_trip(tmp_path):
    written = rounds()
    written.write(tmp_path / "r", "squeezed")
    read, source = RawRounds.read(tmp_path / "r")
    assert source == "squeezed"
    assert (read.bits, read.n_settings, read.clock_hz) == (12, 3, 1e6)
    assert np.array_equal(read.outcomes, written.outcomes)
    assert np.array_equal(read.settings, written.settings)
    with pytest.raises(ParameterError, match="holds rounds of several settings"):
        RawSamples.read(tmp_path / "r")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda f: (f / "settings.bin").write_bytes((f / "settings.bin").read_bytes()[:-1]), "must be 251 octets"),
        (lambda f: (f / "settings.bin").write_bytes(b"\xff" * 250 + b"\x03"), "settings must be below 3"),
        (lambda f: (f / "settings.bin").unlink(), "cannot be read"),
        (lambda f: (f / "samples.bin").write_bytes(b"\xff\xff" * 1001), r"below 2\^12"),
        (lambda f: (f / "recording.toml").write_text("[samples]\nbits = 12\n"), "settings"),
        (
            lambda f: (f / "recording.toml").write_text(
                '[samples]\nbits = 12\n[settings]\nnumber = 3\nsource = "x"\nfile = "../x"\n'
            ),
            "beside recording",
        ),
    ],
)
def test_a_recording_that_does_not_fit_is_refused(tmp_path, change, why):
    rounds().write(tmp_path / "r", "squeezed")
    change(tmp_path / "r")
    with pytest.raises(ParameterError, match=why):
        RawRounds.read(tmp_path / "r")


def test_rounds_that_are_none():
    good = rounds()
    for changes in ({"n_settings": 1}, {"n_settings": 2}, {"bits": 11}, {"settings": good.settings[1:]}):
        with pytest.raises(ParameterError):
            RawRounds(**{name: changes.get(name, getattr(good, name)) for name in RawRounds.__slots__})
    with pytest.raises(ParameterError, match="of one source"):
        RawRounds.joined([good, rounds(n_settings=4)])
    assert len(RawRounds.joined([good.part(0, 10), good.part(10, 1001)])) == 1001
