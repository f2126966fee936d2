"""kill -9 of any process at random moments: what applications, the wire and the stores show afterwards.

Masters draw keys all the while and slaves fetch them, now or later. A 200 to the master is an acknowledgement: the
slave must get the same bytes, once, unless its own fetch was interrupted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from history import History, Use, faults, tags_of
from trial_network import SPANS, TrialNetwork, running

from haris.crypto.ledger import span_ledgers
from haris.demo import laboratory
from haris.node.events import PadEvent, PoolEvent, SiteEvent
from haris.node.store.store import Store
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import DeliveredKey
from haris.wire.etsi014 import KeyRequest

SEED = 20
HOMES = {"sae-bank": "bank", "sae-midway": "midway", "sae-exchange": "exchange"}
PAIRS = [(one, other) for one in HOMES for other in HOMES if one != other]
NO_ANSWER, NEVER_SERVED = "cannot be reached", "Cannot connect to host"
"""What KmeClient says when an answer was lost, and when there was nobody to ask."""


class Applications:
    """Masters and slaves at all three sites, and their memory of every answer."""

    def __init__(self, network: TrialNetwork, chance: random.Random) -> None:
        self.history = History()
        self._network, self._chance = network, chance
        self._stop = asyncio.Event()
        self._fetches: set[asyncio.Task[None]] = set()

    async def draw(self, master: str, slave: str) -> None:
        """Take keys as a master until told to stop, and leave each to its slave."""
        while not self._stop.is_set():
            await asyncio.sleep(self._chance.uniform(0.05, 0.4))
            try:
                async with self._network.client(HOMES[master], master) as kme:
                    keys = await kme.enc_keys(slave, KeyRequest(number=self._chance.choice((1, 1, 2)), size=256))
            except (KeyUnavailable, PeerError):
                continue  # no key, or no answer: nothing was acknowledged
            for key in keys:
                self.history.given.append((key.key_id, key.secret))
                self._fetches.add(asyncio.create_task(self._fetch(master, slave, key.key_id)))

    async def _fetch(self, master: str, slave: str, key_id: UUID) -> None:
        """Fetch a key as its slave, at once or much later, and again and again while nobody answers."""
        await asyncio.sleep(self._chance.choice((0.0, 0.0, self._chance.uniform(0, 10))))
        while await self._ask(master, slave, key_id) is None:
            await asyncio.sleep(0.2)

    async def _ask(self, master: str, slave: str, key_id: UUID) -> DeliveredKey | bool | None:
        """The key; False when it is refused for good; None when there is no answer yet."""
        try:
            async with self._network.client(HOMES[slave], slave) as kme:
                key = await kme.dec_key(master, key_id)
        except (KeyUnavailable, PeerError) as error:
            if NO_ANSWER in str(error) and NEVER_SERVED not in str(error):
                self.history.interrupted.add(key_id)
            return None
        except ParameterError:
            return False
        self.history.fetched.append((key.key_id, key.secret))
        return key

    async def rest(self, drawing: list[asyncio.Task[None]]) -> None:
        """No more keys are drawn; every key that was is fetched."""
        self._stop.set()
        await asyncio.gather(*drawing)
        await asyncio.gather(*self._fetches)

    async def replay(self, n: int) -> None:
        """Ask once more for keys that have been fetched; each that is given again stands in the history."""
        for key_id, _ in self._chance.sample(self.history.fetched, n):
            for master, slave in PAIRS:
                assert not await self._ask(master, slave, key_id)


async def kill_at_random(network: TrialNetwork, chance: random.Random, n_kills: int) -> None:
    """Two murderers share the victims: processes at rest, at work or while they start, now and then two at a time."""
    sites = [(process, network.start_site, name) for name, process in network.sites.items()]
    lights = [(process, network.start_light, name) for name, process in network.lights.items()]
    at_rest = [*sites, *lights]
    left = iter(range(n_kills))

    async def murderer() -> None:
        for _ in left:
            process, start, name = at_rest.pop(chance.randrange(len(at_rest)))
            await asyncio.sleep(chance.uniform(0, 1))
            await process.kill()
            if chance.random() < 0.15:
                await process.start()
                await asyncio.sleep(chance.uniform(0.3, 1.2))
                await process.kill()
            await start(name)
            at_rest.append((process, start, name))

    await asyncio.gather(murderer(), murderer())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("n_kills", [6, pytest.param(50, marks=pytest.mark.trial)])
async def test_kills_lose_no_key_and_use_no_pad_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_kills: int
) -> None:
    monkeypatch.setitem(laboratory.SAES, "sae-midway", "midway")
    chance = random.Random(SEED)
    network = TrialNetwork(tmp_path)
    applications = Applications(network, chance)
    async with running(network):
        drawing = [asyncio.create_task(applications.draw(*pair)) for pair in PAIRS]
        await network.until(lambda: len(applications.history.given) > 10, 60, "the first keys")
        started = time.monotonic()
        await kill_at_random(network, chance, n_kills)
        print(f"{n_kills} kills in {time.monotonic() - started:.0f} s, seed {SEED}")
        n_given = len(applications.history.given)
        await network.until(lambda: len(applications.history.given) > n_given + 30, 100, "fresh keys after the kills")
        await applications.rest(drawing)
        await applications.replay(10)
        # a span that was lost again and again waits up to a minute before it calls
        await network.until(lambda: not poor_pools(network), 100, lambda: f"more in the pools {poor_pools(network)}")
        await network.rest()
    history = applications.history
    history.uses = [*tags_in_traffic(network), *pads_of_relays(network)]
    stores = {site: network.store(site) for site in network.sites}
    try:
        check_the_stores(stores, history)
    finally:
        for store in stores.values():
            store.close()
    report(network, applications)
    assert faults(history) == []
    assert {use.ledger.split("/")[1] for use in history.uses} == {"auth", "relay"}


def poor_pools(network: TrialNetwork) -> dict[tuple[str, str], int]:
    """Pools that hold less than half of what their owner wants, as it last told: (owner, peer) → keys."""
    newest = {(event.site, event.peer): event for event in network.told(PoolEvent)}
    poor = {}
    for one, other in PAIRS:
        pair = HOMES[one], HOMES[other]
        if pair not in newest or 2 * newest[pair].ready < newest[pair].target:
            poor[pair] = newest[pair].ready if pair in newest else 0
    return poor


def tags_in_traffic(network: TrialNetwork) -> Iterator[Use]:
    for name, line in network.lines.items():
        for conversation in line.conversations:
            yield from tags_of(name, *SPANS[name], conversation)


def pads_of_relays(network: TrialNetwork) -> Iterator[Use]:
    """What the sites told: a sender tells it before its message leaves, and a pipe outlives its writer."""
    for event in network.told(PadEvent):
        yield Use(event.site, event.ledger, event.offset, event.octets, event.relay.bytes)


def check_the_stores(stores: dict[str, Store], history: History) -> None:
    """Nothing is in doubt; pools and ledgers are equal, octet for octet, at both of their ends."""
    for site, store in stores.items():
        assert store.assignments_in_doubt() == ()
        assert all(store.relays_in_doubt(peer) == () for peer in stores if peer != site)
        for name in (name for name, ends in SPANS.items() if site in ends):
            assert store.blocks_in_doubt(name) == ()
        history.at_rest[site] = {}
    for one, other in [(a, b) for a in stores for b in stores if a < b]:
        for owner in (one, other):
            keys = [ready(stores[one], other, owner), ready(stores[other], one, owner)]
            assert keys[0] == keys[1]
            history.at_rest[one].update(keys[0])
            history.at_rest[other].update(keys[1])
    for name, (alice, bob) in SPANS.items():
        for ledger in span_ledgers(name):
            bounds = [stores[site].ledger_bounds(ledger) for site in (alice, bob)]
            assert bounds[0][1] == bounds[1][1]
            head, end = max(bound[0] for bound in bounds), bounds[0][1]
            assert stores[alice].ledger_peek(ledger, head, end - head) == stores[bob].ledger_peek(
                ledger, head, end - head
            )


def ready(store: Store, peer: str, owner: str) -> dict[UUID, bytes]:
    stock = store.reserve(peer, owner, store.count_ready(peer, owner), "test")
    return {key.key_id: key.secret for key in stock}


def report(network: TrialNetwork, applications: Applications) -> None:
    history = applications.history
    n_met = len(network.told(SiteEvent, what="span connected"))
    print(
        f"{len(history.given)} keys given, {len(history.fetched)} fetched, {len(history.interrupted)} fetches "
        f"interrupted, {len(history.uses)} uses of pads, spans met {n_met} times"
    )
