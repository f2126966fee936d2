"""Applications of a great network: they draw and fetch all the while, by ETSI 014, ETSI 004 and SKIP, and remember."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid5

from great_network import GreatNetwork, sae_of
from history import History

from haris.node.supply.etsi004_client import Etsi004Client
from haris.node.supply.etsi014_client import KmeClient
from haris.node.supply.skip_client import SkipClient
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError
from haris.wire.etsi004 import QoS, Status
from haris.wire.etsi014 import KeyRequest

NO_ANSWER, NEVER_SERVED = "cannot be reached", "Cannot connect to host"
"""What clients say when an answer was lost, and when there was nobody to ask."""
STREAM = QoS(key_chunk_octets=32, max_bps=100_000, timeout_ms=4000)


class Applications:
    """One at each site, and their memory of every answer. history: what the checker reads. n: counts by interface."""

    def __init__(self, network: GreatNetwork, chance: random.Random, pause_s: float) -> None:
        self.history, self.n = History(), Counter[str]()
        self.waits_s: list[float] = []
        self._network, self._chance, self._pause_s = network, chance, pause_s
        self._stop = asyncio.Event()
        self._fetches: set[asyncio.Task[None]] = set()
        self._contexts = {site: network.context(site) for site in network.shape.sites}
        self._clients: dict[tuple[str, str], KmeClient] = {}
        self._works: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Every pair of neighbours and of ends of relays, both ways; and the pair that speaks 004 and SKIP."""
        shape = self._network.shape
        for one, other in (*shape.spans.values(), *shape.pairs):
            self.add(one, other)
            self.add(other, one)
        if shape.streaming is not None:
            self._works.append(asyncio.create_task(self._stream(*shape.streaming)))
            self._works.append(asyncio.create_task(self._skip(*shape.streaming)))

    def add(self, master: str, slave: str) -> None:
        """Have the application at one site draw keys for that at another."""
        self._contexts |= {site: self._network.context(site) for site in (master, slave) if site not in self._contexts}
        self._works.append(asyncio.create_task(self._draw(master, slave)))

    async def rest(self) -> None:
        """No more keys are drawn; every key that was is fetched."""
        self._stop.set()
        await asyncio.gather(*self._works)
        await asyncio.gather(*self._fetches)

    async def close(self) -> None:
        for work in (*self._works, *self._fetches):
            work.cancel()
        for client in self._clients.values():
            await client.__aexit__(None, None, None)

    async def _client(self, site: str) -> KmeClient:
        process = self._chance.choice(self._network.processes_of(site))
        if (site, process) not in self._clients:
            client = KmeClient(self._network.url(process), self._contexts[site], timeout_s=20)
            await client.__aenter__()
            self._clients[site, process] = client
        return self._clients[site, process]

    # ETSI 014

    async def _draw(self, master: str, slave: str) -> None:
        chance, clock = self._chance, asyncio.get_running_loop().time
        while not self._stop.is_set():
            await asyncio.sleep(chance.uniform(0.3, 1.7) * self._pause_s)
            kme, n_keys, began_s = await self._client(master), chance.choice((1, 1, 1, 3)), clock()
            try:
                keys = await kme.enc_keys(sae_of(slave), KeyRequest(number=n_keys, size=chance.choice((256, 256, 512))))
            except KeyUnavailable as error:
                self.n["014 none: " + ("no answer" if NO_ANSWER in str(error) else "no key")] += 1
                continue  # no key, or no answer: nothing was acknowledged
            except (ParameterError, PeerError) as error:
                self.n[f"014 refused: {str(error)[:60]}"] += 1
                continue
            self.waits_s.append(clock() - began_s)
            self.n["014"] += len(keys)
            self.history.given += [(key.key_id, key.secret) for key in keys]
            key_ids = [key.key_id for key in keys]
            self._fetches.add(asyncio.create_task(self._fetch(master, slave, key_ids)))

    async def _fetch(self, master: str, slave: str, key_ids: Sequence[UUID]) -> None:
        """Fetch keys as their slave, at once or much later, and again and again while nobody answers."""
        await asyncio.sleep(self._chance.choice((0.0, 0.0, self._chance.uniform(0, 15))))
        while await self.ask(master, slave, key_ids) is None:
            await asyncio.sleep(0.5)

    async def ask(self, master: str, slave: str, key_ids: Sequence[UUID]) -> bool | None:
        """True: they came. False: they are refused for good. None: there is no answer yet."""
        kme = await self._client(slave)
        try:
            keys = await kme.dec_keys(sae_of(master), key_ids)
        except (KeyUnavailable, PeerError) as error:
            if NO_ANSWER in str(error) and NEVER_SERVED not in str(error):
                self.history.interrupted.update(key_ids)
            return None
        except ParameterError as error:
            self.history.refusals.update(dict.fromkeys(key_ids, f"{slave}: {error}"))
            return False
        self.history.fetched += [(key.key_id, key.secret) for key in keys]
        return True

    async def replay(self, n: int) -> None:
        """Ask once more for keys that have been fetched, as everybody; each that is given stands in the history."""
        fetched = [key_id for key_id, _ in self.history.fetched if key_id not in self.history.streamed]
        sites = self._network.shape.sites
        for key_id in self._chance.sample(fetched, min(n, len(fetched))):
            one, other = self._chance.sample(sites, 2)
            await self.ask(one, other, [key_id])

    # SKIP

    async def _skip(self, master: str, slave: str) -> None:
        while not self._stop.is_set():
            await asyncio.sleep(2 * self._pause_s)
            try:
                async with SkipClient(self._network.url(master), self._contexts[master]) as provider:
                    key = await provider.fresh_key(sae_of(slave))
            except HarisError:
                continue
            self.history.given.append((key.key_id, bytes(key.octets)))
            self.n["skip"] += 1
            while True:
                try:
                    async with SkipClient(self._network.url(slave), self._contexts[slave]) as provider:
                        key = await provider.known_key(key.key_id, sae_of(master))
                    self.history.fetched.append((key.key_id, bytes(key.octets)))
                    break
                except ParameterError as error:
                    self.history.refusals[key.key_id] = f"{slave}: {error}"
                    break
                except (KeyUnavailable, PeerError) as error:
                    if NO_ANSWER in str(error) and NEVER_SERVED not in str(error):
                        self.history.interrupted.add(key.key_id)
                    await asyncio.sleep(0.5)

    # ETSI 004

    async def _stream(self, one: str, other: str) -> None:
        while not self._stop.is_set():
            try:
                await self._one_stream(one, other)
            except HarisError as error:
                self.n[f"004 streams lost: {str(error)[-60:]}"] += 1
            await asyncio.sleep(2 * self._pause_s)

    async def _one_stream(self, one: str, other: str) -> None:
        """Chunk after chunk at both ends, until a call fails: what the other end had is then open."""
        ports, history = self._network.ports, self.history
        ends = [Etsi004Client(("127.0.0.1", ports[f"{s} 004"]), self._contexts[s], timeout_s=20) for s in (one, other)]
        uris = [f"qkd://{sae_of(site)}@{site}" for site in (one, other)]
        async with ends[0] as left, ends[1] as right:
            stream = (await left.open_connect(*uris, STREAM)).key_stream_id
            if (await right.open_connect(*reversed(uris), STREAM, stream)).status is not Status.SUCCESSFUL:
                return
            while not self._stop.is_set():
                given = await left.get_key(stream)
                if given.status is not Status.SUCCESSFUL:
                    return
                chunk = uuid5(stream, str(given.index))
                history.streamed.add(chunk)
                history.given.append((chunk, bytes(given.key)))
                self.n["004"] += 1
                history.interrupted.add(chunk)  # a stream may end at any moment with its chunks
                same = await right.get_key(stream, given.index)
                if same.status is not Status.SUCCESSFUL:
                    return
                history.fetched.append((chunk, bytes(same.key)))
                await asyncio.sleep(self._pause_s)
            for end in (left, right):
                await end.close(stream)
