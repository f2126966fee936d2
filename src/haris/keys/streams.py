"""Key streams over the supply (ETSI GS QKD 004 V2.1.1): what their owner decides, and how each end takes its chunks.

A chunk is one key or several, named after (Key_stream_ID, index, attempt) and assigned to both ends alike: whoever asks
first has the owner assign it, and each end fetches its own copy once. An attempt that fails, or that a crash cut short,
is never taken up again: its names are burnt and the next attempt has others, so that no index ever has two values.
Methods are blocking, but for draw, which is a generator as Supply.enc_keys is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID

import msgspec

from haris.keys.pedigree import join_pedigrees
from haris.keys.store import Fetch
from haris.keys.stream_terms import StreamLimits, chunk_key_ids, counter_proposal, draw_stream_id, key_octets_of_chunk
from haris.keys.supply import AskPeers, EmulatedKeyRefused, Order, PeerReply, Supply
from haris.nouns.errors import KeyUnavailable, ParameterError, Unauthorised
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import Pedigree
from haris.nouns.streams import Stream, StreamChunk, StreamEnd
from haris.wire.etsi004 import QoS, Status
from haris.wire.pedigree import write_pedigree
from haris.wire.streams import CloseEnd, DrawChunk, LookAtStream, OpenEnd, Reply

_MS = 1_000_000
_LONGEST_PLAIN = len(b'{"age":9999999999999,"hops":999}')

Draw = Generator[AskPeers, tuple[PeerReply, ...], Reply]


class StreamStore(Protocol):
    """Streams, durable: at the owner whole, at the other site what its own end needs."""

    def open_end(self, wanted: Stream, sae: str, terms: bytes) -> Stream:
        """Keep the stream if its identifier is new; open sae's end if what is kept fits what is wanted and is not over.

        Returns what is kept.
        """

    def waiting_stream(self, source: str, destination: str, sae: str) -> Stream | None:
        """The oldest drawn stream of source and destination that sae has never opened, and the other end has."""

    def stream(self, key_stream_id: UUID) -> Stream | None:
        """A stream by its identifier."""

    def stream_ends(self, key_stream_id: UUID) -> dict[str, StreamEnd]:
        """The ends that were ever opened, by their SAE."""

    def close_end(self, key_stream_id: UUID, sae: str) -> bool:
        """Close an end; the last one closed ends the stream for ever. False when it was not open."""

    def find_chunk(self, key_stream_id: UUID, index: int) -> StreamChunk | None:
        """What is known of a chunk; None when nobody has asked for it."""

    def last_chunk(self, key_stream_id: UUID) -> int:
        """The highest index that anybody has asked for, -1 when none."""

    def order_chunk(self, key_stream_id: UUID, index: int) -> int | None:
        """The number of the next attempt at a chunk; None when one has succeeded."""

    def chunk_born(self, key_stream_id: UUID, index: int, attempt: int, now_ns: int) -> bool:
        """The keys of this attempt are assigned. False when another attempt has begun meanwhile."""

    def reach_chunk(self, key_stream_id: UUID, sae: str, index: int, floor: int) -> None:
        """sae has been given index; chunks below floor are forgotten."""

    def use_stream(self, key_stream_id: UUID) -> None:
        """It is in use, at the site that does not own it."""

    def forget_streams(self, unused_since_ns: int) -> int:
        """Forget streams that nobody has used since. Returns how many; 0: no more are so old."""


@dataclass(frozen=True, slots=True)
class StreamOwner:
    """The streams whose chunks one site gives. entropy: for fresh identifiers."""

    supply: Supply
    store: StreamStore
    entropy: Callable[[int], bytes]
    limits: StreamLimits = field(default_factory=StreamLimits)

    def open(self, ask: OpenEnd) -> Reply:
        """Reserve a stream, or join it. A fresh one that waits for this end with the same URIs is joined first."""
        directory = self.supply.directory
        sites = {directory.saes.get(ask.source), directory.saes.get(ask.destination)}
        if len(sites) != 2 or None in sites or directory.site not in sites:
            return Reply(Status.NO_QKD_CONNECTION)
        if ask.sae not in (ask.source, ask.destination) or directory.foreign.keys() & {ask.source, ask.destination}:
            return Reply(Status.NO_QKD_CONNECTION)
        try:
            wanted = self._wanted(ask)
        except Unauthorised:
            return Reply(Status.NO_QKD_CONNECTION)
        if isinstance(wanted, QoS):
            return Reply(Status.QOS_NOT_MET, qos=wanted)
        kept = self.store.open_end(wanted, ask.sae, msgspec.json.encode(ask.qos))
        if kept.over or kept.pair() != wanted.pair():
            return Reply(Status.KSID_IN_USE)
        if kept.chunk_octets != wanted.chunk_octets:
            return Reply(Status.QOS_NOT_MET, qos=replace(ask.qos, key_chunk_octets=kept.chunk_octets))
        return Reply(
            Status.SUCCESSFUL,
            key_stream_id=kept.key_stream_id,
            chunk_octets=kept.chunk_octets,
            connected=self._connected(kept, ask.sae),
        )

    def _wanted(self, ask: OpenEnd) -> Stream | QoS:
        """The stream that an end asks for, or the QoS that it may ask for instead. Unauthorised when it may not."""
        directory = self.supply.directory
        master, slave = ask.source, ask.destination
        if directory.saes[master] != directory.site:
            master, slave = slave, master
        keys = self.supply.limits_for(master, slave)
        proposal = counter_proposal(ask.qos, self.limits, keys, self.supply.admission.rule(master, slave))
        if proposal != ask.qos:
            return proposal
        name, drawn = ask.key_stream_id, ask.key_stream_id is None
        if name is None:
            waiting = self.store.waiting_stream(ask.source, ask.destination, ask.sae)
            other = directory.saes[slave]
            name = waiting.key_stream_id if waiting else draw_stream_id(directory.site, other, self.entropy)
        chunk_octets = ask.qos.key_chunk_octets
        key_octets = key_octets_of_chunk(chunk_octets, keys)
        return Stream(name, ask.source, ask.destination, directory.site, chunk_octets, key_octets, drawn)

    def look(self, ask: LookAtStream) -> Reply:
        """Whether the peer application is connected."""
        stream = self.store.stream(ask.key_stream_id)
        if stream is None or ask.sae not in stream.pair():
            return Reply(Status.GET_KEY_PEER_NOT_CONNECTED)
        return Reply(Status.SUCCESSFUL, connected=self._connected(stream, ask.sae))

    def draw(self, ask: DrawChunk, now_ns: int) -> Draw:
        """Give an end a chunk: assign its keys when nobody has asked for it before. Raises EmulatedKeyRefused."""
        stream = self.store.stream(ask.key_stream_id)
        ends = self.store.stream_ends(ask.key_stream_id)
        own_end = ends.get(ask.sae)
        if stream is None or own_end is None or not own_end.is_open:
            return Reply(Status.GET_KEY_PEER_NOT_CONNECTED)
        peer_end = ends.get(stream.other(ask.sae))
        if peer_end is None:
            return Reply(Status.GET_KEY_PEER_NOT_CONNECTED, final=False)
        lowest = min(own_end.reached, peer_end.reached)
        index = self._first_alive(stream, own_end, now_ns) if ask.index is None else ask.index
        if not lowest - self.limits.window <= index < lowest + self.limits.window:
            return Reply(Status.INSUFFICIENT_KEY, final=ask.index is not None)
        chunk = self.store.find_chunk(stream.key_stream_id, index)
        if chunk is None or chunk.born_ns is None:
            if not peer_end.is_open:
                return Reply(Status.GET_KEY_PEER_NOT_CONNECTED)
            assigned = yield from self._assign(stream, index, now_ns)
            if assigned.status is not Status.SUCCESSFUL:
                return assigned
            chunk = self.store.find_chunk(stream.key_stream_id, index)
        if chunk is None or chunk.born_ns is None or _expired(chunk, own_end, now_ns):
            return Reply(Status.INSUFFICIENT_KEY)
        self.store.reach_chunk(stream.key_stream_id, ask.sae, index, lowest - self.limits.window)
        return Reply(
            Status.SUCCESSFUL,
            index=index,
            age_ms=max(0, now_ns - chunk.born_ns) // _MS,
            master=self._master(stream),
            chunk_octets=stream.chunk_octets,
            key_ids=self._names(stream, index, chunk.attempt),
        )

    def close(self, ask: CloseEnd) -> Reply:
        """Close an end; its key manager fetches and wipes what the end has left there."""
        stream = self.store.stream(ask.key_stream_id)
        end = self.store.stream_ends(ask.key_stream_id).get(ask.sae)
        if stream is None or end is None:
            return Reply(Status.GET_KEY_PEER_NOT_CONNECTED)
        left: list[UUID] = []
        for index in range(end.reached, self.store.last_chunk(stream.key_stream_id) + 1):
            chunk = self.store.find_chunk(stream.key_stream_id, index)
            if chunk is not None and chunk.born_ns is not None:
                left += self._names(stream, index, chunk.attempt)
        if not self.store.close_end(ask.key_stream_id, ask.sae):
            return Reply(Status.GET_KEY_PEER_NOT_CONNECTED)
        return Reply(Status.SUCCESSFUL, master=self._master(stream), key_ids=tuple(left))

    def _assign(self, stream: Stream, index: int, now_ns: int) -> Generator[AskPeers, tuple[PeerReply, ...], Reply]:
        """Assign the keys of a chunk to both ends."""
        attempt = self.store.order_chunk(stream.key_stream_id, index)
        if attempt is None:  # another process of this site has assigned them meanwhile
            return Reply(Status.SUCCESSFUL)
        master, names = self._master(stream), self._names(stream, index, attempt)
        slaves, size_bits = (stream.other(master), master), 8 * stream.key_octets
        try:
            yield from self.supply.enc_keys(
                Order(master, slaves, stream.n_keys, size_bits, names=names, interface="004")
            )
        except (Unauthorised, ParameterError):
            return Reply(Status.NO_QKD_CONNECTION)
        except EmulatedKeyRefused:
            raise  # an alarm, too
        except KeyUnavailable:
            return Reply(Status.INSUFFICIENT_KEY, final=False)
        if not self.store.chunk_born(stream.key_stream_id, index, attempt, now_ns):
            return Reply(Status.INSUFFICIENT_KEY, final=False)
        return Reply(Status.SUCCESSFUL)

    def _first_alive(self, stream: Stream, end: StreamEnd, now_ns: int) -> int:
        """The first chunk beyond all that an end has asked for which has not outlived its TTL."""
        index = end.reached
        chunk = self.store.find_chunk(stream.key_stream_id, index)
        while chunk is not None and _expired(chunk, end, now_ns):
            index += 1
            chunk = self.store.find_chunk(stream.key_stream_id, index)
        return index

    def _master(self, stream: Stream) -> str:
        saes, own = self.supply.directory.saes, self.supply.directory.site
        return stream.source if saes[stream.source] == own else stream.destination

    def _names(self, stream: Stream, index: int, attempt: int) -> tuple[UUID, ...]:
        return chunk_key_ids(stream.key_stream_id, index, attempt, stream.n_keys)

    def _connected(self, stream: Stream, sae: str) -> bool:
        """Whether the peer is there, or was and has left chunks to take."""
        ends = self.store.stream_ends(stream.key_stream_id)
        peer, own = ends.get(stream.other(sae)), ends.get(sae)
        return peer is not None and (peer.is_open or (own is not None and own.reached < peer.reached))


def chunk_fetch(supply: Supply, sae: str, reply: Reply) -> Fetch:
    """What an end asks its own site for, to have its copy of a chunk."""
    if reply.chunk_octets is None or not reply.key_ids:
        raise ParameterError("the owner of the stream names no chunk")
    return supply.fetch(reply.master, sae, b"".join(key_id.bytes for key_id in reply.key_ids), "004")


def join_chunk(keys: Sequence[KeyBatch], chunk_octets: int) -> tuple[bytearray, Pedigree]:
    """The chunk that keys make, and its pedigree; the keys are wiped."""
    octets = bytearray().join(batch.secrets for batch in keys)
    pedigree = join_pedigrees([batch.pedigree for batch in keys for _ in range(batch.n_keys)])
    for batch in keys:
        batch.wipe()
    if len(octets) < chunk_octets:
        raise KeyUnavailable("the keys are shorter than the chunk")
    octets[chunk_octets:] = b""
    return octets, pedigree


def metadata_needed(qos: QoS) -> int:
    """Octets that the metadata of any chunk takes at least."""
    return _LONGEST_PLAIN if qos.mimetype else 0


def write_metadata(qos: QoS, pedigree: Pedigree, age_ms: int, room_octets: int) -> bytes:
    """`age` (ms since the chunk was assigned) and `hops`, and the pedigree's items when there is room for them."""
    if not qos.mimetype:
        return b""
    plain = {"age": min(age_ms, 9_999_999_999_999), "hops": min(pedigree.hops, 999)}
    full = msgspec.json.encode({**plain, **write_pedigree(pedigree)})
    return full if len(full) <= room_octets else msgspec.json.encode(plain)


def read_terms(end: StreamEnd) -> QoS:
    """The QoS that an end was opened with."""
    return msgspec.json.decode(end.terms, type=QoS)


def _expired(chunk: StreamChunk, end: StreamEnd, now_ns: int) -> bool:
    ttl_s = read_terms(end).ttl_s
    return chunk.born_ns is not None and ttl_s > 0 and now_ns - chunk.born_ns > ttl_s * 1000 * _MS
