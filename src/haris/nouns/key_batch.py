"""Keys of one answer in one buffer: what a key manager hands to many at once, and wipes when it has gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

from haris.nouns.errors import ParameterError
from haris.nouns.ids import KEY_ID_OCTETS as KEY_ID_OCTETS
from haris.nouns.keys import DeliveredKey, Pedigree


@dataclass(frozen=True, slots=True)
class KeyBatch:
    """Keys of one size and one pedigree.

    key_ids: 16 octets a key, joined. secrets: size_bits / 8 octets a key, joined in the same order; owned by whoever
    holds the batch, who wipes it when the keys have left. Raises ParameterError when the two do not fit.
    """

    key_ids: bytes
    secrets: bytearray = field(repr=False)
    size_bits: int
    pedigree: Pedigree

    def __post_init__(self) -> None:
        n_keys, rest = divmod(len(self.key_ids), KEY_ID_OCTETS)
        if rest or self.size_bits % 8 or self.size_bits <= 0 or n_keys * self.size_bits != 8 * len(self.secrets):
            raise ParameterError(f"{len(self.secrets)} octets are no {n_keys} keys of {self.size_bits} bits")

    @property
    def n_keys(self) -> int:
        """How many keys there are."""
        return len(self.key_ids) // KEY_ID_OCTETS

    def each(self) -> Iterator[DeliveredKey]:
        """Each key by itself, in a copy that nobody can wipe."""
        size = self.size_bits // 8
        for place in range(self.n_keys):
            key_id = UUID(bytes=self.key_ids[KEY_ID_OCTETS * place : KEY_ID_OCTETS * (place + 1)])
            yield DeliveredKey(key_id, bytes(self.secrets[size * place : size * (place + 1)]), self.pedigree)

    def wipe(self) -> None:
        """Overwrite the secrets in place."""
        self.secrets[:] = bytes(len(self.secrets))


def batches_of(keys: Sequence[DeliveredKey]) -> tuple[KeyBatch, ...]:
    """Single keys in batches: runs of neighbours that share size and pedigree."""
    runs = (list(run) for _, run in groupby(keys, key=lambda key: (key.size_bits, key.pedigree)))
    return tuple(
        KeyBatch(
            b"".join(key.key_id.bytes for key in run),
            bytearray().join(key.secret for key in run),
            run[0].size_bits,
            run[0].pedigree,
        )
        for run in runs
    )
