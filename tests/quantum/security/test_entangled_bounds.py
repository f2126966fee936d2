import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.errors import ParameterError
from haris.quantum.security.entangled_bounds import ENTANGLED_PROOFS, entangled_key_length
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Security


def block(n, k, n_errors, k_errors):
    return CoincidenceCounts(1e12, np.array([n, k]), np.array([n_errors, k_errors]))


def test_tomamichel_is_the_printed_formula():
    # Nat. Commun. 3, 634 (2012), Eq. (2) and the line after it, worked out here.
    n, k, q, eps_sec, eps_cor = 80_000, 20_000, 0.02, 1e-10, 1e-15
    mu = np.sqrt((n + k) / (n * k) * (k + 1) / k * np.log(2 / eps_sec))
    wanted = n * (1 - binary_entropy(q + mu)) - 9000 - np.log2(2 / (eps_sec**2 * eps_cor))
    key = entangled_key_length(block(n, k, 1600, 400), Security("tomamichel2012", eps_sec, eps_cor), 9000)
    assert key.value("spread") == pytest.approx(mu, rel=1e-12)
    assert key.length_bits == np.floor(wanted)


def test_variable_length_holds_the_exact_tail():
    # The phase errors are the most that SciPy's hypergeometric distribution does not refute.
    n, k, seen, security = 3000, 1000, 12, Security(epsilon_secrecy=4e-5)
    wrong = round(float(entangled_key_length(block(n, k, 30, seen), security, 0).value("phase_error")) * n)
    refuted = hypergeom(n + k, seen + wrong + 1, k).cdf(seen)
    accepted = hypergeom(n + k, seen + wrong - 3, k).cdf(seen)  # the tail is bounded by a series: a few errors above
    assert refuted <= 1e-10 < accepted


@given(
    st.integers(0, 10**8), st.integers(0, 10**7), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(1e-15, 1e-3),
    st.sampled_from(sorted(ENTANGLED_PROOFS)),
)  # fmt: skip
def test_every_bound_is_below_the_asymptotic_one(n, k, q_key, q_test, epsilon, bound):
    counts = block(n, k, int(q_key * n), int(q_test * k))
    length = entangled_key_length(counts, Security(bound, epsilon)).length_bits
    assert 0 <= length <= entangled_key_length(counts, Security("asymptotic")).length_bits


def test_an_exact_tail_gives_more_than_serflings():
    counts = block(10**6, 10**5, 20_000, 2000)
    printed = entangled_key_length(counts, Security("tomamichel2012", f_ec=1.16))
    live = entangled_key_length(counts, Security("variable-length", f_ec=1.16))
    assert live.value("phase_error") < printed.value("phase_error")
    assert live.length_bits > printed.length_bits > 5e5


def test_long_blocks_reach_the_asymptotic_rate():
    shares = []
    for size in (10**4, 10**6, 10**9, 10**12):
        counts = block(size, size, size // 50, size // 50)
        limit = entangled_key_length(counts, Security("asymptotic", f_ec=1.16)).length_bits
        shares.append(entangled_key_length(counts, Security(f_ec=1.16)).length_bits / limit)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=1e-4)


def test_nothing_counted_is_no_key_and_other_bounds_are_refused():
    for bound in ENTANGLED_PROOFS:
        assert entangled_key_length(block(0, 0, 0, 0), Security(bound)).length_bits == 0
        assert entangled_key_length(block(10**6, 0, 0, 0), Security(bound)).length_bits == 0
    with pytest.raises(ParameterError, match="bound must be one of variable-length"):
        entangled_key_length(block(1, 1, 0, 0), Security("lim2014"))
    with pytest.raises(ParameterError, match="errors must lie"):
        block(1, 1, 2, 0)
