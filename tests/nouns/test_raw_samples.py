"""Raw samples, as values and as files."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 12, 16])
def test_samples_come_back_from_a_folder(tmp_path, bits):
    kind = np.uint8 if bits <= 8 else np.uint16
    values = np.random.default_rng(bits).integers(0, 2**bits, 1000).astype(kind)
    RawSamples(values, bits, 1e9).write(tmp_path / "recording")
    back = RawSamples.read(tmp_path / "recording")
    assert (back.bits, back.clock_hz, back.values.dtype) == (bits, 1e9, kind)
    assert np.array_equal(back.values, values)
    assert (tmp_path / "recording" / "samples.bin").stat().st_size == len(values) * np.dtype(kind).itemsize


@pytest.mark.parametrize(
    ("values", "bits"),
    [
        (np.array([4], np.uint8), 2),
        (np.array([4096], np.uint16), 12),
        (np.array([1], np.uint16), 8),
        (np.array([1], np.uint8), 9),
        (np.array([[1]], np.uint8), 8),
        (np.array([1], np.uint8), 0),
        (np.array([1], np.uint16), 17),
    ],
)
def test_samples_that_do_not_fit_are_refused(values, bits):
    with pytest.raises(ParameterError, match=r"bits|values"):
        RawSamples(values, bits)


def test_half_a_sample_is_refused(tmp_path):
    (tmp_path / "odd.bin").write_bytes(b"\x01\x02\x03")
    with pytest.raises(ParameterError, match=r"odd.bin: 3 octets are no whole number of samples of 12 bits"):
        RawSamples.read_octets(tmp_path / "odd.bin", 12)
    (tmp_path / "wide.bin").write_bytes(b"\xff")
    with pytest.raises(ParameterError, match=r"wide.bin: values must be below 2\^4, got 255"):
        RawSamples.read_octets(tmp_path / "wide.bin", 4)
    with pytest.raises(ParameterError, match="cannot be read"):
        RawSamples.read_octets(tmp_path / "none.bin", 4)
