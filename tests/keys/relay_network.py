"""Sites on spans, a transport that keeps all traffic, and what must hold whatever happens to it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

from memory_store import Crash, MemoryStore

from haris.crypto.ledger import higher_heads, ledger_name, span_ledgers
from haris.keys import relay, shares
from haris.keys.shares import Mask
from haris.keys.store import PadAppend
from haris.nouns.errors import PeerError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire.relay import RelayDone, RelayHeld, RelayKeys, decode, encode

PATH = ("bank", "middle", "exchange")
PATHS = (PATH, ("bank", "east", "exchange"), ("bank", "west", "far-west", "exchange"))
SPANS = {("bank", "middle"): ("north", "ab"), ("middle", "exchange"): ("south", "ba")}  # the exchange prepares light
SPANS |= {hop: ("-".join(hop), "ab") for path in PATHS[1:] for hop in pairwise(path)}
NORTH = Pedigree(1e-10, Origin.MEASURED, Proof("theorem N", "coherent", True, ("calibrated detectors",)))
SOUTH = Pedigree(3e-10, Origin.EMULATED, Proof("theorem S", "coherent", True))


def ledger(sender: str, receiver: str) -> str:
    """The relay ledger in which sender encrypts for receiver. PeerError when they are no neighbours."""
    if (sender, receiver) not in SPANS:
        raise PeerError("no span leads there")
    span, direction = SPANS[(sender, receiver)]
    return ledger_name(span, "relay", direction)


class Network:
    """Stores of all sites. paths: of every relay. session: its mask at both ends.

    traffic: every RelayKeys that ever left a site, as octets.
    """

    def __init__(
        self,
        make_store: Callable[[str], MemoryStore] = lambda site: MemoryStore(),
        seed: int = 1,
        paths: Sequence[tuple[str, ...]] = (PATH,),
        session: Mask | None = None,
    ) -> None:
        self.paths, self.session = tuple(paths), session
        self.sites = tuple(dict.fromkeys(site for path in self.paths for site in path))
        self.between = tuple(site for site in self.sites if site not in ("bank", "exchange"))
        self.stores = {site: make_store(site) for site in self.sites}
        self.entropy = random.Random(seed).randbytes
        self.traffic: list[bytes] = []
        self.acknowledged: set = set()
        self._births = 0

    @property
    def spans(self) -> dict[tuple[str, str], tuple[str, str]]:
        return {hop: SPANS[hop] for path in self.paths for hop in pairwise(path)}

    def refill(self, n_octets: int = 4096, north: Pedigree = NORTH, south: Pedigree = SOUTH) -> None:
        """The same fresh pad at both ends of every span, as a block would bring it."""
        for one, other in self.spans:
            pedigree = north if one == "bank" else south
            for name in span_ledgers(SPANS[one, other][0])[2:]:
                self._births += 1
                octets = hashlib.shake_256(f"{name}{self._births}".encode()).digest(n_octets)
                for store in (self.stores[one], self.stores[other]):
                    armed, store.crash_at = store.crash_at, None  # whether both ends append is commit's affair
                    store.ledger_append([PadAppend(name, octets, pedigree)])
                    store.crash_at = armed

    def originate_all(self, n_keys: int, until_ns: int | None = None) -> list[bytes]:
        """A message for the second site of each path."""
        ledgers = [ledger(path[0], path[1]) for path in self.paths]
        job = shares.originate(self.stores["bank"], self.paths, ledgers, n_keys, self.entropy, self.session, until_ns)
        return [self.leave(sent.message) for sent in job.sent]

    def originate(self, n_keys: int) -> bytes:
        (octets,) = self.originate_all(n_keys)
        return octets

    def leave(self, message: RelayKeys) -> bytes:
        self.traffic.append(encode(message))
        return self.traffic[-1]

    def arrive(self, site: str, octets: bytes) -> bytes | RelayHeld:
        """What a site does with a message of its neighbour: the next message, or a receipt."""
        message = decode(octets)
        assert isinstance(message, RelayKeys)
        incoming = ledger(relay.previous_site(message.path, site), site)
        if site == message.path[-1]:
            return relay.receive(self.stores[site], message, site, incoming).held
        outgoing = ledger(site, relay.next_site(message.path, site))
        return self.leave(relay.forward(self.stores[site], message, site, incoming, outgoing).message)

    def carry(self, octets: bytes) -> RelayHeld:
        """From the bank to the exchange, over the path that the message names."""
        for site in decode(octets).path[1:]:
            octets = self.arrive(site, octets)
        assert isinstance(octets, RelayHeld)
        return octets

    def settle(self, done: RelayDone) -> None:
        shares.settle(self.stores["bank"], done)
        if done.arrived:
            self.acknowledged.add(done.relay)

    def ask(self) -> list[RelayDone]:
        asks = shares.questions(self.stores["bank"], "exchange")
        return [shares.fate(self.stores["exchange"], ask, "bank", self.session) for ask in asks]

    def relay(self, n_keys: int) -> RelayDone:
        for octets in self.originate_all(n_keys):
            self.carry(octets)
        (done,) = self.ask()
        self.settle(done)
        return done

    def reconnect(self) -> None:
        """Both ends of every span burn to the higher of their heads."""
        for (one, other), (span, _) in self.spans.items():
            ends = self.stores[one], self.stores[other]
            told = [{name: end.head_to_tell(name) for name in span_ledgers(span)} for end in ends]
            for end, theirs in zip(ends, reversed(told), strict=True):
                ours = {name: end.ledger_bounds(name)[0] for name in span_ledgers(span)}
                for name, head in higher_heads(ours, theirs).items():
                    end.ledger_burn_to(name, head)

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
        for site in self.between:
            store = self.stores[site]
            assert not store.keys, "a site between keeps nothing"
            assert not store.shares, "a site between keeps nothing"

    def check_traffic(self) -> None:
        """No octet of a pad under two messages."""
        messages = [decode(octets) for octets in dict.fromkeys(self.traffic)]
        for one, other in combinations(messages, 2):
            assert isinstance(one, RelayKeys)
            assert isinstance(other, RelayKeys)
            if one.ledger == other.ledger:
                first, second = sorted((one, other), key=lambda m: m.offset)
                assert first.offset + relay.pad_octets(first.n_keys) <= second.offset, "pad used twice"


__all__ = ["NORTH", "PATH", "PATHS", "SOUTH", "Crash", "Network", "ledger"]
