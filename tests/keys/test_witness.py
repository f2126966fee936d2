"""The chain of witnesses: what a word shows, for every way in which either end can go back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.keys.witness import NO_WORD, Verdict, Word, judge
from haris.nouns.errors import ParameterError


def nonce(n):
    return n.to_bytes(16, "big")


def chain(n_words, start=NO_WORD, salt=0):
    words = [start]
    for n in range(1, n_words + 1):
        words.append(words[-1].follow(nonce((salt << 64) + start.number + n)))
    return words


def test_an_honest_chain_is_next_or_repeated():
    words = chain(5)
    for seen, word in pairwise(words):
        assert judge(seen, word) is Verdict.NEXT
        assert judge(word, word) is Verdict.REPEATED


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 5))
def test_who_goes_back_is_found_out(n_kept, n_lost, n_anew):
    words = chain(n_kept + n_lost)
    seen, copy = words[-1], words[n_kept]
    anew = chain(n_anew + 1, copy, salt=1)[1:]
    if n_lost:
        assert judge(seen, anew[0]) is Verdict.SENDER_WENT_BACK
    if n_lost > 1:
        assert judge(copy, words[-1]) is Verdict.WITNESS_WENT_BACK
    if n_lost and n_kept:
        assert judge(seen, copy) is Verdict.SENDER_WENT_BACK  # its word was not confirmed when it was copied


def test_a_clone_that_goes_on_beside_its_original_is_found_out():
    words = chain(3)
    ours, clones = words[-1].follow(nonce(100)), words[-1].follow(nonce(200))
    assert judge(words[-1], ours) is Verdict.NEXT
    assert judge(ours, clones) is Verdict.SENDER_WENT_BACK
    assert judge(ours, clones.follow(nonce(201))) is Verdict.SENDER_WENT_BACK


def test_words_have_a_form():
    with pytest.raises(ParameterError, match="two nonces of 16"):
        Word(1, b"short", nonce(0))
    with pytest.raises(ParameterError, match="below 2"):
        Word(-1, nonce(0), nonce(0))
