import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from haris.crypto import drbg
from haris.crypto.drbg import MOST_OCTETS, SEED_OCTETS, Drbg
from haris.nouns.errors import KeyUnavailable, ParameterError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/ctr_drbg_aes256_no_df.json").read_text())
"""NIST CAVP, drbgtestvectors.zip (CAVS 14.3)."""


class Entropy:
    """Seeds in their order; KeyUnavailable after the last."""

    def __init__(self, *seeds: bytes) -> None:
        self.seeds = list(seeds)

    def __call__(self, n_octets: int) -> bytes:
        if not self.seeds:
            raise KeyUnavailable("the pool is dry")
        return self.seeds.pop(0)


def seed(number: int) -> bytes:
    return bytes((number * 7 + i) % 256 for i in range(SEED_OCTETS))


@pytest.mark.parametrize(
    "group", VECTORS["groups"], ids=lambda g: f"{g['file']}-{g['personalization_bits']}-{g['additional_bits']}"
)
def test_the_vectors_of_nist(group: dict) -> None:
    """DRBGVS 6.2: instantiate, (reseed,) generate and drop, generate and compare."""
    assert len(group["trials"]) == 15
    for trial in group["trials"]:
        read = {
            key: [bytes.fromhex(v) for v in ([value] if isinstance(value, str) else value)]
            for key, value in trial.items()
        }
        entropy = Entropy(*read["EntropyInput"], *read.get("EntropyInputReseed", []), *read.get("EntropyInputPR", []))
        made = Drbg(entropy, read["PersonalizationString"][0])
        if "EntropyInputReseed" in read:
            made.reseed(read["AdditionalInputReseed"][0])
        (expected,) = read["ReturnedBits"]
        for additional in read["AdditionalInput"]:
            octets = made.generate(len(expected), additional, "EntropyInputPR" in read)
        assert octets == expected
        assert not entropy.seeds


@pytest.mark.parametrize("n_octets", [1, 15, 16, 17, 100, MOST_OCTETS])
def test_a_request_of_any_length_is_the_beginning_of_a_longer_one(n_octets: int) -> None:
    assert Drbg(Entropy(seed(1))).generate(MOST_OCTETS)[:n_octets] == Drbg(Entropy(seed(1))).generate(n_octets)


def test_the_counter_wraps_at_128_bits() -> None:
    """Blocks one by one under AES in ECB, as the standard writes them, from the last value of V on."""
    made = Drbg(Entropy(seed(2)))
    made._block = 2**128 - 2
    ecb = Cipher(algorithms.AES(made._key), modes.ECB()).encryptor()
    wanted = b"".join(ecb.update(v.to_bytes(16, "big")) for v in (2**128 - 1, 0, 1))
    assert made.generate(48) == wanted


def test_it_asks_for_entropy_after_the_interval() -> None:
    entropy = Entropy(seed(1), seed(2))
    made = Drbg(entropy, reseed_interval=3)
    for _ in range(3):
        made.generate(8)
    assert (made.n_requests, made.n_seedings, len(entropy.seeds)) == (3, 1, 1)
    made.generate(8)
    assert (made.n_requests, made.n_seedings, len(entropy.seeds)) == (1, 2, 0)


def test_no_entropy_no_bit() -> None:
    with pytest.raises(KeyUnavailable):
        Drbg(Entropy())
    made = Drbg(Entropy(seed(1)), reseed_interval=1)
    made.generate(8)
    for _ in range(2):  # it stays so
        with pytest.raises(KeyUnavailable):
            made.generate(8)


def test_prediction_resistance_without_entropy_gives_nothing_and_changes_nothing() -> None:
    made, twin = Drbg(Entropy(seed(1))), Drbg(Entropy(seed(1)))
    with pytest.raises(KeyUnavailable):
        made.generate(8, prediction_resistance=True)
    assert made.generate(8) == twin.generate(8)


@pytest.mark.parametrize("bad", [b"", seed(1)[:-1], bytes(SEED_OCTETS), b"\xff" * SEED_OCTETS])
def test_a_seed_that_is_none_is_refused(bad: bytes) -> None:
    with pytest.raises(KeyUnavailable):
        Drbg(Entropy(bad))


def test_the_known_answer_is_of_the_vectors_and_another_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    drbg.require_known_answer()
    trials = [trial for group in VECTORS["groups"] for trial in group["trials"]]
    assert drbg._ANSWER.hex() in {trial["ReturnedBits"] for trial in trials}
    monkeypatch.setattr(Drbg, "_update", lambda self, provided: None)
    with pytest.raises(KeyUnavailable, match="known answer"):
        drbg.require_known_answer()


def test_arguments() -> None:
    made = Drbg(Entropy(seed(1)))
    for n_octets in (0, -1, MOST_OCTETS + 1):
        with pytest.raises(ParameterError, match="n_octets"):
            made.generate(n_octets)
    with pytest.raises(ParameterError, match="additional"):
        made.generate(1, bytes(SEED_OCTETS + 1))
    for interval in (0, 2**48 + 1):
        with pytest.raises(ParameterError, match="reseed_interval"):
            Drbg(Entropy(seed(1)), reseed_interval=interval)
