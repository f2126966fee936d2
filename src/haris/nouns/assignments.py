"""What the owner of a key says to the sites that are to hold it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from haris.nouns.errors import ParameterError
from haris.nouns.ids import PREFIX_OCTETS
from haris.nouns.keys import Pedigree


@dataclass(frozen=True, slots=True)
class Assignment:
    """The owner's word on who may have which key.

    key_id: as applications see it. stock: the stored keys whose octets, in this order and cut to size_bits, are the
    key. master, slaves: SAE IDs; `slaves` are those served by the site that stores this assignment.
    wrapped: the key under one-time pad for a site that is not the stock's peer (several slaves at several sites): then
    `stock` names the pad and the tag key. pedigree: of the delivered key.
    passed_on: JSON that goes on unchanged with a key from one operator to another.
    """

    key_id: UUID
    size_bits: int
    stock: tuple[UUID, ...]
    master: str
    slaves: tuple[str, ...]
    pedigree: Pedigree
    wrapped: bytes | None = None
    passed_on: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The owner's word that keys are for one pair alone: it may deliver them to master from now on.

    prefix, first, n_keys: key_IDs join_key_id(prefix, first) and following. gone: which of them the owner has used
    already, a bit each, the first in the highest bit of the first octet; the others are whole at both ends.
    term: how often the owner has called them back before. So a word that comes late, after the keys were called back
    and leased anew, is not taken for one about the new lease.
    """

    prefix: bytes
    first: int
    n_keys: int
    gone: bytes
    master: str
    slave: str
    term: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.term < (1 << 32) - 1:
            raise ParameterError(f"the term of a lease lies below 2^32 - 1, got {self.term}")
        if len(self.prefix) != PREFIX_OCTETS or not 0 <= self.first < self.first + self.n_keys <= 1 << 32:
            raise ParameterError(f"a lease names keys by {PREFIX_OCTETS} octets and a range below 2^32")
        if len(self.gone) != -(-self.n_keys // 8):
            raise ParameterError(f"{len(self.gone)} octets of bits for {self.n_keys} keys")

    @property
    def n_left(self) -> int:
        """Keys that the owner has not used."""
        return self.n_keys - int.from_bytes(self.gone, "big").bit_count()


@dataclass(frozen=True, slots=True)
class Handover:
    """To whom keys go as soon as this is on record. method, interface: by which they were asked for.

    sae: who gets them. master, slaves: the SAEs that they are for.
    """

    method: str
    interface: str
    sae: str
    master: str
    slaves: tuple[str, ...]
    size_bits: int


@dataclass(frozen=True, slots=True)
class Void:
    """The owner's word that a key will never be delivered: every site burns the stock that it holds for it."""

    key_id: UUID
    stock: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class KeyRun:
    """Stored keys that nobody will use any more: key_IDs join_key_id(prefix, first) and following, n_keys of them."""

    prefix: bytes
    first: int
    n_keys: int

    def __post_init__(self) -> None:
        if len(self.prefix) != PREFIX_OCTETS or not 0 <= self.first < self.first + self.n_keys <= 1 << 32:
            raise ParameterError(f"a run names keys by {PREFIX_OCTETS} octets and a range below 2^32")


@dataclass(frozen=True, slots=True)
class Purge:
    """A site's word that what a pair has is to be burnt at both ends.

    number: higher than that of any purge of the pair that the site has told before. So a word that comes late or again
    burns nothing that was made after it. 0: of a release that tells none.
    """

    master: str
    slave: str
    number: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.number < 1 << 63:
            raise ParameterError(f"the number of a purge lies below 2^63, got {self.number}")


@dataclass(frozen=True, slots=True)
class OwedWord:
    """What another site must be told, and is told until it has acknowledged it. number: in order, for each site."""

    number: int
    verb: str
    body: bytes
