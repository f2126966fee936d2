"""The report on a source of random numbers, for an evaluator: from values to a document."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy import dieharder
from haris.quantum.entropy.assessed import ASSESSED
from haris.quantum.entropy.assessment.non_iid import Assessment
from haris.quantum.entropy.certificate import Certificate
from haris.quantum.entropy.source import EntropySource, SampleStatistics
from haris.quantum.entropy.sp800_22 import verdict as sp800_22
from haris.report.document import Bullets, Cell, Document, Mark, Picture, Section, Table
from haris.report.entropy_figures import autocorrelation_figure, histogram_figure, spectrum_figure
from haris.report.entropy_limits import NO_MODEL, NOT_SHOWN, OF_A_BLOCK
from haris.report.entropy_tests import appendix, dieharder_section, sp800_22_section


@dataclass(frozen=True, slots=True)
class HashedFile:
    """What was read of a file or stream: its part in the report, its octets, and their SHA-256 in hexadecimal."""

    name: str
    part: str
    octets: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that the report tells.

    certificate: of one block by the source's bound. samples: raw. model: emulated samples of the same source.
    assessment: of assessed_bits of the first n_assessed samples. shannon_bits: see shannon.py, of all samples. bits,
    stream: verdicts on extracted bits; None where the tests were not run, for the reason in no_bits or no_stream.
    versions: of what computed this. date: in words.
    """

    entropy: EntropySource
    certificate: Certificate
    samples: RawSamples
    model: RawSamples
    assessment: Assessment
    n_assessed: int
    assessed_bits: int
    shannon_bits: float
    bits: sp800_22.Verdict | None
    no_bits: str
    sequence_bits: int
    stream: dieharder.Verdict | None
    no_stream: str
    files: tuple[HashedFile, ...]
    versions: tuple[tuple[str, str], ...]
    date: str

    @property
    def contradicted(self) -> bool:
        """Whether the bound credits a sample with more than its Shannon entropy in the recording can be."""
        return self.certificate.randomness.min_entropy_per_sample > self.shannon_bits

    @property
    def above_estimate(self) -> bool:
        """Whether the bound leaves more in what was assessed than SP 800-90B estimates of a single sample."""
        return self.bound_of_assessed > self.assessment.min_entropy

    @property
    def bound_of_assessed(self) -> float:
        """Min-entropy that the bound leaves in the assessed bits of a sample: each other bit takes at most one."""
        per_sample = self.certificate.randomness.min_entropy_per_sample
        return max(0.0, per_sample - (self.samples.bits - self.assessed_bits))

    @property
    def passed(self) -> bool:
        """Whether bits are certified, the recording does not contradict them, and no test that was run rejects."""
        verdicts = [verdict.passed for verdict in (self.bits, self.stream) if verdict is not None]
        return self.certificate.certified_bits_hz > 0.0 and not self.contradicted and all(verdicts)


def document(evaluation: Evaluation) -> Document:
    """The report as plain data."""
    source = evaluation.entropy.source
    return Document(
        f"Report on a source of random numbers: {source.name}",
        f"{_capital(source.title)}. Made {evaluation.date} by haris {dict(evaluation.versions).get('haris', '')}.",
        (
            Section("At a glance", (at_a_glance(evaluation),)),
            _source(evaluation),
            _bound(evaluation),
            _samples(evaluation),
            _assessment(evaluation),
            sp800_22_section(evaluation.bits, evaluation.no_bits, evaluation.sequence_bits),
            dieharder_section(evaluation.stream, evaluation.no_stream),
            Section("What this does not show", (Bullets(NOT_SHOWN),)),
            _provenance(evaluation),
            *appendix(evaluation.bits),
        ),
    )


def at_a_glance(evaluation: Evaluation) -> Table:
    """What was found, a line each."""
    found, estimate = evaluation.certificate, evaluation.assessment
    per_sample = found.randomness.min_entropy_per_sample
    bits, stream = evaluation.bits, evaluation.stream
    all_bits = evaluation.assessed_bits == evaluation.samples.bits
    assessed = "a sample" if all_bits else f"in the lowest {evaluation.assessed_bits} bits of a sample"
    rows: list[tuple[Cell, ...]] = [
        (
            "Certified bits",
            _mark(found.certified_bits_hz > 0.0, "certified", "nothing"),
            f"{rate(found.certified_bits_hz)}: {found.out_bits} of {found.raw_bits} bits of a block; "
            f"{per_sample:.4f} bits of min-entropy a sample of {evaluation.samples.bits}",
        ),
        ("Epsilon", Mark("stated"), f"{power(found.epsilon)} a block, {power(found.epsilon_year)} over a year"),
        (
            "SP 800-90B",
            Mark("lower") if evaluation.above_estimate else Mark("agrees", True),
            f"estimated {estimate.min_entropy:.4f} bits {assessed}; the bound leaves "
            f"{evaluation.bound_of_assessed:.4f} there at least",
        ),
        (
            "Shannon entropy",
            _mark(not evaluation.contradicted, "agrees", "CONTRADICTS"),
            f"at most {evaluation.shannon_bits:.4f} bits a sample in the recording, which no bound can exceed",
        ),
        (
            "SP 800-22",
            Mark("not run") if bits is None else _mark(bits.passed, "passed", "REJECTED"),
            evaluation.no_bits
            if bits is None
            else f"{bits.n_sequences} sequences, {len(bits.rows)} tests, {len(bits.rejected)} rejected; ideal bits are "
            f"rejected with probability {bits.false_rejection:g}",
        ),
        (
            "dieharder",
            Mark("not run")
            if stream is None
            else _mark(stream.passed, "passed", "REJECTED" if stream.rejected else "INCOMPLETE"),
            evaluation.no_stream
            if stream is None
            else f"{stream.n_hypotheses} P-values, {len(stream.rejected)} tests rejected, {len(stream.failed)} without "
            f"a result, {len(stream.left_out)} not planned",
        ),
    ]
    return Table(("", "", ""), tuple(rows), (2.0, 1.6, 8.0))


def _source(evaluation: Evaluation) -> Section:
    parameters = evaluation.entropy.parameters
    rows = tuple((f.name, _shown(getattr(parameters, f.name))) for f in dataclasses.fields(parameters))
    proof = evaluation.certificate.randomness.proof
    return Section(
        "Source and model",
        (
            f"{_capital(evaluation.entropy.source.title)}. Parameters as described in SOURCE.toml:",
            Table(("parameter", "value"), rows, (3.0, 7.0)),
            f"The adversary: {proof.attacks}. The bound: {proof.theorem}. It assumes that",
            Bullets(proof.assumptions),
        ),
    )


def _bound(evaluation: Evaluation) -> Section:
    found, extraction = evaluation.certificate, evaluation.entropy.extraction
    randomness = found.randomness
    terms = tuple((t.name, _value(t.value, t.unit), t.meaning, t.source) for t in randomness.terms)
    spent = f", net of {randomness.spent_bits:.6g} random bits that the source uses up" if randomness.spent_bits else ""
    epsilons = (
        ("bound on the min-entropy, with every estimate in it", power(randomness.epsilon)),
        ("hashing (leftover hash lemma, Tomamichel et al. 2011)", power(found.epsilon - randomness.epsilon)),
        ("a block: distance of its output from uniform and unknown", power(found.epsilon)),
        (f"a year: {found.blocks_hz:.6g} blocks a second, added up", power(found.epsilon_year)),
    )
    return Section(
        "Bound and epsilon",
        (
            Table(("term", "value", "meaning", "from"), terms, (2.3, 2.0, 4.2, 2.8), numbers=(1,)),
            f"A block of {randomness.n_samples} samples has {randomness.min_entropy_bits:.6g} bits of smooth "
            f"min-entropy; {found.out_bits} of its {found.raw_bits} raw bits are taken (at most {found.allowed_bits} "
            f"are allowed), {rate(found.certified_bits_hz)}{spent}. Hashed by seeded Toeplitz matrices; block_bits = "
            f"{extraction.block_bits}. The seed is independent of the source; a seed that is used again adds the "
            "errors of its blocks, which the sum over a year does.",
            Table(("what may fail", "epsilon"), epsilons, (8.0, 3.0), numbers=(1,)),
        ),
    )


def _samples(evaluation: Evaluation) -> Section:
    samples, model = evaluation.samples, evaluation.entropy.source.statistics(evaluation.entropy.parameters)
    return Section(
        "Samples beside their model",
        (
            f"{len(samples)} raw samples of {samples.bits} bits. The model's histogram is that of "
            f"{len(evaluation.model)} emulated samples.{NO_MODEL if evaluation.entropy.source is ASSESSED else ''}",
            _moments(samples, model),
            Picture(histogram_figure(samples, evaluation.model), "Histogram of the raw samples, and of the model."),
            Picture(
                autocorrelation_figure(samples, model),
                "Normalised autocorrelation. White samples leave the band at some lag once in 1000 recordings.",
            ),
            Picture(spectrum_figure(samples, model), "Power spectral density; white noise of this variance is 0 dB."),
        ),
    )


def _moments(samples: RawSamples, model: SampleStatistics) -> Table:
    values, top = samples.values, (1 << samples.bits) - 1
    saturated = np.count_nonzero((values == 0) | (values == top)) / len(values)
    rows = (
        ("mean (codes)", f"{values.mean():.4f}", f"{model.mean:.4f}"),
        ("standard deviation (codes)", f"{values.std():.4f}", f"{math.sqrt(model.variance):.4f}"),
        ("lowest and highest code together", f"{saturated:.3e}", f"{model.p_saturated:.3e}"),
        ("distinct codes", str(len(np.unique(values))), f"of {top + 1}"),
    )
    return Table(("", "samples", "model"), rows, (5.0, 3.0, 3.0), numbers=(1, 2))


def _assessment(evaluation: Evaluation) -> Section:
    found = evaluation.assessment
    names = {**found.bitstring, **found.literal}
    rows = tuple(
        (
            name,
            *(
                "" if name not in track else _estimate(track[name].min_entropy)
                for track in (found.bitstring, found.literal)
            ),
        )
        for name in names
    )
    reduced = (
        f" Of each sample its lowest {evaluation.assessed_bits} bits were assessed, which is all that the standard's "
        "tool takes: a function of a sample has no more entropy than the sample."
        if evaluation.assessed_bits < evaluation.samples.bits
        else ""
    )
    return Section(
        "Estimates by NIST SP 800-90B",
        (
            f"Non-IID track, on {evaluation.n_assessed} samples.{reduced} The assessed min-entropy, the least of all, "
            f"is {found.min_entropy:.6f} bits; the bound leaves {evaluation.bound_of_assessed:.6f} at least in them."
            + (OF_A_BLOCK if evaluation.above_estimate else ""),
            Table(("estimator", "a bit", "a sample"), rows, (6.0, 2.0, 2.0), numbers=(1, 2)),
        ),
    )


def _provenance(evaluation: Evaluation) -> Section:
    files = tuple((f.part, f.name, f"{f.octets}", f.sha256) for f in evaluation.files)
    return Section(
        "Versions and hashes",
        (
            Table(("what", "version"), evaluation.versions, (3.0, 7.0)),
            Table(("part", "file", "octets", "SHA-256"), files, (2.0, 2.6, 1.7, 5.2), numbers=(2,)),
        ),
    )


def _mark(good: bool, if_good: str, if_bad: str) -> Mark:
    return Mark(if_good if good else if_bad, good)


def rate(bits_hz: float) -> str:
    """Bits a second with a prefix."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if bits_hz >= size:
            return f"{bits_hz / size:.4g} {prefix}bit/s"
    return f"{bits_hz:.4g} bit/s"


def power(epsilon: float) -> str:
    """A small probability in decimals and as a power of two."""
    return f"{epsilon:.3g} (2^{math.log2(epsilon):.1f})" if epsilon > 0.0 else "0"


def _value(value: np.ndarray, unit: str) -> str:
    return f"{float(value):.6g} {unit}".strip() if value.ndim == 0 else " ".join(f"{v:.4g}" for v in value.flat)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none"
    return "not stated" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _estimate(value: float | None) -> str:
    return "too few" if value is None else f"{value:.6f}"
