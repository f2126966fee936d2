"""What two recordings of photon pairs came to: figures for JSON, and lines for the terminal."""

from __future__ import annotations

from typing import Any

import numpy as np

from haris.nouns.blocks import Aborted, Distilled
from haris.quantum.distill.coincidences import SiftedPairs
from haris.quantum.distill.paired_block import PairedBlock
from haris.quantum.security.key_length import KeyLength, Security

BASES = ("key", "test")


def figures(block: PairedBlock, pairs: SiftedPairs, key: KeyLength, security: Security) -> dict[str, Any]:
    """Every figure of a pairing, ready for JSON. The offset is that of the fit, at time_ps of Alice's clock."""
    fit, clock, counts = block.fit, block.clock, pairs.counts
    return {
        "time_ps": fit.time_ps,
        "offset_ps": fit.offset_ps + round(fit.residual_ps),
        "offset_sigma_ps": fit.offset_sigma_ps,
        "frequency_error": clock.frequency_error,
        "frequency_drift_per_s": clock.frequency_drift_per_s,
        "jitter_ps": fit.jitter_ps,
        "log2_false_alarm": -fit.false_alarm_bits,
        "skew_ps": dict(zip(("alice", "bob"), block.skew_ps().tolist(), strict=True)),
        "tracked_s": clock.span_ps / 1e12,
        "window_ps": block.window_ps,
        "events": [len(block.alice.bit), len(block.bob.bit)],
        "coincidences": len(block.found.alice),
        "by_chance": block.found.by_chance,
        "sifted": dict(zip(BASES, counts.coincidences.tolist(), strict=True)),
        "errors": dict(zip(BASES, counts.errors.tolist(), strict=True)),
        "qber": dict(zip(BASES, counts.qber.tolist(), strict=True)),
        "visibility": dict(zip(BASES, (1.0 - 2.0 * counts.qber).tolist(), strict=True)),
        "bound": security.bound,
        "epsilon": security.epsilon,
        "secret_bits": int(key.length_bits),
        "terms": [{"name": t.name, "value": float(t.value), "unit": t.unit, "source": t.source} for t in key.terms],
    }


def distilled_figures(alice: Distilled | Aborted, bob: Distilled | Aborted) -> dict[str, Any]:
    """What both engines made of the block, ready for JSON; of an aborted one the reason."""
    if isinstance(alice, Aborted) or isinstance(bob, Aborted):
        end = alice if isinstance(alice, Aborted) else bob
        assert isinstance(end, Aborted)
        return {"secret_bits": 0, "reason": str(end.reason), "detail": end.detail}
    return {
        "secret_bits": len(alice.bits),
        "same_at_both_ends": bool(np.array_equal(alice.bits, bob.bits)),
        "leaked_bits": alice.leaked_bits,
    }


def text(told: dict[str, Any]) -> str:
    """The figures in lines."""
    lines = [
        f"offset        {_seconds(told['offset_ps'])} s +- {told['offset_sigma_ps']:.3g} ps (Bob's clock less Alice's)",
        f"              when hers showed {_seconds(told['time_ps'])} s",
        f"frequency     {told['frequency_error']:+.4g}, growing by {told['frequency_drift_per_s']:+.2g} a second",
        f"jitter        {told['jitter_ps']:.0f} ps a pair; windows of {told['window_ps']} ps",
        f"skew          {_skew(told, 'alice')} ps of Alice's detectors, {_skew(told, 'bob')} of Bob's",
        f"tracked       {told['tracked_s']:.3f} s",
        f"events        {told['events'][0]:,} at Alice, {told['events'][1]:,} at Bob",
        f"coincidences  {told['coincidences']:,}, about {told['by_chance']:.0f} of them by chance",
    ]
    lines += [
        f"{basis + ' basis':<13} {told['sifted'][basis]:,} sifted, QBER {told['qber'][basis]:.2%}, "
        f"visibility {told['visibility'][basis]:.2%}"
        for basis in BASES
    ]
    lines.append(f"key           {told['secret_bits']:,} bits by {told['bound']}, epsilon {told['epsilon']:.3g}")
    if "distilled" in told:
        lines.append(f"distilled     {_distilled(told['distilled'])}")
    return "\n".join(lines)


def _skew(told: dict[str, Any], site: str) -> str:
    return ", ".join(f"{late:+.0f}" for late in told["skew_ps"][site])


def _seconds(time_ps: int) -> str:
    """All twelve places: a float of a long time has fewer."""
    whole, rest = divmod(abs(time_ps), 10**12)
    return f"{'-' if time_ps < 0 else ''}{whole}.{rest:012d}"


def _distilled(told: dict[str, Any]) -> str:
    if "reason" in told:
        return f"no key: {told['detail']}"
    same = "the same" if told["same_at_both_ends"] else "not the same"
    return f"{told['secret_bits']:,} bits, {same} at both ends; {told['leaked_bits']:,} bits disclosed"
