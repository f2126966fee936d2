"""The doctor draws keys: a round trip between two SAEs, what must be refused afterwards, and many clients at once."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from haris.keys.quarantine import SourceLied
from haris.keys.vendor import SourceKey, examine
from haris.manage.findings import Findings
from haris.node.doctor.probe import Probe, Reply
from haris.wire import etsi014
from haris.wire.etsi014 import Status

ROUNDS = 4
"""Keys that each of the parallel clients draws."""
MAKER = "have its maker correct it before it is connected"


@dataclass(frozen=True, slots=True)
class Ends:
    """Two SAEs at their key managers: near is master, far slave."""

    near: Probe
    near_sae: str
    far: Probe
    far_sae: str


def read_keys(reply: Reply, check: str, findings: Findings) -> tuple[SourceKey, ...] | None:
    """The keys of an answer, None with a finding when it is no key container."""
    items = reply.items
    listed = items.get("keys") if items is not None else None
    if not isinstance(listed, list):
        shape = "a plain JSON list" if reply.body.lstrip().startswith(b"[") else "no key container"
        findings.fault(check, f"the answer is {shape}", "the standard's 6.3 has an object with an array `keys`")
        return None
    keys = []
    for entry in listed:
        try:
            name = str(UUID(entry["key_ID"]))
            keys.append(SourceKey(name, base64.b64decode(entry["key"], validate=True)))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            findings.fault(check, "a key_ID is no UUID, or a key is not base64", MAKER)
            return None
    return tuple(keys)


async def draw(ends: Ends, number: int, size: int, check: str, findings: Findings) -> tuple[SourceKey, ...] | None:
    """Keys by Get key; None, with a finding, when what comes is not what was asked for."""
    reply = await ends.near.post(etsi014.path(ends.far_sae, "enc_keys"), {"number": number, "size": size})
    if reply.status == 503:
        findings.dry = True
        findings.note(
            check, f"no key to be had: {reply.message or 'no message'}", "examine it again when its pool is full"
        )
        return None
    if reply.status != 200:
        text = f"Get key answers {reply.status or reply.trouble}: {reply.message or 'no message'}"
        findings.fault(check, text, "see its log: this request is right")
        return None
    keys = read_keys(reply, check, findings)
    if keys is None:
        return None
    if len(keys) < number:
        findings.fault(check, f"{len(keys)} keys for {number}", "it ignores number")
    try:
        examine(keys, size, number)
    except SourceLied as lie:
        findings.fault(check, str(lie), MAKER)
        return None
    findings.sound(check, f"{len(keys)} keys of {size} bits")
    return keys


async def examine_exchange(ends: Ends, status: Status, findings: Findings) -> bool:
    """One round trip of single keys and of several, and all that must be refused. True when keys made it across."""
    single = await draw(ends, 1, status.key_size, "keys.one", findings)
    if not single or await _is_given_away(ends, single, findings):
        return False
    if not await _fetch(ends, single, "keys.same", findings):
        return False
    path = etsi014.path(ends.near_sae, "dec_keys")
    replay = await ends.far.get(f"{path}?key_ID={single[0].name}")
    judge_refusal("keys.replay", "a key that was fetched", replay, "a key must be delivered once", findings)
    several = min(3, status.max_key_per_request)
    other = _other_size(status)
    if several > 1:
        keys = await draw(ends, several, status.key_size, "keys.several", findings)
        if keys:
            await _fetch(ends, keys, "keys.several_same", findings)
    if other != status.key_size:
        keys = await draw(ends, 1, other, "keys.size", findings)
        if keys:
            await _fetch(ends, keys, "keys.size_same", findings)
    return True


def _other_size(status: Status) -> int:
    """Another size than the default that the key manager announces, a multiple of 8."""
    for size in (256, 128, 512, status.min_key_size, status.max_key_size):
        if size != status.key_size and status.min_key_size <= size <= status.max_key_size and size % 8 == 0:
            return size
    return status.key_size


async def _fetch(ends: Ends, keys: Sequence[SourceKey], check: str, findings: Findings) -> bool:
    """The slave fetches the keys. True when they are the same bytes."""
    path = etsi014.path(ends.near_sae, "dec_keys")
    reply = await ends.far.post(path, {"key_IDs": [{"key_ID": key.name} for key in keys]})
    if reply.status != 200:
        text = (
            f"the slave's Get key with key IDs answers {reply.status or reply.trouble}: {reply.message or 'no message'}"
        )
        findings.fault(check, text, "see that the two key managers reach each other, and know both SAEs")
        return False
    given = read_keys(reply, check, findings)
    if given is None:
        return False
    if {(key.name, key.secret) for key in given} != {(key.name, key.secret) for key in keys}:
        findings.fault(
            check, "the two ends hold different keys under the same key_IDs", "do not use it: no traffic will flow"
        )
        return False
    findings.sound(check, f"{len(keys)} keys are the same bytes at both ends")
    return True


async def _is_given_away(ends: Ends, keys: Sequence[SourceKey], findings: Findings) -> bool:
    """Before the slave has fetched it, a key is given neither to its master nor under another master's name."""
    attempts = (
        ("keys.master", "its own key to the master", ends.near, ends.near_sae, "only the slave may fetch it"),
        ("keys.wrong_master", "a key under another master's name", ends.far, ends.far_sae, "the path names the master"),
    )
    for check, what, probe, master, advice in attempts:
        reply = await probe.get(f"{etsi014.path(master, 'dec_keys')}?key_ID={keys[0].name}")
        if judge_refusal(check, what, reply, advice, findings):
            return True
    return False


def judge_refusal(
    check: str, what: str, reply: Reply, advice: str, findings: Findings, allowed: Sequence[int] = (400, 401)
) -> bool:
    """True when a key was given that must not be."""
    if reply.status == 200:
        findings.fault(check, f"it gives {what}", advice)
    elif reply.status in allowed:
        findings.sound(check, f"it does not give {what} ({reply.status})")
    else:
        wanted = " or ".join(map(str, allowed))
        findings.warn(check, f"{what}: {reply.status or reply.trouble}", f"the standard has {wanted}")
    return reply.status == 200


@dataclass(slots=True)
class _Tally:
    """What parallel clients saw."""

    took_s: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    n_dry: int = 0
    n_hung: int = 0
    n_failed: int = 0
    n_differing: int = 0


async def examine_parallel(ends: Ends, size: int, n_clients: int, findings: Findings) -> None:
    """n_clients masters at once, each with its slave: nobody hangs, nobody gets another's key; and how fast it is."""
    greetings = [ends.near.get(etsi014.path(ends.far_sae, "status")) for _ in range(n_clients)]
    greetings += [ends.far.get(etsi014.path(ends.near_sae, "status")) for _ in range(n_clients)]
    await asyncio.gather(*greetings)  # so that the connections are there, and all begin at once
    tally, began = _Tally(), time.perf_counter()
    await asyncio.gather(*(_client(ends, size, tally) for _ in range(n_clients)))
    lasted_s = time.perf_counter() - began
    check = f"parallel.{n_clients}"
    if tally.n_hung:
        text = f"{tally.n_hung} of {n_clients} clients hang"
        findings.fault(check, text, "it dead-locks: put no more than one client on it, and have its maker correct it")
        return
    if len(set(tally.names)) < len(tally.names):
        findings.fault(check, "two clients were given the same key", "do not use it")
        return
    if tally.n_differing:
        findings.fault(check, f"{tally.n_differing} slaves were given other keys than their masters", "do not use it")
        return
    if tally.n_failed:
        findings.fault(check, f"{tally.n_failed} requests of {n_clients} clients failed", "see its log under load")
        return
    if tally.n_dry:
        findings.note(check, f"it ran dry {tally.n_dry} times", "examine it again when its pool is full")
    if tally.names:
        tally.took_s.sort()
        findings.measured[f"keys_per_s_{n_clients}_clients"] = len(tally.names) / lasted_s
        findings.measured[f"median_s_{n_clients}_clients"] = tally.took_s[len(tally.took_s) // 2]
        findings.sound(check, f"{n_clients} clients share {len(tally.names)} keys with their slaves")


async def _client(ends: Ends, size: int, tally: _Tally) -> None:
    for _ in range(ROUNDS):
        given = await ends.near.post(etsi014.path(ends.far_sae, "enc_keys"), {"number": 1, "size": size})
        tally.took_s.append(given.took_s)
        keys = read_keys(given, "", Findings()) if given.status == 200 else None
        if not keys:
            tally.n_hung += given.hung
            tally.n_dry += given.status == 503
            tally.n_failed += not given.hung and given.status != 503
            return
        fetched = await ends.far.get(f"{etsi014.path(ends.near_sae, 'dec_keys')}?key_ID={keys[0].name}")
        theirs = read_keys(fetched, "", Findings()) if fetched.status == 200 else None
        if theirs is None:
            tally.n_hung += fetched.hung
            tally.n_failed += not fetched.hung
            return
        tally.names.append(keys[0].name)
        tally.n_differing += [key.secret for key in theirs] != [keys[0].secret]
