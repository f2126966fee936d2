"""What is believed of a maker's keys."""

from __future__ import annotations

import numpy as np
import pytest

from haris.crypto.wegman_carter import tag
from haris.keys.quarantine import Lie, SourceLied
from haris.keys.vendor import (
    Allowance,
    SourceKey,
    Statement,
    among,
    compared,
    comparison_error,
    examine,
    final_key,
    in_balance,
    repeats_itself,
)
from haris.nouns.errors import ParameterError

RNG = np.random.default_rng(14)
KEYS = tuple(SourceKey(f"k{i}", RNG.bytes(32)) for i in range(50))


def test_honest_keys_pass() -> None:
    examine(KEYS, 256, 50)
    examine((), 256, 1)


@pytest.mark.parametrize(
    ("keys", "at_most", "lie"),
    [
        (KEYS, 49, Lie.TOO_MANY),
        ((*KEYS, SourceKey("short", RNG.bytes(16))), 60, Lie.WRONG_SIZE),
        ((*KEYS, SourceKey("k0", RNG.bytes(32))), 60, Lie.REPEATED_NAME),
        ((*KEYS, SourceKey("copy", KEYS[0].secret)), 60, Lie.NOT_RANDOM),
        ((*KEYS, SourceKey("zeros", bytes(32))), 60, Lie.NOT_RANDOM),
        (tuple(SourceKey(k.name, bytes(b & 0x7F for b in k.secret)) for k in KEYS), 50, Lie.NOT_RANDOM),
    ],
)
def test_each_lie_is_found_and_named_without_the_key(keys: tuple[SourceKey, ...], at_most: int, lie: Lie) -> None:
    with pytest.raises(SourceLied) as found:
        examine(keys, 256, at_most)
    assert found.value.lie is lie
    assert not any(key.secret.hex() in str(found.value) or repr(key.secret) in str(found.value) for key in keys)


@pytest.mark.parametrize("period", [1, 2, 4, 8, 16])
def test_a_short_period_is_found(period: int) -> None:
    assert repeats_itself(RNG.bytes(period) * (32 // period))
    assert not repeats_itself(RNG.bytes(32))


def test_the_balance_spares_honest_keys() -> None:
    """A false alarm has a probability below 2e-15 a batch; none is seen in 2000."""
    assert all(in_balance(RNG.bytes(256)) for _ in range(2000))


def test_the_comparison_covers_every_name_and_key_and_the_block() -> None:
    pad, block = RNG.bytes(32), b"b" * 16
    mine = tag(compared(block, KEYS), pad)
    assert mine == tag(compared(block, KEYS), pad)
    spoilt = bytes([KEYS[9].secret[0] ^ 1]) + KEYS[9].secret[1:]
    for other in (
        compared(b"c" * 16, KEYS),
        compared(block, KEYS[:-1]),
        compared(block, (KEYS[1], KEYS[0], *KEYS[2:])),
        compared(block, (*KEYS[:9], SourceKey("k9", spoilt), *KEYS[10:])),
        compared(block, (*KEYS[:9], SourceKey("other", KEYS[9].secret), *KEYS[10:])),
    ):
        assert tag(other, pad) != mine
    assert 0 < comparison_error(block, KEYS) < 1e-28


def test_an_answer_holds_no_other_keys_than_those_that_were_named() -> None:
    assert among(["k1", "k0", "k2"], KEYS[:2]) == {"k0": KEYS[0], "k1": KEYS[1]}
    for keys in (KEYS[:2], ()):
        with pytest.raises(SourceLied, match="other keys than named"):
            among(["k1", "k7"], keys)
    with pytest.raises(SourceLied, match="repeated key_ID"):
        among(["k1", "k2"], (KEYS[1], KEYS[1]))


def test_a_block_says_whose_word_its_secrecy_is() -> None:
    block = final_key(b"b" * 16, KEYS, Statement("box (Acme)"))
    assert np.packbits(block.bits).tobytes() == b"".join(key.secret for key in KEYS)
    assert (block.pedigree.origin, block.pedigree.epsilon) == ("vendor", None)
    stated = final_key(b"b" * 16, KEYS, Statement("box (Acme)", 1e-9)).pedigree
    assert stated.epsilon == pytest.approx(50e-9)
    assert stated.proof.theorem == "as stated by the maker"
    assert "box (Acme)" in stated.proof.assumptions[0]


def test_an_allowance_fills_with_time_and_never_above_its_burst() -> None:
    allowance = Allowance(10.0)
    assert allowance.left(100.0) == 10
    allowance.draw(10)
    assert allowance.left(100.05) == 0
    assert allowance.left(100.5) == 5
    assert allowance.left(500.0) == 10
    with pytest.raises(ParameterError, match="max_keys_per_s"):
        Allowance(0.0)
