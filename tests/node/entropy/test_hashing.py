from pathlib import Path

import numpy as np
import pytest

from haris.kernels.pack_samples import pack_samples
from haris.kernels.reference import toeplitz
from haris.node.entropy.hashing import SeededHash
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples


def test_blocks_are_hashed_by_the_matrix_of_the_seed(tmp_path: Path) -> None:
    """The specification of the hash in kernels/reference.py, block by block."""
    rng = np.random.default_rng(4)
    (tmp_path / "seed").write_bytes(rng.bytes(1000))
    seed = np.unpackbits(np.frombuffer((tmp_path / "seed").read_bytes(), np.uint8), bitorder="little")
    values = rng.integers(0, 1 << 10, 60).astype(np.uint16)
    hashing = SeededHash(200, tmp_path / "seed")
    for n_out in (100, 67):
        wanted = []
        for block in range(3):
            raw = np.unpackbits(pack_samples(values[20 * block : 20 * block + 20], 10), bitorder="little")[:200]
            wanted += toeplitz(raw, seed[: 200 + n_out - 1], n_out).tolist()
        found = np.frombuffer(hashing(RawSamples(values, 10), 3, n_out), np.uint8)
        assert np.unpackbits(found, count=3 * n_out, bitorder="little").tolist() == wanted


def test_a_seed_that_is_too_short_or_missing(tmp_path: Path) -> None:
    (tmp_path / "seed").write_bytes(bytes(49))
    with pytest.raises(ParameterError, match=r"holds 49 octets; .* wants 50"):
        SeededHash(200, tmp_path / "seed")
    with pytest.raises(ParameterError, match="No such file"):
        SeededHash(200, tmp_path / "none")
