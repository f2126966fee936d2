"""The doctor at a key manager that speaks ETSI GS QKD 004: who may open a stream, and chunks that both ends take."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from haris.keys.quarantine import SourceLied
from haris.keys.vendor import SourceKey, examine
from haris.manage.findings import Findings
from haris.node.doctor.calls import NOBODY
from haris.node.doctor.exchange import MAKER
from haris.node.supply.etsi004_client import Etsi004Client
from haris.nouns.endpoint import Endpoint
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.wire.etsi004 import FIXED, OPENED, TERMINATED, Framing, KeyGiven, Opened, QoS, Status

CHUNK_OCTETS = 32
N_CHUNKS = 4
DIALECTS: Mapping[str, Framing] = {"fixed": FIXED, "terminated": TERMINATED}
_DRY = (Status.INSUFFICIENT_KEY, Status.TIMEOUT_ERROR)


@dataclass(frozen=True, slots=True)
class Caller:
    """One application at its key manager. ident: how it names itself in OPEN_CONNECT."""

    endpoint: Endpoint
    context: ssl.SSLContext
    ident: str

    def client(self, framing: Framing, patience_s: float) -> Etsi004Client:
        """A client of its own."""
        return Etsi004Client(self.endpoint, self.context, framing, patience_s)


async def examine_dialect(near: Caller, peer: str, patience_s: float, findings: Findings) -> Framing | None:
    """In which dialect it answers the opening of a stream at which nobody waits; None when in neither."""
    troubles = []
    for name, framing in DIALECTS.items():
        try:
            opened = await _open_alone(near, near.ident, peer, framing, patience_s)
        except (KeyUnavailable, PeerError) as error:
            troubles.append(f"{name}: {error}")
            continue
        findings.sound("stream.dialect", f"it speaks the dialect with the {name} mimetype")
        if opened.status in OPENED or opened.status is Status.TIMEOUT_ERROR:
            return framing
        text = f"OPEN_CONNECT of a stream to {peer} gets status {_said(opened.status)}"
        findings.fault("stream.open", text, "have its operator register both applications and their certificates")
        return None
    advice = "see that it speaks the TLS binding that its implementations share, and accepts our certificate"
    findings.fault("stream.dialect", "; ".join(troubles), advice)
    return None


async def examine_claims(near: Caller, peer: str, framing: Framing, patience_s: float, findings: Findings) -> None:
    """Whether a stream can be opened by whoever is none of its ends."""
    try:
        opened = await _open_alone(near, peer, NOBODY, framing, patience_s)
    except (KeyUnavailable, PeerError):
        findings.sound("identity.claim", "it opens no stream in another's name")
        return
    if opened.status in OPENED:
        text = f"it opens a stream from {peer}, which we are not"
        findings.fault("identity.claim", text, "anybody can take anybody's keys: it must look at the certificate")
    else:
        findings.sound("identity.claim", f"it opens no stream in another's name (status {_said(opened.status)})")


async def examine_stranger(
    stranger: Caller, peer: str, who: str, check: str, framing: Framing, patience_s: float, findings: Findings
) -> None:
    """A caller who must be refused."""
    try:
        opened = await _open_alone(stranger, stranger.ident, peer, framing, patience_s)
    except (KeyUnavailable, PeerError):
        findings.sound(check, f"it refuses {who}")
        return
    if opened.status in OPENED:
        advice = "require a client certificate of your own authority, and reject every other connection"
        findings.fault(check, f"it serves {who}", advice)
    else:
        findings.sound(check, f"it refuses {who} (status {_said(opened.status)})")


async def examine_stream(near: Caller, far: Caller, framing: Framing, patience_s: float, findings: Findings) -> None:
    """Both ends join a stream, take the same chunks, and close it; then nothing comes any more."""
    qos = QoS(CHUNK_OCTETS, timeout_ms=round(1000 * patience_s))
    name = uuid4()
    async with near.client(framing, patience_s) as one, far.client(framing, patience_s) as other:
        try:
            opened = await asyncio.gather(
                *(each.open_connect(near.ident, far.ident, qos, name) for each in (one, other))
            )
            if not _joined(opened, findings):
                return
            pairs = [await asyncio.gather(one.get_key(name), other.get_key(name)) for _ in range(N_CHUNKS)]
            if _examine_chunks(name, pairs, findings):
                await asyncio.gather(one.close(name), other.close(name))
                _examine_closed(await one.get_key(name), findings)
        except (KeyUnavailable, PeerError) as error:
            findings.fault("stream.calls", str(error), "see its log: these calls are right")


def _joined(opened: list[Opened], findings: Findings) -> bool:
    statuses = [each.status for each in opened]
    if all(status is Status.SUCCESSFUL for status in statuses):
        findings.sound("stream.joined", "both ends join one stream by its Key_stream_ID")
        return True
    said = " and ".join(map(_said, statuses))
    if Status.QOS_NOT_MET in statuses:
        text = f"chunks of {CHUNK_OCTETS} octets are not to be had: {said}"
        findings.fault("stream.joined", text, "set key_bits to what it proposes, if 256 is not a must")
    else:
        advice = "see that the two key managers reach each other, and know both applications"
        findings.fault("stream.joined", f"the ends do not meet: status {said}", advice)
    return False


def _examine_chunks(name: UUID, pairs: list[tuple[KeyGiven, KeyGiven]], findings: Findings) -> bool:
    """Whether every pair is one chunk, of the right size and unlike the others."""
    statuses = {given.status for pair in pairs for given in pair}
    if statuses & set(_DRY):
        findings.dry = True
        findings.note("keys.several", "no key to be had", "examine it again when its pool is full")
        return False
    if statuses != {Status.SUCCESSFUL}:
        said = ", ".join(sorted(map(_said, statuses)))
        findings.fault("keys.several", f"GET_KEY gets status {said}", "see its log: these calls are right")
        return False
    keys = [SourceKey(f"{name}/{mine.index}", bytes(mine.key)) for mine, _ in pairs]
    try:
        examine(keys, 8 * CHUNK_OCTETS, N_CHUNKS)
    except SourceLied as lie:
        findings.fault("keys.several", str(lie), MAKER)
        return False
    findings.sound("keys.several", f"{N_CHUNKS} chunks of {8 * CHUNK_OCTETS} bits")
    if any((mine.index, bytes(mine.key)) != (theirs.index, bytes(theirs.key)) for mine, theirs in pairs):
        text = "the two ends hold different chunks under the same indices"
        findings.fault("keys.same", text, "do not use it: no traffic will flow")
        return False
    findings.sound("keys.same", f"{N_CHUNKS} chunks are the same bytes at both ends")
    return True


def _examine_closed(given: KeyGiven, findings: Findings) -> None:
    if given.status is Status.SUCCESSFUL:
        findings.fault("keys.closed", "it gives chunks of a stream that is closed", MAKER)
    else:
        findings.sound("keys.closed", f"a closed stream gives nothing (status {_said(given.status)})")


async def _open_alone(caller: Caller, source: str, destination: str, framing: Framing, patience_s: float) -> Opened:
    """Open a stream for which nobody waits, and close it again."""
    async with caller.client(framing, patience_s) as client:
        opened = await client.open_connect(source, destination, QoS(CHUNK_OCTETS, timeout_ms=0), uuid4())
        if opened.status in OPENED:
            await client.close(opened.key_stream_id)
        return opened


def _said(status: Status) -> str:
    return f"{status.value}, {status.name.lower().replace('_', ' ')}"
