"""Predicted passes with the settings, and the slots, that give most key: known ahead from the prediction alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from haris.nouns.counts import by_intensity
from haris.quantum.security.bounds import key_length
from haris.quantum.space.optimum import Course, Receiver, optimum
from haris.quantum.space.pass_key import PassKey, pass_counts
from haris.quantum.space.pass_link import PassLink
from haris.quantum.space.slot_counts import Settings


def optimised(keys: Sequence[PassKey], link: PassLink, together: bool = False) -> tuple[PassKey, ...]:
    """The same passes, each by its own settings, or together by those that give most in all.

    Of a pass that gives key, slots are those to use. One that gives none stays as it is, and so does one to which the
    link's own settings give no less. The choice leans on the prediction: made from what was counted, no bound holds.
    Raises ParameterError of a protocol that is not decoy-bb84.
    """
    link.require_decoy_bb84("a choice of settings")
    lit = [i for i, each in enumerate(keys) if each.slots.unix_s.size]
    found = list(keys)
    for some in [lit] if together and lit else [[i] for i in lit]:
        own = Settings(link.source.intensities, link.source.p_intensities, link.protocol.p_key_basis)
        receiver = Receiver(link.source.clock_hz, link.channel.misalignment, link.detector, link.security)
        best = optimum([_course(keys[i], link) for i in some], receiver, own)
        chosen = link_with(link, best.settings)
        turned = [_with(keys[i], chosen, best.settings, used) for i, used in zip(some, best.windows, strict=True)]
        if sum(each.secret_bits for each in turned) > sum(keys[i].secret_bits for i in some):
            for i, each in zip(some, turned, strict=True):
                found[i] = each if together or each.secret_bits > 0 else keys[i]
    return tuple(found)


def link_with(link: PassLink, settings: Settings) -> PassLink:
    """The link with other settings, each a number."""
    mu, p = by_intensity(settings.intensities), by_intensity(settings.p_intensities)
    source = replace(link.source, intensities=tuple(mu.tolist()), p_intensities=tuple(p.tolist()))
    p_key_basis = float(np.asarray(settings.p_key_basis))
    return replace(link, source=source, protocol=replace(link.protocol, p_key_basis=p_key_basis))


def named(settings: Settings) -> dict[str, float]:
    """Settings that are numbers, by the names that an optimised link has them by."""
    mu, p = by_intensity(settings.intensities), by_intensity(settings.p_intensities)
    names = {f"intensity {i + 1}": float(each) for i, each in enumerate(mu)}
    names |= {f"p of intensity {i + 1}": float(each) for i, each in enumerate(p)}
    return names | {"p of the key basis": float(np.asarray(settings.p_key_basis))}


def _course(key: PassKey, link: PassLink) -> Course:
    slots = key.slots
    gates = np.full(slots.unix_s.shape, link.source.clock_hz * slots.duration_s)
    return Course(gates, slots.transmittance, slots.background)


def _with(key: PassKey, link: PassLink, settings: Settings, used: slice) -> PassKey:
    slots = key.slots.part(used)
    counts = pass_counts(
        link.source,
        link.detector,
        link.protocol.p_key_basis,
        link.channel.misalignment,
        slots.duration_s,
        slots.transmittance,
        slots.background,
    )
    length = key_length(counts, link.security)
    return replace(
        key,
        slots=slots,
        counts=counts,
        key=length,
        reason="" if length.length_bits > 0 else key.reason or "the settings of all passes give this one none",
        settings=settings,
    )
