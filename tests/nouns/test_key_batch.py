"""A batch of keys knows its size, and can forget."""

import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import Origin, Pedigree, Proof

PEDIGREE = Pedigree(1e-9, Origin.MEASURED, Proof("Lim et al. 2014", "coherent", True))


def test_a_batch_forgets_its_keys_in_place():
    secrets = bytearray(range(64))
    batch = KeyBatch(bytes(32), secrets, 256, PEDIGREE)
    assert batch.n_keys == 2
    assert "secrets" not in repr(batch)
    batch.wipe()
    assert secrets == bytes(64)


@pytest.mark.parametrize(
    ("ids", "octets", "size"), [(31, 64, 256), (32, 63, 256), (16, 64, 256), (16, 1, 7), (0, 0, 0)]
)
def test_what_does_not_fit_is_refused(ids, octets, size):
    with pytest.raises(ParameterError, match="are no"):
        KeyBatch(bytes(ids), bytearray(octets), size, PEDIGREE)
