"""Pedigrees of joined keys."""

import math

from hypothesis import given
from hypothesis import strategies as st

from haris.keys.pedigree import join_pedigrees, worse_pedigree
from haris.nouns.keys import Origin, Pedigree, Proof

proofs = st.builds(Proof, st.sampled_from(["t", "u"]), st.just("coherent"), st.booleans())
pedigrees = st.builds(Pedigree, st.floats(0, 1e-6), st.sampled_from(Origin), proofs, st.integers(1, 9))


@given(st.lists(pedigrees, min_size=1, max_size=5))
def test_epsilons_add_and_the_worst_origin_wins(parts):
    joined = join_pedigrees(parts)
    assert math.isclose(joined.epsilon, math.fsum(part.epsilon for part in parts))
    assert joined.hops == max(part.hops for part in parts)
    origins = {part.origin for part in parts}
    for origin in (Origin.EMULATED, Origin.VENDOR, Origin.MEASURED):
        if origin in origins:
            assert joined.origin is origin
            break
    assert joined.proof.finite == all(part.proof.finite for part in parts)


@given(pedigrees, pedigrees)
def test_the_worse_is_no_better_than_either(one, other):
    worse = worse_pedigree(one, other)
    assert worse.epsilon == max(one.epsilon, other.epsilon)
    assert worse.hops == max(one.hops, other.hops)
    assert worse.origin is join_pedigrees([one, other]).origin


def test_one_unknown_epsilon_makes_the_whole_unknown():
    known = Pedigree(1e-9, Origin.MEASURED, Proof("t", "coherent", True))
    unknown = Pedigree(None, Origin.VENDOR, Proof("v", "unknown", False), 3, "the vendor states none")
    for joined in (join_pedigrees([known, unknown]), worse_pedigree(known, unknown)):
        assert joined.epsilon is None
        assert joined.epsilon_reason == "the vendor states none"
        assert (joined.origin, joined.hops, joined.proof.finite) == (Origin.VENDOR, 3, False)
        assert joined.proof.theorem == "t + v"
    assert join_pedigrees([known]) == known
