"""The doctor at a key provider that speaks SKIP: what it can do, wrong requests, and keys that make it across."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from haris.keys.quarantine import SourceLied
from haris.keys.vendor import SourceKey, examine
from haris.manage.findings import Findings
from haris.node.doctor.calls import NO_KEY, NOBODY, examine_clock, judge_error, tell_refusal
from haris.node.doctor.exchange import MAKER, judge_refusal
from haris.node.doctor.probe import Probe, Reply
from haris.nouns.errors import PeerError
from haris.wire import skip
from haris.wire.skip import Capabilities

SEVERAL = 4
_REFUSALS = (400, 401, 404)
_DRAFT = "see Table 7 of the draft; encryptors tell statuses apart"


@dataclass(frozen=True, slots=True)
class Ends:
    """Two encryptors at their key providers: near asks for fresh keys, far for those that it is told of."""

    near: Probe
    near_system: str
    far: Probe
    far_system: str


async def examine_capabilities(probe: Probe, peer: str, findings: Findings) -> Capabilities | None:
    """Get capabilities, and whether the peer is among the remote systems."""
    reply = await probe.get("/capabilities")
    if reply.status != 200:
        tell_refusal("capabilities.answer", "Get capabilities", reply, peer, findings)
        return None
    examine_clock(reply, findings)
    try:
        found = skip.read_capabilities(reply.body)
    except PeerError as error:
        findings.fault("capabilities.items", str(error), "the draft's 4.1 has five items, with their types")
        return None
    findings.sound("capabilities.items", f"all there: {found.local_system}, {found.algorithm}")
    if not found.key:
        findings.fault("capabilities.key", "it says that it gives no keys", "have its operator switch them on")
    if peer in found.remote_systems:
        findings.sound("capabilities.peer", f"{peer} is one of its {len(found.remote_systems)} remote systems")
    else:
        text = f"{peer} is none of its remote systems: {', '.join(found.remote_systems) or 'it has none'}"
        findings.fault("capabilities.peer", text, "give --peer the system ID that it has for the other end")
    return found


async def examine_exchange(ends: Ends, findings: Findings) -> bool:
    """Keys one after the other, of two sizes, and what must be refused. True when keys made it across."""
    first = await _draw(ends, skip.DEFAULT_BITS, "keys.one", findings)
    if first is None or not await _fetch(ends, first, "keys.same", findings):
        return False
    replay = await ends.far.get(skip.known_key_path(UUID(first.name), ends.near_system))
    judge_refusal("keys.replay", "a key that was fetched", replay, "a key must be delivered once", findings, _REFUSALS)
    names = [first.name]
    for _ in range(SEVERAL):
        key = await _draw(ends, skip.DEFAULT_BITS, "keys.several", findings)
        if key is None or key.name in names:
            if key is not None:
                findings.fault("keys.several", f"it gave {key.name} to two keys", MAKER)
            return False
        names.append(key.name)
        if not await _fetch(ends, key, "keys.several_same", findings):
            return False
    other = await _draw(ends, 128, "keys.size", findings)
    if other is not None:
        await _fetch(ends, other, "keys.size_same", findings)
    return True


async def _draw(ends: Ends, size_bits: int, check: str, findings: Findings) -> SourceKey | None:
    """A fresh key; None, with a finding, when what comes is not what was asked for."""
    reply = await ends.near.get(skip.key_path(ends.far_system, size_bits))
    if reply.status == 503:
        findings.dry = True
        findings.note(check, "no key to be had", "examine it again when its pool is full")
        return None
    key = _read(reply, check, "Get key", findings)
    if key is None:
        return None
    try:
        examine((key,), size_bits, 1)
    except SourceLied as lie:
        findings.fault(check, str(lie), MAKER)
        return None
    findings.sound(check, f"a key of {size_bits} bits")
    return key


async def _fetch(ends: Ends, key: SourceKey, check: str, findings: Findings) -> bool:
    """The other end fetches the key. True when it is the same bytes."""
    reply = await ends.far.get(skip.known_key_path(UUID(key.name), ends.near_system))
    theirs = _read(reply, check, "the other end's Get key with a keyId", findings)
    if theirs is None:
        return False
    if theirs != key:
        text = "the two ends hold different keys under one keyId"
        findings.fault(check, text, "do not use it: no traffic will flow")
        return False
    findings.sound(check, "the key is the same bytes at both ends")
    return True


def _read(reply: Reply, check: str, what: str, findings: Findings) -> SourceKey | None:
    if reply.status != 200:
        text = f"{what} answers {reply.status or reply.trouble}: {reply.message or 'no message'}"
        findings.fault(check, text, "see its log: this request is right; do the two key providers reach each other?")
        return None
    try:
        key = skip.read_key(reply.body)
    except PeerError as error:
        findings.fault(check, str(error), "the draft's 4.2 has keyId and key in hexadecimal")
        return None
    return SourceKey(str(key.key_id), key.octets)


async def examine_errors(probe: Probe, peer: str, findings: Findings) -> None:
    """Each wrong request is refused with a status of the draft."""
    wrong = (
        ("a key for no remote system", "/key"),
        ("an unknown remote system", skip.key_path(NOBODY)),
        ("size 7, no multiple of 8", skip.key_path(peer, 7)),
        ("an absurd size", skip.key_path(peer, 1 << 30)),
        ("size=x", skip.key_path(peer) + "&size=x"),
        ("a keyId that is none", f"/key/key?remoteSystemID={peer}"),
        ("an unknown keyId", skip.known_key_path(NO_KEY, peer)),
    )
    right = 0
    for what, path in wrong:
        reply = await probe.get(path)
        if reply.hung:
            findings.fault("errors.status", f"{what} is never answered", "it hangs on it: it must refuse it")
            return
        right += judge_error(what, reply, findings, _REFUSALS, _DRAFT)
    if right == len(wrong):
        findings.sound("errors.status", f"{right} wrong requests are refused as the draft has it")
