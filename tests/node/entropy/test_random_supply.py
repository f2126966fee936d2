import pytest
from entropy_lab import StillSupply

from haris.crypto.drbg import Drbg
from haris.node.entropy import supply as module
from haris.nouns.errors import KeyUnavailable, ParameterError
from haris.wire.randomness import BitOrigin


def test_bits_of_the_source_while_they_last_and_of_the_generator_behind_them() -> None:
    still = StillSupply(pool_octets=4096, reserve_octets=1000)
    octets = still.fill(2000)
    assert still.supply.give(900, False) == (octets[:900], BitOrigin.SOURCE)
    generated, origin = still.supply.give(900, False)  # the reserve would be touched
    assert origin is BitOrigin.DRBG
    assert generated == Drbg(lambda n: octets[900 : 900 + n], b"supply").generate(900)
    assert still.supply.give(1000, True) == (octets[948:1948], BitOrigin.SOURCE)  # 48 went to the generator's seed
    status = still.supply.status()
    assert (status.n_drbg, status.pool_octets) == (900, 52)


def test_bits_of_the_source_alone_are_never_the_generators() -> None:
    still = StillSupply(pool_octets=4096, reserve_octets=0)
    still.fill(100)
    with pytest.raises(KeyUnavailable, match="too few"):
        still.supply.give(101, True)
    assert still.supply.give(100, True)[1] is BitOrigin.SOURCE


def test_a_failure_ends_the_generator_and_what_follows_has_another_seed() -> None:
    still = StillSupply(pool_octets=4096, reserve_octets=0)
    still.fill(48)
    assert still.supply.give(100, False)[1] is BitOrigin.DRBG
    still.fail("the source is stuck")
    for source_only in (False, True):
        with pytest.raises(KeyUnavailable, match="stuck"):
            still.supply.give(1, source_only)
    still.fill(10)
    with pytest.raises(KeyUnavailable):  # too little to seed it anew: the old one does not go on
        still.supply.give(100, False)
    seed = still.pool.take(10) + still.fill(48)
    assert still.supply.give(100, False)[0] == Drbg(lambda n: seed[10 : 10 + n], b"supply").generate(100)


def test_the_generator_is_seeded_after_its_time_and_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    still = StillSupply(pool_octets=4096, reserve_octets=0, reseed_s=60.0, reseed_requests=2)
    still.fill(3 * 48)
    for _ in range(2):
        still.supply.give(200, False)
    assert still.pool.n_ready == 2 * 48
    still.supply.give(200, False)
    assert still.pool.n_ready == 48
    now[0] = 61.0
    still.supply.give(200, False)
    assert still.pool.n_ready == 0
    now[0] = 122.0
    with pytest.raises(KeyUnavailable):
        still.supply.give(200, False)


def test_without_a_generator_the_pool_is_all() -> None:
    still = StillSupply(pool_octets=4096, reserve_octets=100, generator=False)
    octets = still.fill(150)
    assert still.supply.give(150, False) == (octets, BitOrigin.SOURCE)
    with pytest.raises(KeyUnavailable):
        still.supply.give(1, False)


def test_more_than_one_request_of_the_generator_holds() -> None:
    still = StillSupply(pool_octets=4096, reserve_octets=0)
    octets = still.fill(48)
    drbg = Drbg(lambda n: octets[:n], b"supply")
    assert still.supply.give(100_000, False)[0] == drbg.generate(65536) + drbg.generate(100_000 - 65536)


def test_nothing_is_no_number_of_octets() -> None:
    with pytest.raises(ParameterError, match="n_octets"):
        StillSupply().supply.give(0, True)
