"""What a distillation came to: figures, and where the time went."""

from __future__ import annotations

from typing import Any

from haris.crypto.wegman_carter import forgery_probability
from haris.kernels.toeplitz import instruction_set
from haris.node.distil.block import STAGES
from haris.node.distil.run import Result, Source
from haris.nouns.keys import Pedigree, Proof
from haris.report.bell_test import bell_figures, bell_lines
from haris.report.quadrature_blocks import of_quadratures, quadrature_figures, quadrature_lines
from haris.wire.pedigree import write_pedigree

NO_PROOF = "three states: no theorem here covers them; the length is what the bound of four states would give"
RAW_PROOF = Proof(
    theorem=f"none ({NO_PROOF})",
    attacks="none",
    finite=False,
    assumptions=("sifted, gated and timed by the laboratory's own system, in blocks of its own choosing",),
)


def pedigree(source: Source, tagged_octets: int) -> Pedigree:
    """What may be said of the key of a block whose two tags covered so many octets each."""
    if source.raw:
        return Pedigree(None, source.origin, RAW_PROOF, epsilon_reason=NO_PROOF)
    proof = source.link.family.live_proof(source.link)
    return Pedigree(source.link.security.epsilon + 2 * forgery_probability(tagged_octets), source.origin, proof)


def figures(source: Source, result: Result) -> dict[str, Any]:
    """Every figure of a run, ready for JSON; None where nothing was counted."""
    quadratures = of_quadratures(source)
    test_clicks = 0 if quadratures else result.clicks[1]
    counted = quadrature_figures(source, result) if quadratures else {"sifted_bits": result.clicks[0]}
    return {
        "origin": str(source.origin),
        "blocks": result.n_blocks,
        "keys": len(result.kept),
        "aborted": [{"block": o.number, "reason": str(o.reason), "detail": o.detail} for o in result.aborted],
        "elapsed_s": result.elapsed_s,
        **counted,
        "secret_bits": result.secret_bits,
        "pad_bits": result.pad_bits,
        **({} if quadratures else {"sifted_mbit_s": result.sifted_bit_s / 1e6}),
        "secret_mbit_s": result.secret_bit_s / 1e6,
        "qber_key": None if quadratures else result.qber_key,
        "qber_test": result.errors[1] / test_clicks if test_clicks else None,
        **bell_figures(source, result),
        "f": result.efficiency(result.leaked_bits_one_way),
        "f_strict": result.efficiency(result.leaked_bits),
        "isa": instruction_set(),
        "stages": stages(result),
        **write_pedigree(pedigree(source, max((o.octets for o in result.kept), default=0))),
    }


def stages(result: Result) -> dict[str, dict[str, dict[str, float]]]:
    """Seconds of the wall and of the processor by who spent them and stage, with the share of the run's seconds."""
    spent = {sender.name.lower(): (times.wall_s, times.cpu_s) for sender, times in result.times.items()}
    if any(result.light.wall_s.values()):
        spent["light"] = result.light.wall_s, result.light.cpu_s
    return {
        who: {
            stage: {
                "wall_s": wall_s[stage],
                "cpu_s": cpu_s[stage],
                "cpu_share": cpu_s[stage] / result.elapsed_s,
            }
            for stage in STAGES
            if wall_s[stage] or cpu_s[stage]
        }
        for who, (wall_s, cpu_s) in spent.items()
    }


def table(source: Source, result: Result) -> str:
    """The same for people."""
    shown = figures(source, result)
    lines = [
        f"{result.n_blocks} blocks, {len(result.kept)} keys, {result.secret_bits:,} secret bits "
        f"in {result.elapsed_s:.3g} s",
        *(quadrature_lines(shown) if of_quadratures(source) else _click_lines(shown)),
        *bell_lines(shown),
        f"secret {_number(shown['secret_mbit_s'])} Mbit/s after {result.pad_bits:,} bits of pad for tags",
        f"origin {shown['origin']}: {shown['haris_proof']['theorem']}, for {shown['haris_proof']['attacks']} attacks",
        "",
        f"{'stage':<14}" + "".join(f"{who + ' cpu':>12}{'share':>8}" for who in shown["stages"]),
    ]
    for stage in STAGES:
        cells = ""
        for spent in shown["stages"].values():
            one = spent.get(stage)
            cells += f"{one['cpu_s']:>10.3f} s{one['cpu_share']:>8.1%}" if one else f"{'-':>12}{'-':>8}"
        lines.append(f"{stage:<14}{cells}")
    for outcome in result.aborted:
        lines.append(f"block {outcome.number} gave no key: {outcome.reason}: {outcome.detail}")
    return "\n".join(lines)


def _click_lines(shown: dict[str, Any]) -> list[str]:
    return [
        f"sifted {_number(shown['sifted_mbit_s'])} Mbit/s",
        f"QBER key basis {_percent(shown['qber_key'])}, test basis {_percent(shown['qber_test'])}; "
        f"f {_number(shown['f'])}, {_number(shown['f_strict'])} counted in both directions",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
