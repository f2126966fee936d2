import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from entropy_lab import StillSupply
from kme_lab import Authority

from haris.node.configuration.randomness import RandomnessTable
from haris.node.entropy.face import serve
from haris.node.entropy.site_randomness import SMALL_OCTETS, SiteRandomness, entropy_of, open_randomness
from haris.node.entropy.supply_toml import ListenerTable
from haris.node.http.listener import HttpListener
from haris.node.system.threads import finish_in_thread
from haris.nouns.alarms import Alarm, AlarmKind
from haris.nouns.errors import KeyUnavailable, NoRandomness, ParameterError
from haris.wire.randomness import Birth, BitOrigin


class Fed:
    """A site's randomness, from a supply behind TLS."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self._server, self._ours = authority.issue("supply"), authority.issue("us")
        self.alarms: list[Alarm] = []
        self.listener: HttpListener | None = None
        self.port = 0

    async def serve(self, still: StillSupply) -> None:
        files = self._server
        table = ListenerTable(f"127.0.0.1:{self.port}", files.certificate, files.private_key, files.authority)
        self.listener = await serve(still.supply, table)
        self.port = self.listener.port

    def open(self, laboratory: bool = False, wait_s: float = 2.0) -> SiteRandomness:
        files = self._ours
        table = RandomnessTable(
            f"https://127.0.0.1:{self.port}",
            files.certificate,
            files.private_key,
            files.authority,
            buffer_octets=2**16,
            wait_s=wait_s,
        )
        made = open_randomness(table, laboratory, self.alarms.append)
        assert made is not None
        return made


@pytest.fixture
async def fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fed]:
    monkeypatch.setattr("haris.node.entropy.site_randomness.START_S", 2.0)
    made = Fed(tmp_path)
    yield made
    if made.listener is not None:
        await made.listener.close()


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10.0):
        while not what():
            await asyncio.sleep(0.01)


async def test_a_site_gets_what_the_source_gave_in_its_order(fed: Fed) -> None:
    still = StillSupply(pool_octets=2**17)
    octets = still.fill(100_000)
    await fed.serve(still)
    randomness = fed.open()
    await finish_in_thread(randomness.start)
    taken = b"".join([await finish_in_thread(randomness, n) for n in (1, 16, 5000, 40_000)])
    assert octets[1:].startswith(taken)  # the first was taken at the start
    await finish_in_thread(randomness.close)
    with pytest.raises(NoRandomness, match="ended"):
        randomness(1)


async def test_a_supply_that_fails_leaves_the_site_without_and_heals(fed: Fed) -> None:
    still = StillSupply(pool_octets=2**17)
    still.fill(10_000)
    await fed.serve(still)
    randomness = fed.open(wait_s=0.3)
    await finish_in_thread(randomness.start)
    still.fail("the source is stuck")
    with pytest.raises(NoRandomness):  # large amounts leave something for small ones
        await finish_in_thread(randomness, 10_000)
    assert len(randomness(12)) == 12
    for _ in range(3):
        try:
            await finish_in_thread(randomness, SMALL_OCTETS)
        except NoRandomness:
            break
    with pytest.raises(NoRandomness):
        await finish_in_thread(randomness, SMALL_OCTETS)
    while True:
        try:
            randomness(16)
        except NoRandomness:
            break
    await until(lambda: any("stuck" in alarm.text for alarm in fed.alarms))  # before it, that too little was there
    assert (fed.alarms[-1].kind, fed.alarms[-1].active) == (AlarmKind.RANDOMNESS, True)
    octets, n_alarms = still.fill(5000), len(fed.alarms)
    await until(lambda: any(not alarm.active for alarm in fed.alarms[n_alarms:]))
    while await finish_in_thread(randomness, 100) not in octets:  # what had come before is given first
        pass
    await finish_in_thread(randomness.close)


async def test_an_alarm_is_told_again_where_its_reason_becomes_another(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haris.node.entropy.client._RETRY_S", 0.05)
    still = StillSupply(pool_octets=2**17)
    still.fill(10_000)
    await fed.serve(still)
    randomness = fed.open()
    await finish_in_thread(randomness.start)
    await until(lambda: bool(fed.alarms))
    still.fail("the source is stuck")
    await until(lambda: len(fed.alarms) > 1)
    first, second = fed.alarms
    assert (first.active, second.active) == (True, True)
    assert "too few" in first.text
    assert "stuck" in second.text
    await asyncio.sleep(0.2)  # it is asked again meanwhile
    assert len(fed.alarms) == 2
    await finish_in_thread(randomness.close)


async def test_in_the_loop_nobody_waits(fed: Fed) -> None:
    still = StillSupply(pool_octets=2**17)
    still.fill(5000)
    await fed.serve(still)
    randomness = fed.open(wait_s=5.0)
    await finish_in_thread(randomness.start)
    began = time.monotonic()
    with pytest.raises(NoRandomness):
        randomness(60_000)
    assert time.monotonic() - began < 1.0
    await finish_in_thread(randomness.close)


@pytest.mark.parametrize(("birth", "laboratory", "well"), [
    (Birth.MEASURED, False, True),
    (Birth.VENDOR, False, True),
    (Birth.EMULATED, False, False),
    (Birth.RECORDED, False, False),
    (Birth.EMULATED, True, True),
])  # fmt: skip
async def test_emulated_samples_serve_a_laboratory_only(fed: Fed, birth: Birth, laboratory: bool, well: bool) -> None:
    still = StillSupply(birth, pool_octets=2**17)
    still.fill(100_000)
    await fed.serve(still)
    randomness = fed.open(laboratory, wait_s=0.5)
    if well:
        await finish_in_thread(randomness.start)
        assert len(randomness(100)) == 100
    else:
        with pytest.raises(KeyUnavailable, match=f"the supply's samples are {birth}"):
            await finish_in_thread(randomness.start)
    await finish_in_thread(randomness.close)


@pytest.mark.parametrize(("given", "why"), [
    (lambda n, source_only: (os.urandom(n), BitOrigin.DRBG), "generator"),
    (lambda n, source_only: (bytes(n), BitOrigin.SOURCE), "same octets"),
    (lambda n, source_only: ((bytes(range(256)) * 256)[:n], BitOrigin.SOURCE), "same octets"),
])  # fmt: skip
async def test_what_is_given_twice_or_by_the_generator_is_refused(
    fed: Fed, monkeypatch: pytest.MonkeyPatch, given: Callable, why: str
) -> None:
    still = StillSupply(pool_octets=2**17)
    still.fill(100_000)
    monkeypatch.setattr(still.supply, "give", given)
    await fed.serve(still)
    randomness = fed.open(wait_s=0.5)
    try:
        await finish_in_thread(randomness.start)
    except KeyUnavailable as error:
        assert why in str(error)  # noqa: PT017 (or it fails a moment later)
    else:
        await until(lambda: bool(fed.alarms))
        assert why in fed.alarms[-1].text
        with pytest.raises(NoRandomness, match=why):
            randomness(1)
    await finish_in_thread(randomness.close)


async def test_without_its_supply_a_site_does_not_start(fed: Fed) -> None:
    await fed.serve(StillSupply())
    assert fed.listener is not None
    await fed.listener.close()
    randomness = fed.open(wait_s=0.5)
    with pytest.raises(KeyUnavailable, match="cannot be reached"):
        await finish_in_thread(randomness.start)


def test_without_the_table_the_operating_system_gives_all() -> None:
    assert entropy_of(open_randomness(None, False, print)) is os.urandom


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ({}, "url or supply"),
        ({"url": "https://a:1", "supply": Path("x")}, "url or supply"),
        ({"url": "https://a:1"}, "certificate"),
        ({"url": "http://a:1"}, "url"),
        ({"supply": Path("x"), "certificate": Path("y")}, "certificate"),
        ({"supply": Path("x"), "buffer_octets": 100}, "buffer_octets"),
        ({"supply": Path("x"), "wait_s": 0.0}, "wait_s"),
    ],
)
def test_tables_that_are_refused(items: dict, why: str) -> None:
    with pytest.raises(ParameterError, match=why):
        RandomnessTable(**items)
