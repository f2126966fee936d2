"""The great trial: a network under load and faults, then at rest, then examined."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from uuid import UUID

from great_applications import Applications
from great_faults import Faults
from great_network import GreatNetwork, Shape, running
from history import History, Use, faults, tags_of

from haris.crypto.ledger import span_ledgers
from haris.node.events import PadEvent, PoolEvent, SourceEvent
from haris.node.store.postgres import PostgresAddress
from haris.node.store.store import Store


@dataclass(slots=True)
class Report:
    """What a trial has shown. found: every fault that the checker found, in words."""

    seed: int
    lasted_s: float
    found: list[str]
    n_faults: Counter[str]
    n_keys: Counter[str]
    n_fetched: int
    n_interrupted: int
    n_uses: int
    surprises: list[str]
    lacking: dict[str, str]
    log: list[str]
    waits_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        """As a person reads it, without the log."""
        waits = sorted(self.waits_s) or [0.0]
        verdict = "no fault" if not self.found else f"{len(self.found)} FAULTS"
        lines = [f"seed {self.seed}, {self.lasted_s:.0f} s: {verdict}", *self.found[:20]]
        lines += [f"{n:8} {what}" for what, n in sorted(self.n_faults.items())]
        lines += [f"{n:8} keys: {what}" for what, n in sorted(self.n_keys.items())]
        lines += [f"{self.n_fetched:8} keys fetched, {self.n_interrupted} perhaps without their answer arriving"]
        lines += [f"{self.n_uses:8} uses of pad; a draw took {1e3 * waits[len(waits) // 2]:.0f} ms in the median"]
        lines += [f"ended by itself: {each}" for each in self.surprises]
        lines += [f"not tried, {what}: {why}" for what, why in self.lacking.items()]
        return "\n".join(lines)


async def great_trial(
    directory: Path,
    shape: Shape,
    seed: int,
    for_s: float,
    pause_s: float = 1.0,
    pace_s: float = 2.0,
    postgres: PostgresAddress | None = None,
) -> Report:
    """Run the network, let all faults loose for so long, let it come to rest, and examine all that was seen."""
    chance = random.Random(seed)
    network = GreatNetwork(directory, shape, chance, postgres)
    began = time.monotonic()
    async with running(network):
        applications = Applications(network, random.Random(chance.random()), pause_s)
        try:
            applications.start()
            given = applications.history.given
            await network.until(lambda: len(given) >= 2 * len(shape.sites), 90, "the first keys")
            trouble = Faults(network, random.Random(chance.random()), pace_s)
            await trouble.run(for_s)
            n_given = len(given)
            await network.until(lambda: len(given) >= n_given + 2 * len(shape.sites), 90, "fresh keys after the faults")
            async with asyncio.timeout(120):
                await applications.rest()
            await applications.replay(20)
            await network.until(lambda: not poor_pools(network), 150, lambda: poverty(network))
            await asyncio.sleep(3)  # what is owed to a peer is told within a second or so
        finally:
            await applications.close()
        await network.stop_processes()
        history = applications.history
        examine(network, history)
    n_uses = len(history.uses)
    return Report(
        seed,
        time.monotonic() - began,
        [*faults(history), *logged(network)],
        trouble.log.n,
        applications.n,
        len(history.fetched),
        len(history.interrupted - history.streamed),
        n_uses,
        network.surprises,
        network.lacking,
        trouble.log.lines,
        applications.waits_s,
    )


def poor_pools(network: GreatNetwork) -> dict[tuple[str, str], int]:
    """Pools that hold less than half of what their owner wants, as it last told: (owner, peer) → keys."""
    newest = {(event.site, event.peer): event for event in network.told(PoolEvent)}
    poor = {}
    for one, other in (*network.shape.spans.values(), *network.shape.pairs):
        for pair in ((one, other), (other, one)):
            if pair not in newest or 2 * newest[pair].ready < newest[pair].target:
                poor[pair] = newest[pair].ready if pair in newest else 0
    return poor


def poverty(network: GreatNetwork) -> str:
    """Which pools stay poor, and the newest that was told of their spans."""
    poor = poor_pools(network)
    spans = [span for span, ends in network.shape.spans.items() if ends in poor or ends[::-1] in poor]
    told = [f"{at:.1f} {event}" for at, event in network.events if any(span in str(event) for span in spans)]
    return "\n".join([f"fuller pools: {poor}", *told[-25:]])


def logged(network: GreatNetwork) -> list[str]:
    """What no process may say, whatever befalls it."""
    found = [
        f"source {e.source} is in quarantine at {e.site}: {e.reason}"
        for e in network.told(SourceEvent, state="quarantined")
    ]
    for process in network.processes:
        log = (network.directory / f"{process}.log").read_text(errors="replace")
        if "Traceback" in log:
            at = log.index("Traceback")
            found.append(f"{process} says: {log[max(0, at - 300) : at + 2500]}")
    return found


def examine(network: GreatNetwork, history: History) -> None:
    """Read the lines, the events and the stores at rest into the history."""
    for span, line in network.lines.items():
        for conversation in line.conversations:
            history.uses += tags_of(span, *network.shape.spans[span], conversation)
    for event in network.told(PadEvent):
        history.uses.append(Use(event.site, event.ledger, event.offset, event.octets, event.relay.bytes))
    stores = {site: network.store(site) for site in network.shape.sites}
    try:
        _compare(network, stores, history)
    finally:
        for store in stores.values():
            store.close()


def _compare(network: GreatNetwork, stores: dict[str, Store], history: History) -> None:
    unlike = history.unlike
    for site, store in stores.items():
        history.at_rest[site] = {}
        if (in_doubt := store.assignments_in_doubt()) != ():
            unlike.append(f"{site} has {len(in_doubt)} assignments in doubt at rest")
        for span in network.spans_of(site):
            if store.blocks_in_doubt(span) != ():
                unlike.append(f"{site} has blocks of {span} in doubt at rest")
    for span, (alice, bob) in network.shape.spans.items():
        for ledger in span_ledgers(span):
            ends = [stores[site].ledger_bounds(ledger) for site in (alice, bob)]
            head, end = max(head for head, _ in ends), ends[0][1]
            if ends[0][1] != ends[1][1]:
                unlike.append(f"ledger {ledger} ends at {ends[0][1]} at {alice} and at {ends[1][1]} at {bob}")
            elif len({stores[site].ledger_peek(ledger, head, end - head) for site in (alice, bob)}) > 1:
                unlike.append(f"ledger {ledger} holds other octets at {alice} than at {bob}")
    for one, other in combinations(stores, 2):
        for owner in (one, other):
            keys = [_ready(stores[one], other, owner), _ready(stores[other], one, owner)]
            if set(keys[0]) != set(keys[1]):
                more = sorted(set(keys[0]) - set(keys[1])), sorted(set(keys[1]) - set(keys[0]))
                text = f"pool of {owner} between {one} and {other}: {len(more[0])} and {len(more[1])} keys more"
                fates = [f"{site}: {_fate(stores[site], (more[0] or more[1])[0])}" for site in (one, other)]
                unlike.append("; ".join([text, *fates]))
            history.at_rest[one].update(keys[0])
            history.at_rest[other].update(keys[1])


def _ready(store: Store, peer: str, owner: str) -> dict[UUID, bytes]:
    stock = store.reserve(peer, owner, store.count_ready(peer, owner), "test")
    return {key.key_id: key.secret for key in stock}


def _fate(store: Store, key_id: UUID) -> str:
    """What a store says of a key, for whoever looks for the reason of a fault."""
    prefix, index = key_id.bytes[:12], int.from_bytes(key_id.bytes[12:], "big")
    with store._database.transaction() as tx:
        lots = tx.all(
            "SELECT state, first, n_keys, n_left, master, slave FROM lots WHERE prefix = ? AND first <= ?"
            " AND first + n_keys > ?",
            prefix,
            index,
            index,
        )
        loose = tx.all("SELECT state, holder, purpose FROM loose WHERE key_id = ?", key_id.bytes)
        owed = [
            (state, peer, holder)
            for state, peer, holder, stock in tx.all("SELECT state, peer, holder, stock FROM announced")
            if key_id.bytes in [stock[at : at + 16] for at in range(0, len(stock), 16)]
        ]
    return f"lots {lots}, loose {loose}, announced {owed}"
