"""Feeds a target with broken messages, and stops at the first case that it does not refuse as it promises.

    python tools/fuzz.py 004 --seconds 600 --seed 1

A target tries one case that it draws from rng, and raises Finding. The same seed tries the same cases in their order.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import functools
import logging
import random
import ssl
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from haris.control.topology import Edge, Graph, View
from haris.keys import shares
from haris.keys.relay import forward
from haris.keys.store import PadAppend
from haris.node.entropy.device import DeviceError
from haris.node.entropy.device_rounds import RecordReader
from haris.node.relays.handing import Neighbour, Relaying
from haris.node.store.store import Store, open_store
from haris.node.supply.etsi004_server import Etsi004Server
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.quantum.entropy.round_forms import ROUND_FORMS
from haris.quantum.entropy.source_independent import SourceIndependent
from haris.wire import end_to_end, relay, rounds, topology
from haris.wire import etsi004 as e
from haris.wire.etsi004_octets import read_answer, read_header, read_request, write_answer, write_request
from haris.wire.randomness import Birth

Target = Callable[[random.Random], None]


class Finding(Exception):  # noqa: N818  (what it is)
    """A case that was not refused as promised. octets: the case."""

    def __init__(self, text: str, octets: bytes) -> None:
        super().__init__(f"{text}\n{octets.hex()}")


def mutate(rng: random.Random, octets: bytes, others: Sequence[bytes]) -> bytes:
    """Octets with up to six changes of the kinds that find most: bits, lengths, cuts, copies, pieces of others."""
    changed = bytearray(octets)
    for _ in range(rng.randrange(7)):
        at, kind = rng.randrange(len(changed) + 1), rng.randrange(8)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = rng.choice((0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF))
        elif kind == 2:
            number = rng.choice((0, 1, len(octets), 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
            changed[at : at + 4] = number.to_bytes(4, "big")
        elif kind == 3:
            del changed[at : at + rng.randrange(1, 40)]
        elif kind == 4:
            changed[at:at] = rng.randbytes(rng.randrange(1, 40))
        elif kind == 5:
            changed[at:at] = changed[at : at + rng.randrange(1, 300)]
        elif kind == 6:
            other = rng.choice(others)
            changed[at:] = other[rng.randrange(len(other)) :]
        else:
            changed[at:at] = bytes(rng.randrange(1, 300))
    return bytes(changed)


# ETSI GS QKD 004

_QOS = e.QoS(32, 40000, 5000, 10, 1, 5000, 3600, "application/json")
_STREAM = UUID(int=7)
_CALLS: tuple[e.Request, ...] = (
    e.OpenConnect("qkd://alice@bank", "qkd://bob@exchange", _QOS),
    e.OpenConnect("a", "b", e.QoS(1 << 20, mimetype="x" * 255), _STREAM),
    e.GetKey(_STREAM, 0, 64),
    e.GetKey(_STREAM, 1, 2, (0, 16)),
    e.Close(_STREAM),
)
_FRAMINGS = (e.FIXED, e.TERMINATED)
_REQUESTS = tuple(write_request(call, framing) for call in _CALLS for framing in _FRAMINGS)
_ANSWERS: tuple[tuple[e.Request, e.Answer], ...] = (
    (_CALLS[0], e.Opened(e.Status.SUCCESSFUL, _QOS, _STREAM)),
    (_CALLS[0], e.Opened(e.Status.NO_QKD_CONNECTION, _QOS)),
    (_CALLS[2], e.KeyGiven(e.Status.SUCCESSFUL, 0, bytes(range(32)), b'{"age":1,"hops":1}')),
    (_CALLS[2], e.KeyGiven(e.Status.METADATA_SIZE_INSUFFICIENT, needed_octets=32)),
    (_CALLS[4], e.Closed(e.Status.SUCCESSFUL)),
)
_ANSWERED = tuple(
    (asked, framing, write_answer(answer, framing)) for asked, answer in _ANSWERS for framing in _FRAMINGS
)


def try_004(rng: random.Random) -> None:
    """One case: a request to the reader, an answer to the client's reader, or a conversation with the server."""
    kind = rng.randrange(16)
    if kind < 8:
        _read_request(mutate(rng, rng.choice(_REQUESTS), _REQUESTS))
    elif kind < 15:
        asked, framing, octets = rng.choice(_ANSWERED)
        _read_answer(mutate(rng, octets, [each for _, _, each in _ANSWERED]), asked, framing)
    else:
        parts = [rng.choice(_REQUESTS) for _ in range(rng.randrange(1, 4))]
        octets = b"".join(mutate(rng, part, _REQUESTS) if rng.randrange(2) else part for part in parts)
        asyncio.run(_converse(octets, rng))


def _read_request(octets: bytes) -> None:
    """What is read is written as the same message again; everything else is a ParameterError."""
    try:
        header = read_header(octets[: e.HEADER_OCTETS])
        request, framing = read_request(header, octets[e.HEADER_OCTETS : e.HEADER_OCTETS + header.length])
    except ParameterError:
        return
    except Exception as error:
        raise Finding(f"{type(error).__name__} from a request: {error}", octets) from error
    try:
        again = write_request(request, framing)
        if read_request(read_header(again[: e.HEADER_OCTETS]), again[e.HEADER_OCTETS :])[0] != request:
            raise Finding("a request does not make the round trip", octets)
    except ParameterError as error:
        raise Finding(f"a request cannot be read again: {error}", octets) from error


def _read_answer(octets: bytes, asked: e.Request, framing: e.Framing) -> None:
    try:
        header = read_header(octets[: e.HEADER_OCTETS], PeerError)
        answer = read_answer(header, octets[e.HEADER_OCTETS :], asked, framing.dialect)
    except PeerError:
        return
    except Exception as error:
        raise Finding(f"{type(error).__name__} from an answer: {error}", octets) from error
    if isinstance(answer, e.KeyGiven) and (len(answer.key) + len(answer.metadata) > len(octets)):
        raise Finding("an answer holds more than was sent", octets)


class _Applications:
    """Stands for Calls: answers every call at once."""

    async def answer(self, caller: str, request: e.Request, connection: object) -> e.Answer:
        if isinstance(request, e.OpenConnect):
            return e.Opened(e.Status.SUCCESSFUL, request.qos, request.key_stream_id)
        if isinstance(request, e.GetKey):
            return e.KeyGiven(e.Status.SUCCESSFUL, request.index, bytes(32), b"{}")
        return e.Closed(e.Status.SUCCESSFUL)

    def detach(self, connection: object) -> None:
        pass


class _Writer:
    """As much of a StreamWriter as the server uses. Keeps what is written."""

    def __init__(self) -> None:
        self.written, self.closed = b"", False

    def get_extra_info(self, name: str) -> object:
        return self if name in ("ssl_object", "socket") else ("fuzz", 0)

    def getpeercert(self, binary_form: bool = False) -> object:
        return None

    def setsockopt(self, *option: int) -> None:
        pass

    def write(self, octets: bytes) -> None:
        self.written += octets

    async def drain(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    async def wait_closed(self) -> None:
        pass


class _Failures(logging.Handler):
    """Keeps what the server logs as a failure of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage() + (traceback.format_exc() if record.exc_info else ""))


async def _converse(octets: bytes, rng: random.Random) -> None:
    """The server reads octets in pieces: it answers calls whole, closes at the first that is none, and never fails."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = Etsi004Server(_Applications(), context, lambda certificate: "alice")  # type: ignore[arg-type]
    reader, writer, failures = asyncio.StreamReader(), _Writer(), _Failures()
    log = logging.getLogger("haris.node.supply.etsi004_server")
    log.addHandler(failures)
    try:
        serving = asyncio.ensure_future(server.serve(reader, writer))  # type: ignore[arg-type]
        at = 0
        while at < len(octets):
            step = rng.randrange(1, len(octets) + 1)
            reader.feed_data(octets[at : at + step])
            at += step
            await asyncio.sleep(0)
        reader.feed_eof()
        await serving
    finally:
        log.removeHandler(failures)
    if failures.texts:
        raise Finding(f"the server failed: {failures.texts[0]}", octets)
    if not writer.closed:
        raise Finding("the server left a connection open", octets)
    left = writer.written
    while left:
        length = int.from_bytes(left[4 : e.HEADER_OCTETS], "big") if len(left) >= e.HEADER_OCTETS else len(left)
        if e.HEADER_OCTETS + length > len(left):
            raise Finding("the server wrote half an answer", octets)
        left = left[e.HEADER_OCTETS + length :]


# Relay, its end-to-end layer, and the topology that routes it

_PATHS = (("bank", "middle", "exchange"), ("bank", "east", "west", "exchange"))
_WORD = Pedigree(1e-10, Origin.MEASURED, Proof("theorem", "coherent", True, ("assumption",)))
_SIGNED: dict[str, Any] = {
    "session": bytes(16),
    "owner": "bank",
    "far_end": "exchange",
    "certificate": bytes(40),
    "signature": bytes(3309),
}
_GOSSIP = topology.Gossip(
    tuple(
        topology.Announcement(path[n], 7, (topology.SpanLevel(path[n + 1], 4096, 1e3, True),))
        for path in _PATHS
        for n in range(len(path) - 1)
        if path[n] != "bank" or path == _PATHS[0]
    )
)
_WORDS: tuple[tuple[Any, tuple[bytes, ...]], ...] = (
    (
        relay,
        tuple(
            map(
                relay.encode,
                (
                    relay.RelayKeys(
                        relay=_STREAM,
                        share=1,
                        shares=2,
                        path=_PATHS[1],
                        ledger="east/relay/ab",
                        offset=96,
                        ciphertext=bytes(80),
                        pedigree=_WORD,
                        seal=bytes(16),
                    ),
                    relay.RelayHeld(_STREAM, 1),
                    relay.RelayAsk(_STREAM, bytes(32), bytes(16)),
                    relay.RelayDone(_STREAM, _WORD),
                    relay.RelayDone(_STREAM, None, (0, 1), True),
                    relay.RelayHead("east/relay/ab", 4096),
                ),
            )
        ),
    ),
    (
        end_to_end,
        (
            end_to_end.encode(end_to_end.SessionOffer(**_SIGNED, public_key=bytes(1568))),
            end_to_end.encode(end_to_end.SessionReply(**_SIGNED, ciphertext=bytes(1568))),
        ),
    ),
    (topology, (topology.encode(_GOSSIP), topology.encode(topology.Gossip(())))),
)
_ALL_WORDS = tuple(octets for _, several in _WORDS for octets in several)


def try_relay(rng: random.Random) -> None:
    """One case: a broken message to its reader, to the far end of a relay, or to a site's view of the network."""
    kind = rng.randrange(8)
    if kind < 6:
        wire, several = rng.choice(_WORDS)
        _read_word(wire, mutate(rng, rng.choice(several), _ALL_WORDS))
    elif kind == 6:
        _far_end().try_share(rng)
    else:
        _hear(mutate(rng, rng.choice(_WORDS[2][1]), _ALL_WORDS), rng)


def _read_word(wire: Any, octets: bytes) -> None:
    """What is read is spelt as it was; everything else is a PeerError."""
    try:
        message = wire.decode(octets)
    except PeerError:
        return
    except Exception as error:
        raise Finding(f"{type(error).__name__} from a message: {error}", octets) from error
    again = wire.encode(message)
    if wire.decode(again) != message or (wire is not topology and again != octets):
        raise Finding("a message does not make the round trip", octets)


def _hear(octets: bytes, rng: random.Random) -> None:
    """A view takes any gossip that can be read, and never learns of a span that is not configured."""
    graph = Graph((Edge("north", ("bank", "middle")), Edge("south", ("middle", "exchange"))))
    view = View(graph, "bank")
    try:
        for _ in range(2):
            view.hear(topology.decode(octets), rng.choice(("middle", "exchange", "nobody")), rng.randrange(10))
            view.announce([], rng.randrange(10))
            levels = view.levels(rng.randrange(10))
    except PeerError:
        return
    except Exception as error:
        raise Finding(f"{type(error).__name__} from gossip: {error}", octets) from error
    if set(levels) != set(graph.hops()):
        raise Finding("a gossip has changed the network", octets)


class _FarEnd:
    """The exchange, whose store is real, with one share on its way to it that has not come yet."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        atexit.register(self._folder.cleanup)
        stores = {site: self._store(site) for site in ("bank", "middle", "exchange")}
        for span, ends in {"north": ("bank", "middle"), "south": ("middle", "exchange")}.items():
            for site in ends:
                stores[site].ledger_append([PadAppend(f"{span}/relay/ab", random.Random(span).randbytes(512), _WORD)])
        ledgers = "north/relay/ab", "south/relay/ab"
        job = shares.originate(stores["bank"], _PATHS[:1], ledgers[:1], 2, random.Random(1).randbytes)
        self._share = relay.encode(forward(stores["middle"], job.sent[0].message, "middle", *ledgers).message)
        self._relay, self._store_here = job.relay, stores["exchange"]
        self._events: list[object] = []
        self._site = Relaying("exchange", self._store_here, {"middle": Neighbour("south", False)}, self._events.append)

    def _store(self, site: str) -> Store:
        store = open_store(Path(self._folder.name) / site, bytes(32), random.Random(2).randbytes)
        atexit.register(store.close)
        return store

    def try_share(self, rng: random.Random) -> None:
        """Any other message than the very share burns no pad and keeps nothing."""
        octets = mutate(rng, self._share, _ALL_WORDS)
        if octets == self._share:
            return
        try:
            asyncio.run(self._site.handle(None, rng.choice(("middle", "bank")), octets))  # type: ignore[arg-type]
        except (PeerError, KeyUnavailable):
            pass
        except Exception as error:
            raise Finding(f"{type(error).__name__} from a share: {error}", octets) from error
        kept = self._store_here.shares_of(self._relay)
        if kept or self._events or self._store_here.ledger_bounds("south/relay/ab")[0]:
            raise Finding("a forged share has burnt pad, or is kept", octets)


@functools.cache
def _far_end() -> _FarEnd:
    return _FarEnd()


# Records of rounds, which a device of random numbers sends

_FORM = ROUND_FORMS["source-independent"]
_QUBITS = SourceIndependent(1e6, 0.9, 0.3, 0.01)
_ROUNDS = tuple(_FORM.emulate(_QUBITS, 40, seed) for seed in range(3))
_RECORDS = tuple(rounds.write_record(each, _FORM.kind, number) for number, each in enumerate(_ROUNDS))
_ORDERS = tuple(rounds.write_order(each.settings, 2, _FORM.kind, number) for number, each in enumerate(_ROUNDS))


def try_rounds(rng: random.Random) -> None:
    """One case: a broken record or order to its reader, or a broken stream of records to the device's driver."""
    if rng.randrange(3):
        _read_record(mutate(rng, rng.choice(_RECORDS + _ORDERS), _RECORDS + _ORDERS))
    else:
        _read_stream(b"".join(mutate(rng, each, _RECORDS) if rng.randrange(2) else each for each in _RECORDS))


def _read_record(octets: bytes) -> None:
    """What is read is written as the same record again; everything else is a PeerError."""
    try:
        header = rounds.read_header(octets[: rounds.HEADER_OCTETS])
        read = rounds.read_rounds(header, octets[rounds.HEADER_OCTETS :])
    except PeerError:
        return
    except Exception as error:
        raise Finding(f"{type(error).__name__} from a record: {error}", octets) from error
    if rounds.write_record(read, header.kind, header.number) != octets:
        raise Finding("a record does not make the round trip", octets)


class _Stream:
    """Octets of a device, then its end."""

    name, birth = "fuzz", Birth.MEASURED

    def __init__(self, octets: bytes) -> None:
        self._left = octets

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def octets(self, n_octets: int) -> bytearray:
        if len(self._left) < n_octets:
            raise DeviceError("is at its end")
        given, self._left = self._left[:n_octets], self._left[n_octets:]
        return bytearray(given)


def _read_stream(octets: bytes) -> None:
    """Rounds that come out are those of sound records, in their order; everything else is a DeviceError."""
    reader, seen = RecordReader(_Stream(octets), _FORM, _QUBITS), list[int]()
    reader.open()
    sound = {each.outcomes.tobytes() + each.settings.tobytes(): number for number, each in enumerate(_ROUNDS)}
    try:
        while True:
            found = reader.next_rounds()
            number = sound.get(found.outcomes.tobytes() + found.settings.tobytes())
            if number is None or (seen and number != seen[-1] + 1):
                raise Finding("a broken stream gave rounds", octets)
            seen.append(number)
    except DeviceError:
        return
    except Finding:
        raise
    except Exception as error:
        raise Finding(f"{type(error).__name__} from a stream: {error}", octets) from error


TARGETS: dict[str, Target] = {"004": try_004, "relay": try_relay, "rounds": try_rounds}


def fuzz(target: Target, seed: int, seconds: float | None = None, cases: int | None = None) -> int:
    """Try cases until the time or the number is over; returns how many were tried. Raises Finding."""
    rng = random.Random(seed)
    began, tried = time.monotonic(), 0
    while (cases is None or tried < cases) and (seconds is None or time.monotonic() - began < seconds):
        target(rng)
        tried += 1
    return tried


def main() -> int:
    """Run one target; 1 when it finds something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the cases (1)")
    args = parser.parse_args()
    logging.getLogger("haris").setLevel(logging.ERROR)
    try:
        tried = fuzz(TARGETS[args.target], args.seed, args.seconds)
    except Finding as finding:
        print(f"{args.target}: {finding}", file=sys.stderr)
        return 1
    print(f"{args.target}: {tried} cases in {args.seconds:g} s, nothing found (seed {args.seed})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
