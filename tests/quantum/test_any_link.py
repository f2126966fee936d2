"""What must hold for every link of every family: random valid settings, walked to from the examples.

The settings are drawn by the name and type of each field, so that a family more, or a field more, is in here by itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.families.magnitudes import LEAST, MOST
from haris.quantum.link import FAMILIES, Link
from haris.quantum.security.limits import plob, single_repeater

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "links").glob("*.toml"))
PARTS = ("source", "channel", "detector", "protocol", "security")
WITH_A_STATION = ("sns-tf", "mode-pairing")
"""Families that the capacity of the whole channel does not bind, but that of half of it."""


def examples_of(family: str) -> list[Link]:
    links = [Link.read(path) for path in EXAMPLES]
    return [link for link in links if link.family.name == family]


def drawn(rng: np.random.Generator, name: str, kind: Any, now: Any) -> Any:
    """A value for a field of that name and type; now: what it is."""
    if get_origin(kind) is Literal:
        return rng.choice(get_args(kind)).item()
    if kind is bool:
        return bool(rng.integers(2))
    if kind is int:
        return int(10.0 ** rng.uniform(0.0, 19.0 if name.startswith("block") else 2.0))
    if isinstance(now, tuple):
        return several(rng, name, len(now))
    if name.endswith("_hz"):
        return 10.0 ** rng.uniform(0.0, 11.0)
    if name == "length_m":
        return float(rng.choice([0.0, 10.0 ** rng.uniform(0.0, 7.0)]))
    if "_db" in name:
        return float(rng.choice([0.0, rng.uniform(0.0, 1.0), rng.uniform(0.0, 100.0)]))
    low = 10.0 ** rng.uniform(-15.0, 0.0)
    return float(rng.choice([0.0, 1.0, low, 1.0 - low, rng.uniform(0.0, 1.0), 10.0 ** rng.uniform(0.0, 4.0)]))


def several(rng: np.random.Generator, name: str, n: int) -> tuple[float, ...]:
    if name.startswith("p_"):
        shares = rng.dirichlet(np.full(n, rng.choice([0.2, 1.0, 5.0])))
        return tuple((shares / shares.sum()).tolist())
    values = np.sort(10.0 ** rng.uniform(-6.0, 0.5, n))[::-1]
    values[-1] *= rng.integers(2)
    return tuple(values.tolist())


def steps(rng: np.random.Generator, holder: Any, share: float) -> Iterator[Callable[[Any], Any]]:
    """Changes of one field each, for some of its fields; parts within it change in their own fields."""
    hints = get_type_hints(type(holder))
    for each in fields(holder):
        now, kind = getattr(holder, each.name), hints[each.name]
        if is_dataclass(now):
            for inner in steps(rng, now, share):
                yield lambda outer, name=each.name, inner=inner: replace(outer, **{name: inner(getattr(outer, name))})
        elif each.name != "bound" and rng.uniform() < share and not any(map(is_dataclass, get_args(kind))):
            value = drawn(rng, each.name, kind, now)
            yield lambda outer, name=each.name, value=value: replace(outer, **{name: value})


def walked(rng: np.random.Generator, link: Link) -> Link:
    """A link of the same family, after a step for some of its fields; a step that does not fit is not made."""
    share = float(rng.choice([0.1, 0.4, 0.9]))
    for part in PARTS:
        for step in steps(rng, getattr(link, part), share):
            try:
                link = replace(link, **{part: step(getattr(link, part))})
            except ParameterError:
                continue
    return link


def links_of(family: str, n: int, seed: int) -> Iterator[Link]:
    rng = np.random.default_rng(seed)
    starts = examples_of(family)
    for _ in range(n):
        yield walked(rng, starts[rng.integers(len(starts))])


def by_every_bound(link: Link) -> Iterator[Link]:
    """The link by each bound that its settings fit."""
    for name in link.family.bounds:
        try:
            yield replace(link, security=replace(link.security, bound=name))
        except ParameterError:
            continue


def require_lawful(link: Link) -> None:
    """Rates by every bound are finite, at least 0, below the capacity, and finite blocks give no more than endless."""
    at_m = np.unique([0.0, link.channel.length_m, 3e3, 1e5, 4e5, 1e9])
    rates = {each.security.bound: each.rate(at_m).secret_bits_per_pulse for each in by_every_bound(link)}
    transmittance = link.channel.transmittance(at_m)
    limit = single_repeater(transmittance) if link.family.name in WITH_A_STATION else plob(transmittance)
    for name, rate in rates.items():
        assert np.all(np.isfinite(rate)), (name, rate)
        assert np.all(rate >= 0.0), (name, rate)
        assert np.all(rate <= limit * (1.0 + 1e-9)), (name, rate, limit)
        assert rate[-1] == 0.0 or transmittance[-1] > 1e-30, (name, rate)
    endless = [rate for name, rate in rates.items() if not link.family.bounds[name].finite]
    for name, rate in rates.items():
        if link.family.bounds[name].finite and endless:
            assert np.all(rate <= np.max(endless, axis=0) * (1.0 + 1e-9)), (name, rates)


def require_all_lawful(family: str, n: int, seed: int) -> None:
    assert examples_of(family), f"no example of {family}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ParameterWarning)
        for link in links_of(family, n, seed):
            try:
                require_lawful(link)
            except Exception as error:
                raise AssertionError(f"{link!r}") from error


@pytest.mark.parametrize("family", FAMILIES)
def test_any_valid_link_is_lawful(family):
    require_all_lawful(family, 60, 1)


@pytest.mark.trial
@pytest.mark.parametrize("family", FAMILIES)
def test_a_hundred_thousand_valid_links_are_lawful(family):
    require_all_lawful(family, 100_000, 2)


EXTREMES = (5e-324, LEAST, 1e-20, 1e-12, 1.0 - 2.0**-53, 1e12, MOST)


def extremes(holder: Any) -> Iterator[Callable[[Any], Any]]:
    """Changes of one number each to an extreme one; of a tuple each entry, the others sharing what is left of p_."""
    for each in fields(holder):
        now = getattr(holder, each.name)
        if is_dataclass(now):
            for inner in extremes(now):
                yield lambda outer, name=each.name, inner=inner: replace(outer, **{name: inner(getattr(outer, name))})
            continue
        values: list[Any] = []
        if isinstance(now, tuple):
            values = [entered(each.name, now, at, value) for at in range(len(now)) for value in EXTREMES]
        elif isinstance(now, float):
            values = list(EXTREMES)
        elif isinstance(now, int) and not isinstance(now, bool):
            values = [1, 2, 2**63 - 1, 10**30]
        for value in values:
            yield lambda outer, name=each.name, value=value: replace(outer, **{name: value})


def entered(name: str, now: tuple[float, ...], at: int, value: float) -> tuple[float, ...]:
    rest = sum(now) - now[at] or 1.0
    share = (1.0 - value) / rest if name.startswith("p_") else 1.0
    return tuple(value if i == at else each * share for i, each in enumerate(now))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_number_at_the_end_of_what_is_taken_is_lawful(family):
    link = examples_of(family)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ParameterWarning)
        for part in PARTS:
            for step in extremes(getattr(link, part)):
                try:
                    extreme = replace(link, **{part: step(getattr(link, part))})
                except ParameterError:
                    continue
                try:
                    require_lawful(extreme)
                except Exception as error:
                    raise AssertionError(f"{extreme!r}") from error


@pytest.mark.parametrize(
    ("family", "value"), [("gaussian-cv", 5e-324), ("cv-mdi", 1e-31), ("cv-mdi", 1e31), ("gaussian-cv", 1.7e308)]
)
def test_a_number_beyond_is_refused_by_its_field(family, value):
    link = examples_of(family)[0]
    with pytest.raises(ParameterError, match=r"^modulation_variance_snu must be at (least 1e-30|most 1e\+30) in"):
        replace(link, source=replace(link.source, modulation_variance_snu=value))


def test_shares_and_variances_that_no_number_is_left_of_are_refused():
    flawed, qam = examples_of("loss-tolerant")[0], examples_of("discrete-cv")[0]
    with pytest.raises(ParameterError, match=r"^p_key_basis must lie in \[1e-15, 1\), got 5e-324"):
        replace(flawed, protocol=replace(flawed.protocol, p_key_basis=5e-324))
    with pytest.raises(ParameterError, match=r"^modulation_variance_snu must be at least 1e-20, got 5e-324"):
        replace(qam, source=replace(qam.source, modulation_variance_snu=5e-324))


WORSE = {
    "p_dark": 4.0,
    "p_dark_alice": 4.0,
    "p_dark_bob": 4.0,
    "excess_noise_snu": 2.0,
    "output_noise_snu": 2.0,
    "electronic_noise_snu": 2.0,
    "block_pulses": 0.05,
}
"""Fields by name, and the factor by which each makes a link worse."""


def untrusted(link: Link) -> Link:
    """The link with noise of the receiver in Eve's reach, where that can be said."""
    detector: Any = link.detector
    return replace(link, detector=replace(detector, trusted=False)) if hasattr(detector, "trusted") else link


def worse(link: Link, name: str, factor: float) -> Link | None:
    for part in PARTS:
        holder = getattr(link, part)
        if hasattr(holder, name) and name in {each.name for each in fields(holder)}:
            value = getattr(holder, name) * factor
            return replace(link, **{part: replace(holder, **{name: int(value) if name == "block_pulses" else value})})
    return None


def require_noise_never_helps(link: Link) -> None:
    """With the best settings, and the receiver's noise in Eve's reach."""
    link = untrusted(link)
    at_m = link.channel.length_m * np.array([0.2, 0.6, 1.0])
    best = link.rate(at_m, optimise=True).secret_bits_per_pulse
    assert np.all(np.diff(best) <= 0.0)
    for name, factor in WORSE.items():
        poorer = worse(link, name, factor)
        if poorer is not None:
            # The search stops near the best, not at it.
            assert np.all(poorer.rate(at_m, optimise=True).secret_bits_per_pulse <= best * 1.005), name


@pytest.mark.filterwarnings("ignore::haris.nouns.errors.ParameterWarning")
@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.knobs])
def test_with_the_best_settings_noise_and_smaller_blocks_never_help(family):
    require_noise_never_helps(examples_of(family)[0])


@pytest.mark.trial
@pytest.mark.filterwarnings("ignore::haris.nouns.errors.ParameterWarning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_with_the_best_settings_noise_helps_no_example(path):
    link = Link.read(path)
    if link.family.knobs:
        require_noise_never_helps(link)
