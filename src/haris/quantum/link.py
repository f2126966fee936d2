"""A quantum link: source, channel, detector, protocol, security. The public face of the quantum layer."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.document import Document, read_document
from haris.nouns.document_text import fields_of, write_document
from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.families import (
    b92,
    bbm92,
    cow,
    cv_mdi,
    decoy_bb84,
    diqkd,
    discrete_cv,
    dps,
    gaussian_cv,
    mdi_qkd,
    mode_pairing,
    passive_cv,
    rrdps,
    sarg04,
    six_state,
    sns_tf,
    three_state,
)
from haris.quantum.families.doubts import doubts_of
from haris.quantum.families.family import Family, Parts, Rate
from haris.quantum.families.joining import in_chunks
from haris.quantum.families.magnitudes import require_magnitudes
from haris.quantum.families.optimum import optimum
from haris.quantum.security.key_length import BlockLength, Security

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        decoy_bb84.FAMILY,
        mdi_qkd.FAMILY,
        bbm92.FAMILY,
        diqkd.FAMILY,
        gaussian_cv.FAMILY,
        discrete_cv.FAMILY,
        passive_cv.FAMILY,
        cv_mdi.FAMILY,
        sns_tf.FAMILY,
        mode_pairing.FAMILY,
        six_state.FAMILY,
        sarg04.FAMILY,
        b92.FAMILY,
        dps.FAMILY,
        rrdps.FAMILY,
        cow.FAMILY,
        three_state.FAMILY,
        three_state.FLAWED_FAMILY,
    )
}
"""By the tag in LINK.toml: [protocol] name."""
_BY_PROTOCOL = {family.protocol: family for family in FAMILIES.values()}
_TABLES = ("source", "channel", "detector", "protocol", "security")


@dataclass(frozen=True, slots=True)
class Link(Parts):
    """One quantum link. Everything about it follows from its five parts, and from the family of its protocol.

    Raises ParameterError on parts of another family, or such as do not fit together, or with a number that
    no device has (magnitudes.py). Warns of a parameter that was set
    and that the protocol's model ignores, and of one that is valid and meaningless.
    """

    def __post_init__(self) -> None:
        self.family.require(self)
        require_magnitudes(self.family, self)
        for unused in self.family.unused(self):
            warnings.warn(f"{self.family.name} ignores {unused}", ParameterWarning, stacklevel=4)
        for doubt in doubts_of(self):
            warnings.warn(doubt, ParameterWarning, stacklevel=4)

    @property
    def family(self) -> Family:
        """What the protocol makes of the parts."""
        if type(self.protocol) not in _BY_PROTOCOL:
            raise ParameterError(f"protocol must be one of {', '.join(FAMILIES)}, got {type(self.protocol).__name__}")
        return _BY_PROTOCOL[type(self.protocol)]

    @classmethod
    def read(cls, path: Path | str) -> Link:
        """The link of a LINK.toml. Raises ParameterError, with the line, on whatever is wrong in it."""
        return link_of(read_document(path))

    @classmethod
    def read_live(cls, path: Path | str) -> Link:
        """As read, of a link whose blocks can become keys. ParameterError where its family or its bound forbids it."""
        link = cls.read(path)
        try:
            link.agreement()
        except ParameterError as error:
            raise ParameterError(f"{path}: {error}") from None
        return link

    def write(self, path: Path | str) -> None:
        """Write LINK.toml, whole or not at all; reading it back gives an equal link."""
        tags = {"channel": {"kind": self.family.kind(self.channel)}, "protocol": {"name": self.family.name}}
        write_document(path, {name: {**tags.get(name, {}), **fields_of(getattr(self, name))} for name in _TABLES})

    def rate(self, distance_m: ArrayLike | None = None, optimise: bool = False) -> Rate:
        """Secret key rate at distance_m (any shape; None: the link's own length), by the bound of its security.

        Each distance is one block of expected counts. Never raises for a hopeless distance: its rate is 0.
        optimise: with the best settings at each distance (haris.quantum.families.optimum); ParameterError where the
        family has none to choose, and on a distance that is negative or not finite.
        """
        at_m = self.distances(distance_m)
        if optimise and at_m.size:
            return optimum(self.family, self, at_m)
        return in_chunks(partial(self.family.rate, self), at_m)

    def distances(self, distance_m: ArrayLike | None) -> NDArray[np.float64]:
        """Distances in metres; None: the link's own length. ParameterError on one that is negative or not finite."""
        at_m = np.asarray(self.channel.length_m if distance_m is None else distance_m, dtype=np.float64)
        if not np.all((at_m >= 0.0) & (at_m < np.inf)):
            raise ParameterError("distance_m must be finite and at least 0")
        return at_m

    def emulate(self, n_pulses: int, seed: int | bytes, eve_fraction: float = 0.0) -> tuple[Any, Any]:
        """Sampled light: Alice's half and Bob's half of n_pulses. The same seed gives the same light.

        eve_fraction: of the pulses, measured and resent by the Eve of a live fibre, InterceptResend among the attacks.
        Raises ParameterError where the family has no emulated light.
        """
        if self.family.emulate is None:
            raise ParameterError(f"there is no emulated light of {self.family.name}")
        return self.family.emulate(self, n_pulses, seed, eve_fraction)

    def agreement(self) -> Any:
        """What sifting and estimation need to know, without the physics. ParameterError where keys are not live."""
        return self.family.require_live(self).agreement(self)

    def expected_counts(self, n_pulses: float | None = None, distance_m: ArrayLike | None = None) -> Any:
        """Expected counts of n_pulses (None: one block) at distance_m; of decoy-bb84, distance_m.shape + (2, k).

        Raises ParameterError of a family whose keys are not live.
        """
        if self.family.live is None:
            raise ParameterError(f"there are no counts of {self.family.name}")
        return self.family.live.expected(self, n_pulses, distance_m)

    def block_length(self, counts: Any, leaked_bits: int) -> BlockLength:
        """Secret bits of one measured block: what both ends of a distillation are given as their length.

        Raises ParameterError if the link's bound is not one for live keys.
        """
        return self.family.live_length(self, counts, leaked_bits)


def link_of(document: Document) -> Link:
    """The link that a document describes. Raises ParameterError, with the line, on whatever is wrong in it."""
    document.only(*_TABLES)
    family = document.chosen("protocol", "name", FAMILIES)
    source = document.table("source", family.source)
    channel = document.choice("channel", "kind", family.media)
    detector: object = document.table("detector", family.detector)
    protocol = document.choice("protocol", "name", {family.name: family.protocol})
    security = document.table("security", Security) if "security" in document.values else Security()
    if "bound" not in document.values.get("security", {}):
        security = replace(security, bound=next(iter(family.bounds)))
    parts = (source, channel, detector, protocol, security)
    try:
        return Link(*parts)
    except ValueError as error:
        raise document.error(str(error), *_place(str(error).split()[0], parts)) from None


def _place(field: str, parts: tuple[Any, ...]) -> tuple[str, ...]:
    """The table and key of the field that an error begins with; of none that is known, the file itself."""
    holders = (table for table, part in zip(_TABLES, parts, strict=True) if field in fields_of(part))
    return next(((table, field) for table in holders), ())
