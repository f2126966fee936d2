"""Three sites on two spans, a transport that keeps all traffic, and what must hold whatever happens to it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from itertools import combinations

from memory_store import Crash, MemoryStore

from haris.crypto.ledger import higher_heads, ledger_name, span_ledgers
from haris.keys import relay
from haris.keys.store import PadAppend
from haris.nouns.errors import PeerError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire.relay import RelayDone, RelayKeys, decode, encode

PATH = ("bank", "middle", "exchange")
SPANS = {("bank", "middle"): ("north", "ab"), ("middle", "exchange"): ("south", "ba")}  # the exchange prepares light
NORTH = Pedigree(1e-10, Origin.MEASURED, Proof("theorem N", "coherent", True, ("calibrated detectors",)))
SOUTH = Pedigree(3e-10, Origin.EMULATED, Proof("theorem S", "coherent", True))


def ledger(sender: str, receiver: str) -> str:
    """The relay ledger in which sender encrypts for receiver. PeerError when they are no neighbours."""
    if (sender, receiver) not in SPANS:
        raise PeerError("no span leads there")
    span, direction = SPANS[(sender, receiver)]
    return ledger_name(span, "relay", direction)


class Network:
    """Stores of the three sites. traffic: every RelayKeys that ever left a site, as octets."""

    def __init__(self, make_store: Callable[[str], MemoryStore] = lambda site: MemoryStore(), seed: int = 1) -> None:
        self.stores = {site: make_store(site) for site in PATH}
        self.entropy = random.Random(seed).randbytes
        self.traffic: list[bytes] = []
        self.acknowledged: set = set()
        self._births = 0

    def refill(self, n_octets: int = 4096, north: Pedigree = NORTH, south: Pedigree = SOUTH) -> None:
        """The same fresh pad at both ends of every span, as a block would bring it."""
        for (one, other), pedigree in zip(SPANS, (north, south), strict=True):
            for name in span_ledgers(SPANS[one, other][0])[2:]:
                self._births += 1
                octets = hashlib.shake_256(f"{name}{self._births}".encode()).digest(n_octets)
                for store in (self.stores[one], self.stores[other]):
                    armed, store.crash_at = store.crash_at, None  # whether both ends append is commit's affair
                    store.ledger_append([PadAppend(name, octets, pedigree)])
                    store.crash_at = armed

    def originate(self, n_keys: int) -> bytes:
        sent = relay.originate(self.stores["bank"], PATH, ledger("bank", "middle"), n_keys, self.entropy)
        return self.leave(sent.message)

    def leave(self, message: RelayKeys) -> bytes:
        self.traffic.append(encode(message))
        return self.traffic[-1]

    def arrive(self, site: str, octets: bytes) -> bytes | RelayDone:
        """What a site does with a message of its neighbour: the next message, or the far end's word."""
        message = decode(octets)
        assert isinstance(message, RelayKeys)
        incoming = ledger(relay.previous_site(message.path, site), site)
        if site == message.path[-1]:
            return relay.receive(self.stores[site], message, site, incoming).done
        outgoing = ledger(site, relay.next_site(message.path, site))
        return self.leave(relay.forward(self.stores[site], message, site, incoming, outgoing).message)

    def settle(self, done: RelayDone) -> None:
        relay.settle(self.stores["bank"], done)
        if done.arrived:
            self.acknowledged.add(done.relay)

    def ask(self) -> list[RelayDone]:
        doubts = self.stores["bank"].relays_in_doubt("exchange")
        return [relay.fate(self.stores["exchange"], name) for name in doubts]

    def relay(self, n_keys: int) -> RelayDone:
        done = self.arrive("exchange", self.arrive("middle", self.originate(n_keys)))
        self.settle(done)
        return done

    def reconnect(self) -> None:
        """Both ends of every span burn to the higher of their heads."""
        for (one, other), (span, _) in SPANS.items():
            heads = [{n: self.stores[s].ledger_bounds(n)[0] for n in span_ledgers(span)} for s in (one, other)]
            for name, head in higher_heads(*heads).items():
                for site in (one, other):
                    self.stores[site].ledger_burn_to(name, head)

    def restart(self) -> None:
        """After a crash anywhere: what was durable is there, all messages are lost, sites meet and settle."""
        for store in self.stores.values():
            store.crash_at = None
        self.reconnect()
        for done in self.ask():
            self.settle(done)

    # -- what must hold

    def check(self) -> None:
        self.check_traffic()
        owner, far = self.stores["bank"], self.stores["exchange"]
        kept = {name: key for name, (status, key, _) in far.keys.items() if status == "ready"}
        for name, (status, key, of) in owner.keys.items():
            if status == "ready":
                assert name in kept, "ready at the owner, not there at the far end"
                assert kept[name].secret == key.secret, "other bytes under one key ID"
                assert kept[name].pedigree == key.pedigree
            elif status == "spent":
                assert name not in kept, "given up by the owner, kept at the far end"
                assert key.secret == b""
            assert status == "ready" or of not in self.acknowledged, "an acknowledged key is lost"
        assert not self.stores["middle"].keys, "a trusted node keeps nothing"

    def check_traffic(self) -> None:
        """No octet of a pad under two messages."""
        messages = [decode(octets) for octets in dict.fromkeys(self.traffic)]
        for one, other in combinations(messages, 2):
            assert isinstance(one, RelayKeys)
            assert isinstance(other, RelayKeys)
            if one.ledger == other.ledger:
                first, second = sorted((one, other), key=lambda m: m.offset)
                assert first.offset + relay.pad_octets(first.n_keys) <= second.offset, "pad used twice"


__all__ = ["NORTH", "PATH", "SOUTH", "Crash", "Network", "ledger"]
