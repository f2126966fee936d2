"""What a pass is flown with: source, channel, detector, protocol, security. The families of links fly, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.nouns.block_counts import BlockCounts, joined, summed
from haris.nouns.checks import require_probability, require_within
from haris.nouns.errors import ParameterError
from haris.quantum.families import bbm92, decoy_bb84, six_state, three_state
from haris.quantum.families.family import Family, Parts, Varying, of
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.optics.slot_path import SlotPath
from haris.quantum.security.key_length import KeyLength, Security
from haris.quantum.space.channel import SpaceChannel

Floats = NDArray[np.float64]
ON_A_FIBRE = 0.5
"""PairSource.position where nothing is said of it."""
LEAST_SLOT_S, MOST_SLOT_S, MOST_SLOTS = 0.01, 3600.0, 2_000_000
DECOY_BB84 = decoy_bb84.NAME
FLYING: dict[str, Family] = {
    family.name: family
    for family in (
        decoy_bb84.FAMILY,
        three_state.FAMILY,
        three_state.FLAWED_FAMILY,
        six_state.FAMILY,
        bbm92.FAMILY,
    )
}
"""By [protocol] name in PASS.toml, as in LINK.toml."""
_FADING = (
    "its bounds estimate one transmittance with Gaussian noise, and light through the air has many: what the estimates "
    "of a fading channel may be off by is proved by none of them"
)
_PHASE = "its pulses must keep their phase to each other on the way, which no model here knows of a moving satellite"
_MEETING = "light of two senders must meet at one station in step, which no model here knows of a moving satellite"
GROUNDED = {
    **dict.fromkeys(("gaussian-cv", "discrete-cv", "passive-cv", "cv-mdi"), _FADING),
    **dict.fromkeys(("dps", "rrdps", "cow"), _PHASE),
    **dict.fromkeys(("mdi-qkd", "sns-tf", "mode-pairing"), _MEETING),
    **dict.fromkeys(("sarg04", "b92"), "none of its bounds holds for a finite block, and a pass is one"),
    "diqkd": "its rounds are heralded, and the loss of a pass leaves none",
}
"""Why other families do not fly."""


@dataclass(frozen=True, slots=True)
class PassProtocol:
    """What both ends of a pass agree on, with one block a pass.

    name: of the protocol, as in LINK.toml: "decoy-bb84", "three-state", "loss-tolerant", "six-state" or "bbm92". What
    [source] and [detector] hold follows from it, and so do the bounds. Of bbm92 the sender has the source of
    pairs and measures one half, as Alice.
    stations: of bbm92, the names of two [[station]] who get one half each while both see the satellite, Alice first; no
    half is then measured aboard.
    passes_a_block: of how many passes in turn, of one satellite over one station, one block is made; fewer at the end.
    p_key_basis: probability of the key basis at each end. slot_s: within which the channel is taken for constant.
    Raises ParameterError on a value outside its range, or a protocol that does not fly.
    """

    p_key_basis: float
    slot_s: float = 1.0
    name: str = DECOY_BB84
    stations: tuple[str, ...] = ()
    passes_a_block: int = 1

    def __post_init__(self) -> None:
        if self.name not in FLYING:
            why = GROUNDED.get(self.name, f"it must be one of {', '.join(FLYING)}")
            raise ParameterError(f"name {self.name!r} is of no protocol that flies: {why}")
        if self.stations and (self.name != bbm92.NAME or len(set(self.stations)) != 2 or len(self.stations) != 2):
            raise ParameterError(f"stations are two of name = {bbm92.NAME!r}, got {', '.join(self.stations)}")
        if self.passes_a_block < 1:
            raise ParameterError(f"passes_a_block must be at least 1, got {self.passes_a_block}")
        require_probability("p_key_basis", self.p_key_basis)
        require_within("slot_s", self.slot_s, LEAST_SLOT_S, MOST_SLOT_S)
        if not 0.0 < self.p_key_basis < 1.0:
            raise ParameterError(f"p_key_basis must leave both bases some pulses, got {self.p_key_basis}")

    def n_slots(self, duration_s: float) -> int:
        """Slots of equal length, slot_s at most, that a pass is cut into. ParameterError on more than MOST_SLOTS."""
        n = int(np.ceil(duration_s / self.slot_s))
        if n > MOST_SLOTS:
            raise ParameterError(
                f"slot_s of {self.slot_s:g} cuts {duration_s:.0f} s into {n:,} slots: {MOST_SLOTS:,} at most"
            )
        return max(n, 1)


@dataclass(frozen=True, slots=True)
class PassLink:
    """What sends, carries and detects in a pass. Raises ParameterError on parts that do not fit together.

    source, detector: of the classes that the protocol's family has.
    """

    source: Any
    channel: SpaceChannel
    detector: Any
    protocol: PassProtocol
    security: Security

    def __post_init__(self) -> None:
        family = self.family
        of(family.name, "source", self.source, family.source)
        of(family.name, "detector", self.detector, family.detector)
        bounds = self.varying.bounds
        if self.security.bound not in bounds:
            raise ParameterError(
                f"bound of a pass by {family.name} must be one of {', '.join(bounds)}, got {self.security.bound!r}"
            )
        if isinstance(self.source, PairSource) and self.source.position != ON_A_FIBRE:
            raise ParameterError("position is of a source on a fibre: one aboard has none")
        if self.protocol.passes_a_block > 1 and self.channel.direction == "crosslink":
            raise ParameterError("passes_a_block is of passes over stations: a crosslink makes one block a window")
        if self.protocol.stations and self.channel.direction != "downlink":
            raise ParameterError(f"direction of light to two stations is 'downlink', got {self.channel.direction!r}")
        family.check(self.parts(SlotPath(np.ones(1), 0.0), self.detector))

    @property
    def family(self) -> Family:
        """Of the protocol."""
        return FLYING[self.protocol.name]

    @property
    def varying(self) -> Varying:
        """How the family makes one block over slots."""
        made = self.family.varying
        assert made is not None, "of every protocol that flies"
        return made

    @property
    def blocks(self) -> str:
        """What light makes a block, in words."""
        n = self.protocol.passes_a_block
        return "one block a pass" if n == 1 else f"one block of {n} passes, told at its last"

    @property
    def certainty(self) -> str:
        """The epsilon of its keys in words; a bound of endless blocks has none."""
        if not self.family.bounds[self.security.bound].finite:
            return "the limit of endless blocks and no key of one"
        return f"epsilon {self.security.epsilon:.3g}"

    @property
    def open_s(self) -> float:
        """How long a gate of the receiver is open for light of the sky."""
        return float(self.detector.open_s(self.source.clock_hz))

    def parts(self, path: SlotPath, detector: Any) -> Parts:
        """As a link over a path of slots, with a detector in place of this one."""
        protocol = self.family.protocol(p_key_basis=self.protocol.p_key_basis, block_pulses=1)  # type: ignore[call-arg]
        return Parts(self.source, path, detector, protocol, self.security)

    def require_one_to_one(self, what: str) -> None:
        """Raise ParameterError unless each pass is a block, and of one station. what: is of such passes alone."""
        if self.protocol.passes_a_block > 1:
            raise ParameterError(f"{what} is of one block a pass, got passes_a_block = {self.protocol.passes_a_block}")
        if self.protocol.stations:
            raise ParameterError(f"{what} is of passes over one station, got stations = {self.protocol.stations}")

    def require_decoy_bb84(self, what: str) -> None:
        """Raise ParameterError unless the protocol is decoy-bb84 with a block a pass. what: is of that alone."""
        self.require_one_to_one(what)
        if self.protocol.name != DECOY_BB84:
            raise ParameterError(f"{what} is of name = {DECOY_BB84!r} alone, got {self.protocol.name!r}")


def expected_block(
    link: PassLink,
    slot_s: float,
    to_bob: Floats,
    background: Floats,
    to_alice: Floats | None = None,
    background_alice: Floats | None = None,
) -> BlockCounts:
    """Expected counts of one block over slots of slot_s each, whatever the protocol.

    to_bob, background: transmittance and mean photons of the sky in a gate, at Bob's detectors, (t,); to_alice,
    background_alice: the same of Alice's where she, too, is far from a source of pairs. In each slot the counts are
    those that the family expects of a fibre of that loss, slots of equal sky in one call; then they add up.
    Source: one block over the pass, as Sidhu et al., npj Quantum Inf. 8, 18 (2022).
    """
    n_gates = link.source.clock_hz * slot_s
    sky = background[:, None] if background_alice is None else np.stack([background, background_alice], axis=-1)
    kinds, kind = np.unique(sky, axis=0, return_inverse=True)
    counted = []
    for i, photons in enumerate(kinds if len(kinds) else np.zeros((1, sky.shape[1]))):
        alike = kind.ravel() == i
        path = SlotPath(to_bob[alike], link.channel.misalignment, None if to_alice is None else to_alice[alike])
        lit = link.detector.lit(*photons.tolist())
        counted.append(summed(link.varying.counts(link.parts(path, lit), n_gates)))
    return joined(counted)


def block_key(link: PassLink, counts: BlockCounts) -> KeyLength:
    """Length of its key, by the bound of the link's security."""
    return link.varying.key(link.parts(SlotPath(np.ones(1), 0.0), link.detector), counts)
