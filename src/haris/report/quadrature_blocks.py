"""What a distillation of continuous variables came to, block by block, beside what was planned."""

from __future__ import annotations

from typing import Any

from haris.node.distil.desk import Outcome
from haris.node.distil.run import Result, Source
from haris.quantum.protocols.quadratures import QuadratureAgreement

_TERMS = (
    "transmittance",
    "transmittance_deviation",
    "excess_noise",
    "excess_noise_deviation",
    "snr",
    "information",
    "worst_holevo",
    "beta",
)


def of_quadratures(source: Source) -> bool:
    """Whether a run's blocks are of continuous variables."""
    return isinstance(source.link.agreement(), QuadratureAgreement)


def quadrature_figures(source: Source, result: Result) -> dict[str, Any]:
    """Values, frames, and each block's estimates, ready for JSON.

    planned_bits: of a block, by the link's rate; value_s: values of the key and of the sample a second, of blocks with
    and without a key.
    """
    outcomes = sorted((*result.kept, *result.aborted), key=lambda outcome: outcome.number)
    values = sum(sum(outcome.clicks) for outcome in outcomes)
    return {
        "key_values": result.clicks[0],
        "sample_values": result.clicks[1],
        "mvalue_s": values / result.elapsed_s / 1e6,
        "frames": sum(outcome.frames[0] for outcome in result.kept),
        "frames_kept": sum(outcome.frames[1] for outcome in result.kept),
        "planned_bits": int(source.link.rate().key.length_bits),
        "estimates": [_block(outcome) for outcome in result.kept],
    }


def _block(outcome: Outcome) -> dict[str, Any]:
    frames = {"frames": outcome.frames[0], "frames_kept": outcome.frames[1]}
    known = {name: outcome.terms[name] for name in _TERMS if name in outcome.terms}
    return {
        "block": outcome.number,
        "secret_bits": outcome.secret_bits,
        "scheme": outcome.scheme,
        **frames,
        **known,
    }


def quadrature_lines(shown: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [
        f"{shown['mvalue_s']:.3g} million values/s: {shown['key_values']:,} for the key, {shown['sample_values']:,} "
        f"disclosed; {shown['frames_kept']} of {shown['frames']} frames decoded; planned {shown['planned_bits']:,} "
        "bits a block"
    ]
    for block in shown["estimates"]:
        lines.append(
            f"block {block['block']}: T {block['transmittance']:.4f} ± {block['transmittance_deviation']:.2g}, excess "
            f"noise {block['excess_noise']:.4f} ± {block['excess_noise_deviation']:.2g} SNU at the output, SNR "
            f"{block['snr']:.3g}; {block['scheme']}; beta {block['beta']:.3f}; {block['secret_bits']:,} bits"
        )
    return lines
