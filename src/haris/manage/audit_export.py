"""The audit log outside its store: JSON lines that anybody can read, and verify without haris's store.

A line of type `start` begins each chain and names what its first entry follows; lines of type `entry` follow; the last
line, of type `seal`, names the heads, so that a file that was cut is seen, and may bear a signature over starts and
heads. `records` is for people, `body` (base64) is what the hash covers; the two must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from haris.manage.audit import HASH_OCTETS, Break, Entry, Head, flaw, read_records, record_items
from haris.nouns.errors import ParameterError
from haris.nouns.times import write_time

Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Hash = Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{2 * HASH_OCTETS}}}$")]


class Start(msgspec.Struct, frozen=True, tag="start", forbid_unknown_fields=True):
    """What a chain's first entry follows."""

    writer: str
    number: Number
    hash: Hash


class EntryLine(msgspec.Struct, frozen=True, tag="entry", forbid_unknown_fields=True):
    """One entry. time: the same as time_ns, for people."""

    writer: str
    number: Number
    time: str
    time_ns: int
    records: list[dict[str, Any]]
    body: bytes
    hash: Hash


class Seal(msgspec.Struct, frozen=True, tag="seal", forbid_unknown_fields=True):
    """The end of the file. signature: over statement(starts, heads), base64; empty when it is not signed."""

    heads: list[Start]
    signature: bytes = b""


Line = Start | EntryLine | Seal
Sign = Callable[[bytes], bytes]
"""The signature over a statement; no octets for none."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a whole log says. heads: of its chains. statement, signature: what was signed; empty when it was not."""

    heads: tuple[Head, ...]
    n_entries: int
    statement: bytes = b""
    signature: bytes = b""


def write_export(parts: Iterable[Head | Entry], sign: Sign = lambda statement: b"") -> Iterator[str]:
    """The lines of a log: each chain's start, its entries, and the seal. sign: makes the signature over a statement."""
    starts: list[Head] = []
    heads: dict[str, Head] = {}
    for part in parts:
        if isinstance(part, Head):
            starts.append(part)
            heads[part.writer] = part
            yield _encode(_start(part))
        else:
            heads[part.writer] = part.head
            yield _encode(_entry_line(part))
    signature = sign(statement(starts, heads.values()))
    yield _encode(Seal([_start(head) for head in heads.values()], signature))


def read_export(lines: Iterable[str]) -> Iterator[Head | Entry | Seal]:
    """What stands in the lines. ParameterError, naming the line, for what is no such file or ends without a seal."""
    part: Head | Entry | Seal | None = None
    for number, text in enumerate(lines, 1):
        if isinstance(part, Seal):
            raise ParameterError(f"line {number}: something follows the seal")
        try:
            part = _part(_decoder.decode(text))
        except (msgspec.MsgspecError, ParameterError, RecursionError, UnicodeError) as error:
            raise ParameterError(f"line {number}: not of an exported audit log: {error}") from None
        yield part
    if not isinstance(part, Seal):
        raise ParameterError("the log ends without its seal: it was cut")


def verify_log(parts: Iterable[Head | Entry | Seal], known: Iterable[Head] = ()) -> Sealed | Break:
    """Check every chain of a log, and that it agrees with its seal and with heads that were kept elsewhere.

    known: heads noted earlier; those older than what the log still holds are passed over. Returns what it holds, or
    the first entry that cannot be trusted.
    """
    starts: list[Head] = []
    heads: dict[str, Head] = {}
    noted = {(head.writer, head.number): head.hash for head in known}
    n_entries, seal = 0, None
    for part in parts:
        if isinstance(part, Seal):
            seal = part
            continue
        if isinstance(part, Entry):
            head = heads.get(part.writer)
            reason = "its chain has no start" if head is None else flaw(head, part)
            if head is None or reason:
                return Break(part.writer, head.number + 1 if head else 1, reason)
            n_entries += 1
        elif part.writer in heads:
            return Break(part.writer, heads[part.writer].number + 1, "the chain begins anew")
        else:
            starts.append(part)
        head = part.head if isinstance(part, Entry) else part
        heads[head.writer] = head
        if noted.pop((head.writer, head.number), head.hash) != head.hash:
            return Break(head.writer, head.number, "its hash is not the one that was noted elsewhere")
    lost = _lost(starts, heads, noted, seal)
    if lost is not None:
        return lost
    signed = statement(starts, heads.values()) if seal and seal.signature else b""
    return Sealed(tuple(heads.values()), n_entries, signed, seal.signature if seal else b"")


def statement(starts: Iterable[Head], heads: Iterable[Head]) -> bytes:
    """The octets that a seal's signature covers: JSON of starts and heads, each as in the file."""
    return _encoder.encode({"starts": [_start(head) for head in starts], "heads": [_start(head) for head in heads]})


def read_head(text: str) -> Head:
    """A head as it is noted: WRITER:NUMBER:HASH, the hash in hexadecimal. ParameterError otherwise."""
    writer, number, digits = (*text.rsplit(":", 2), "", "")[:3]
    try:
        octets = bytes.fromhex(digits)
        if not writer or len(octets) != HASH_OCTETS:
            raise ValueError
        return Head(writer, int(number), octets)
    except ValueError:
        raise ParameterError(f"a head is noted as WRITER:NUMBER:HASH (64 hexadecimal digits), got {text!r}") from None


def write_head(head: Head) -> str:
    """A head as it is noted."""
    return f"{head.writer}:{head.number}:{head.hash.hex()}"


def _lost(
    starts: Iterable[Head], heads: dict[str, Head], noted: dict[tuple[str, int], bytes], seal: Seal | None
) -> Break | None:
    sealed = {(line.writer, line.number, line.hash) for line in seal.heads} if seal else None
    if sealed is not None and sealed != {(head.writer, head.number, head.hash.hex()) for head in heads.values()}:
        ends = {line.writer: line.number for line in seal.heads} if seal else {}
        writer = next((name for name, number in ends.items() if name not in heads or heads[name].number != number), "")
        return Break(writer, heads[writer].number + 1 if writer in heads else 1, "the seal names other heads")
    first = {head.writer: head.number for head in starts}
    for writer, number in noted:
        if number > first.get(writer, 0):
            end = heads[writer].number if writer in heads else 0
            return Break(writer, end + 1, f"the log ends before entry {number}, which was noted elsewhere")
    return None


def _start(head: Head) -> Start:
    return Start(head.writer, head.number, head.hash.hex())


def _entry_line(entry: Entry) -> EntryLine:
    records = [record_items(record) for record in read_records(entry.body)]
    time = write_time(entry.time_ns)
    return EntryLine(entry.writer, entry.number, time, entry.time_ns, records, entry.body, entry.hash.hex())


def _part(line: Line) -> Head | Entry | Seal:
    if isinstance(line, Seal):
        return line
    octets = bytes.fromhex(line.hash)
    if isinstance(line, Start):
        return Head(line.writer, line.number, octets)
    entry = Entry(line.writer, line.number, line.time_ns, line.body, octets)
    if _entry_line(entry) != line:
        raise ParameterError(f"entry {line.number} of {line.writer}: its records or time are not those of its body")
    return entry


def _encode(line: Line) -> str:
    return _encoder.encode(line).decode()
