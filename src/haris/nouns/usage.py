"""Who used how much key: what the accounts are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """What an account is of. day: YYYY-MM-DD in UTC. peer: the SAE at the other end; of several slaves, the first."""

    day: str
    customer: str
    sae: str
    peer: str
    interface: str
    method: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used. bits: of key."""

    requests: int = 0
    keys: int = 0
    bits: int = 0
    denials: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.keys + other.keys,
            self.bits + other.bits,
            self.denials + other.denials,
        )
