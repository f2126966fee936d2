"""The specification of haris.kernels.predictors, sample by sample as NIST SP 800-90B puts it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

WINDOWS = (63, 255, 1023, 4095)
LAGS = 128
DEPTHS = 16
MOST_PAIRS = 100_000
MOST_CONTEXTS = 65_536


def predict_mcw(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]:
    """Specification of haris.kernels.predictors.predict_mcw."""
    text = symbols.tolist()
    guesses = []
    for i in range(WINDOWS[0], len(text)):
        guesses.append([_commonest(text[i - w : i]) if i >= w else None for w in WINDOWS])
    return _by_score(text[WINDOWS[0] :], guesses)


def predict_lag(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]:
    """Specification of haris.kernels.predictors.predict_lag."""
    text = symbols.tolist()
    guesses = [[text[i - d] if i >= d else None for d in range(1, LAGS + 1)] for i in range(1, len(text))]
    return _by_score(text[1:], guesses)


def predict_mmc(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]:
    """Specification of haris.kernels.predictors.predict_mmc."""
    text = symbols.tolist()
    after: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(DEPTHS)]
    n_pairs = [0] * DEPTHS
    guesses = []
    for i in range(1, len(text)):
        if i >= 2:
            found = [after[d].get(tuple(text[i - d - 1 : i])) if i > d + 1 else None for d in range(DEPTHS)]
            guesses.append([_greatest(f) if f else None for f in found])
        for d in range(min(DEPTHS, i)):
            follow = after[d].get(tuple(text[i - d - 1 : i]), Counter())
            if follow[text[i]] == 0:
                if n_pairs[d] == MOST_PAIRS:
                    continue
                n_pairs[d] += 1
            after[d][tuple(text[i - d - 1 : i])][text[i]] += 1
    return _by_score(text[2:], guesses)


def predict_lz78y(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]:
    """Specification of haris.kernels.predictors.predict_lz78y."""
    text = symbols.tolist()
    after: dict[tuple[int, ...], Counter[int]] = {}
    right = []
    for i in range(DEPTHS, len(text)):
        best, best_count = None, 0
        for depth in range(DEPTHS, 0, -1):
            context = tuple(text[i - depth : i])
            if context in after:
                guess = _greatest(after[context])
                if after[context][guess] > best_count:
                    best, best_count = guess, after[context][guess]
            elif len(after) < MOST_CONTEXTS:
                after[context] = Counter()
            else:
                continue
            after[context][text[i]] += 1
        if i > DEPTHS:
            right.append(best == text[i])
    return _runs(right)


def collision_times(bits: NDArray[np.uint8]) -> tuple[int, int]:
    """Specification of haris.kernels.predictors.collision_times."""
    at = n_times = 0
    while at + 1 < len(bits):
        size = 2 if bits[at] == bits[at + 1] else 3
        if at + size > len(bits):
            break
        at, n_times = at + size, n_times + 1
    return n_times, at


def _commonest(window: list[int]) -> int:
    """The commonest; of those that tie, the last seen."""
    counts = Counter(window)
    last = {symbol: i for i, symbol in enumerate(window)}
    return max(counts, key=lambda s: (counts[s], last[s]))


def _greatest(follow: Counter[int]) -> int:
    """The commonest; of those that tie, the greatest."""
    return max(follow, key=lambda s: (follow[s], s))


def _by_score(symbols: list[int], guesses: list[list[int | None]]) -> tuple[int, int]:
    """Right predictions, and the longest run, by the predictor with the best score, the last to reach it."""
    score = [0] * max((len(g) for g in guesses), default=0)
    winner, right = 0, []
    for symbol, guess in zip(symbols, guesses, strict=True):
        right.append(guess[winner] == symbol)
        for j, g in enumerate(guess):
            if g == symbol:
                score[j] += 1
                if score[j] >= score[winner]:
                    winner = j
    return _runs(right)


def _runs(right: Iterable[bool]) -> tuple[int, int]:
    correct = run = longest = 0
    for r in right:
        run = run + 1 if r else 0
        correct, longest = correct + r, max(longest, run)
    return correct, longest
