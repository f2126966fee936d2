"""The noise of a link of quadratures as a table, and what waveforms gave."""

from __future__ import annotations

from haris.quantum.emulate.noise_budget import NoiseBudget
from haris.quantum.families.measured_noise import MeasuredNoise
from haris.quantum.security.gaussian_channel import GaussianChannel


def budget_table(budget: NoiseBudget, channel: GaussianChannel) -> str:
    """Every cause at one distance; what is ideal is named in a line of its own. channel: as it is estimated."""
    t = max(float(channel.transmittance), 1e-300)
    lines = [f"transmittance {t:.4g} as it is estimated, {float(budget.kept):.4f} of the fibre's"]
    lines += [f"  phase {each.name:<10} {float(each.value):.4g} rad^2, {each.meaning}" for each in budget.phase]
    if float(budget.pilot_bandwidth_hz) > 0.0:
        lines.append(f"  pilot filter     {float(budget.pilot_bandwidth_hz):.4g} Hz")
    total = max(float(budget.excess_snu), 1e-300)
    lines += ["", f"{'counted as Eve' + chr(39) + 's':<16} {'at output':>10} {'at input':>10}  share"]
    for each in budget.excess:
        value = float(each.value)
        if value > 0.0:
            lines.append(f"  {each.name:<14} {value:>10.3g} {value / t:>10.3g}  {value / total:>5.1%}  {each.meaning}")
            lines.append(f"  {'':<43} [{each.source}]")
    lines.append(f"  {'all, in SNU':<14} {float(budget.excess_snu):>10.3g} {float(budget.excess_snu) / t:>10.3g}")
    lines += ["", f"{'of the receiver':<16} {'of a value':>10}"]
    for each in budget.receiver:
        if float(each.value) > 0.0:
            lines.append(f"  {each.name:<14} {float(each.value):>10.3g} {'':>18}  {each.meaning}")
            lines.append(f"  {'':<43} [{each.source}]")
    lines.append(f"  {'all, in SNU':<14} {float(budget.receiver_snu):>10.3g}")
    ideal = [each.name for each in (*budget.excess, *budget.receiver) if not float(each.value) > 0.0]
    return "\n".join(lines + (["", f"none: {', '.join(ideal)}"] if ideal else []))


def measured_table(measured: MeasuredNoise, budget: NoiseBudget, channel: GaussianChannel) -> str:
    """What waveforms gave, beside what was expected."""
    found, bob = measured.channel, measured.bob
    return "\n".join(
        (
            f"waveforms of {measured.alice.n_symbols:,} symbols, pilot {bob.pilot_ratio:.4g} times its noise, "
            f"lasers {bob.frequency_offset_hz:.6g} Hz apart",
            f"  transmittance  {float(found.transmittance):.5f}, expected {float(channel.transmittance):.5f}",
            f"  excess noise   {float(found.noise_snu):.5f} +- {measured.error_snu:.5f} SNU at the output, "
            f"expected {float(budget.excess_snu):.5f}",
            f"  in the dark    {bob.electronic_noise_snu:.5f} SNU a value, expected {float(budget.receiver_snu):.5f}",
        )
    )
