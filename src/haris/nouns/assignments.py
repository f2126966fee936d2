"""What the owner of a key says to the sites that are to hold it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from haris.nouns.keys import Pedigree


@dataclass(frozen=True, slots=True)
class Assignment:
    """The owner's word on who may have which key.

    key_id: as applications see it. stock: the stored keys whose octets, in this order and cut to size_bits, are the
    key. master, slaves: SAE IDs; `slaves` are those served by the site that stores this assignment.
    wrapped: the key under one-time pad for a site that is not the stock's peer (several slaves at several sites): then
    `stock` names the pad and the tag key. pedigree: of the delivered key.
    """

    key_id: UUID
    size_bits: int
    stock: tuple[UUID, ...]
    master: str
    slaves: tuple[str, ...]
    pedigree: Pedigree
    wrapped: bytes | None = None


@dataclass(frozen=True, slots=True)
class Void:
    """The owner's word that a key will never be delivered: every site burns the stock that it holds for it."""

    key_id: UUID
    stock: tuple[UUID, ...]
