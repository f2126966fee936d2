"""How two neighbouring sites come to their first authentication pad, and what every later key says of it.

By hand: a secret that a courier carries to both sites; or two halves that two people carry, whose XOR is the secret, so
that neither knows anything of it. By ML-KEM: a secret that the sites agree on over the span's own channel, signed with
ML-DSA. That one is safe only while both schemes are unbroken, but only until the first block: its pad then replaces
the first one, whose rest is burnt at both ends. Who breaks the schemes later learns and changes nothing: computational
bootstrap, everlasting after. (M. Mosca, D. Stebila, B. Ustaoglu, PQCrypto 2013: short-term computational
authentication, long-term security.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from haris.crypto.ledger import ledger_name
from haris.crypto.wegman_carter import PAD_OCTETS, tag
from haris.keys.allotment import RESERVE_OCTETS
from haris.keys.store import Commission, CommissionStore, LedgerStore, PadAppend
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin, Pedigree, Proof

SECRET_OCTETS = 16384
"""Half of it authenticates each direction: 256 tags, before the first block refreshes them."""

HALF_OCTETS = SECRET_OCTETS + PAD_OCTETS
"""Of a half: as long as the secret, and a one-time key under which its checksum says nothing of it."""


class Means(StrEnum):
    """How a span was commissioned."""

    COURIER = "courier"
    TWO_PERSONS = "two-persons"
    ML_KEM = "ml-kem"


ASSUMPTIONS = {
    Means.COURIER: "commissioned by a secret carried by hand: its courier is honest",
    Means.TWO_PERSONS: "commissioned by a two-person secret carried by hand: one of the two is honest",
    Means.ML_KEM: (
        "authenticated at first by ML-KEM and ML-DSA: an adversary who broke them before the first block "
        "could have stood between; everlasting after"
    ),
}
"""What every key of a span says beside its proof."""

_PEDIGREES = {
    Means.COURIER: Pedigree(
        0.0, Origin.VENDOR, Proof("a secret handed over by hand", "all", True, (ASSUMPTIONS[Means.COURIER],))
    ),
    Means.TWO_PERSONS: Pedigree(
        0.0, Origin.VENDOR, Proof("two halves handed over by hand", "all", True, (ASSUMPTIONS[Means.TWO_PERSONS],))
    ),
    Means.ML_KEM: Pedigree(
        None,
        Origin.VENDOR,
        Proof("ML-KEM-1024 (FIPS 203), ML-DSA-65 (FIPS 204)", "computational", True, (ASSUMPTIONS[Means.ML_KEM],)),
        epsilon_reason="a computational secret has none",
    ),
}


def auth_ledgers(span: str) -> tuple[str, str]:
    """The two ledgers that commissioning fills."""
    return ledger_name(span, "auth", "ab"), ledger_name(span, "auth", "ba")


def start_of(made_s: int) -> int:
    """The octet at which the ledgers of a span begin anew with a secret made at a time, in seconds since 1970.

    Later secrets lie beyond all pad of earlier ones: 2^24 octets a second are more than a span ever brings.
    """
    if not 0 < made_s < 1 << 38:
        raise ParameterError("a secret is made after 1970")
    return made_s << 24


def first_pads(span: str, secret: bytes, means: Means) -> tuple[PadAppend, ...]:
    """A secret as pad: half of it for each direction."""
    half = len(secret) // 2
    parts = (secret[:half], secret[half:])
    return tuple(PadAppend(n, p, _PEDIGREES[means]) for n, p in zip(auth_ledgers(span), parts, strict=True))


def join_halves(one: bytes, other: bytes) -> bytes:
    """The secret of two halves. ParameterError when one is of another length, or both are the same."""
    if len(one) != HALF_OCTETS or len(other) != HALF_OCTETS:
        raise ParameterError(f"a half of a secret has {HALF_OCTETS} octets")
    if one == other:
        raise ParameterError("the two halves are the same: one of them is a copy")
    return bytes(a ^ b for a, b in zip(one[:SECRET_OCTETS], other[:SECRET_OCTETS], strict=True))


def checksum(half: bytes) -> str:
    """What two people read to each other to know that their copies agree: a one-time tag of the half, 32 digits.

    It says nothing of the secret, whatever who overhears it can compute: its key serves for nothing else.
    """
    if len(half) != HALF_OCTETS:
        raise ParameterError(f"a half of a secret has {HALF_OCTETS} octets, got {len(half)}")
    digits = tag(half[:SECRET_OCTETS], half[SECRET_OCTETS:]).hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a span stands: by what it was commissioned, and where the first pad ends in each ledger."""

    commission: Commission
    bounds: dict[str, tuple[int, int]]

    @property
    def is_temporary(self) -> bool:
        """Whether tags still burn pad that is to be replaced by a block's."""
        ends = self.commission.ends
        return self.commission.means == Means.ML_KEM and any(head < ends[n] for n, (head, _) in self.bounds.items())

    @property
    def is_replaceable(self) -> bool:
        """Whether blocks have brought enough pad in both directions to go on without the first."""
        ends = self.commission.ends
        return self.is_temporary and all(end - ends[n] >= RESERVE_OCTETS for n, (_, end) in self.bounds.items())


class CommissionedStore(LedgerStore, CommissionStore, Protocol):
    """What is asked of the store here."""


def standing(store: CommissionedStore, span: str) -> Standing | None:
    """How a span stands at this end; None: it was not commissioned since this is recorded."""
    commission = store.commission_of(span)
    if commission is None:
        return None
    return Standing(commission, {name: store.ledger_bounds(name) for name in commission.ends})


def replace_first_pad(store: CommissionedStore, span: str) -> bool:
    """Burn the rest of a pad that was agreed on by computation, once blocks have brought enough; whether it did.

    To be called when both ends hold the same blocks and neither sends before it has done so: at the end of a meeting.
    """
    found = standing(store, span)
    if found is None or not found.is_replaceable:
        return False
    for ledger, end in found.commission.ends.items():
        store.ledger_burn_to(ledger, end)
    return True


def assumptions_of(store: CommissionStore, span: str) -> Sequence[str]:
    """What keys of the span say of its commissioning."""
    commission = store.commission_of(span)
    return () if commission is None else (ASSUMPTIONS[Means(commission.means)],)
