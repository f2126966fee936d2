"""The doctor asks what costs no key: status, who the key manager takes us for, clocks, and requests that are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

from haris.manage.findings import Findings
from haris.node.doctor.probe import Probe, Reply
from haris.nouns.errors import PeerError
from haris.wire import etsi014
from haris.wire.etsi014 import Status

NOBODY = "haris-doctor-nobody"
"""An SAE ID that no key manager knows."""
NO_KEY = UUID("00000000-0000-4000-8000-000000000000")
CLAIMS = (
    "X-SAE-ID",
    "SAE-ID",
    "X-Client-ID",
    "X-Client-CN",
    "X-SSL-Client-CN",
    "X-SSL-Client-S-DN",
    "Ssl-Client-Subject-Dn",
    "X-Client-Cert-Subject",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-User",
)
"""Headers by which careless key managers, and proxies before them, let a caller say who he is."""


async def examine_status(probe: Probe, peer: str, own: Mapping[str, str], findings: Findings) -> Status | None:
    """Get status, and whether it says what the standard has it say. own: our identities by field of the certificate."""
    reply = await probe.get(etsi014.path(peer, "status"))
    if reply.status != 200:
        tell_refusal("status.answer", "Get status", reply, peer, findings)
        return None
    examine_clock(reply, findings)
    kind = reply.headers.get("Content-Type", "none")
    if not kind.lower().startswith("application/json"):
        findings.warn("status.type", f"its Content-Type is {kind}", "it shall be application/json")
    try:
        status = etsi014.read_status(reply.body)
    except PeerError as error:
        findings.fault("status.items", str(error), "the standard's 6.1 makes eleven items mandatory, with their types")
        return None
    findings.sound("status.items", f"all there: {status.stored_key_count} keys of {status.key_size} bits")
    for text in _contradictions(status, peer):
        findings.warn("status.consistent", text, "have its maker correct it: clients plan by these figures")
    _examine_identity(status, own, findings)
    return status


def tell_refusal(check: str, method: str, reply: Reply, peer: str, findings: Findings) -> None:
    """Why a right request, the first of an examination, is not answered."""
    if not reply.status:
        findings.fault(check, f"no answer: {reply.trouble}", "see that it accepts this client's certificate")
    elif reply.status in (401, 403):
        text = f"it refuses this client for {peer} ({reply.status}: {reply.message or 'no message'})"
        findings.fault(check, text, "have its operator register both ends and their certificates")
    else:
        text = f"{method} answers {reply.status}: {reply.message or 'no message'}"
        findings.fault(check, text, "see its log: this request is right")


def _contradictions(status: Status, peer: str) -> list[str]:
    found = []
    if status.slave_sae_id != peer:
        found.append(f"asked for {peer}, it speaks of slave {status.slave_sae_id}")
    if status.stored_key_count > status.max_key_count:
        found.append(f"stored_key_count {status.stored_key_count} is above max_key_count {status.max_key_count}")
    if not status.min_key_size <= status.key_size <= status.max_key_size:
        found.append(f"key_size {status.key_size} is outside {status.min_key_size} to {status.max_key_size}")
    if status.key_size % 8 or status.key_size < 1:
        found.append(f"key_size {status.key_size} is no multiple of 8")
    if status.max_key_per_request < 1:
        found.append(f"max_key_per_request is {status.max_key_per_request}")
    if min(status.stored_key_count, status.max_key_count, status.max_sae_id_count) < 0:
        found.append("a count is negative")
    if status.source_kme_id == status.target_kme_id:
        found.append(f"source and target are the same KME, {status.source_kme_id}")
    return found


def _examine_identity(status: Status, own: Mapping[str, str], findings: Findings) -> None:
    fields = [field for field, value in own.items() if value == status.master_sae_id]
    if fields:
        findings.sound("identity.ours", f"it takes us for {status.master_sae_id}, our certificate's {fields[0]}")
        return
    text = f"it takes us for {status.master_sae_id}, which stands nowhere in our certificate"
    findings.fault(
        "identity.ours", text, "it must take a caller's ID from the certificate, or be told which field it is"
    )


def examine_clock(reply: Reply, findings: Findings) -> None:
    """The key manager's clock against ours, by the Date of an answer."""
    try:
        told = parsedate_to_datetime(reply.headers.get("Date", ""))
    except ValueError:
        findings.note("clock", "its answers have no Date: its clock cannot be compared")
        return
    if told.tzinfo is None:
        told = told.replace(tzinfo=UTC)
    off_s = (told - datetime.now(UTC)).total_seconds()
    findings.measured["clock_offset_s"] = off_s
    text = f"its clock is {abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} ours"
    if abs(off_s) > 300:
        findings.fault("clock", text, "synchronise both clocks: certificates and key lifetimes depend on them")
    elif abs(off_s) > 30:
        findings.warn("clock", text, "synchronise both clocks")
    else:
        findings.sound("clock", "its clock agrees with ours")


async def examine_claims(probe: Probe, peer: str, own: str, findings: Findings) -> None:
    """Does a header change who the key manager takes us for?

    With our own ID in the path, the caller would ask for keys shared with himself: whoever is served is somebody else.
    """
    plain = {where: await probe.get(etsi014.path(where, "status")) for where in (own, peer)}
    for claimed, where in ((peer, own), (own, peer)):
        for value in (claimed, f"CN={claimed}", f'Subject="CN={claimed}"'):
            reply = await probe.get(etsi014.path(where, "status"), dict.fromkeys(CLAIMS, value))
            if reply.status == 200 and plain[where].status != 200:
                text = f"it takes the caller's ID from a header: claimed {claimed}, served as {claimed}"
                findings.fault("identity.header", text, "anybody can ask for anybody's keys: use the certificate")
                return
    findings.sound("identity.header", f"{len(CLAIMS)} headers that claim an identity change nothing")


async def examine_stranger(probe: Probe, path: str, peer: str, who: str, check: str, findings: Findings) -> None:
    """A caller who must be refused, with and without a header that claims an identity. path: what it asks for."""
    for headers in (None, dict.fromkeys(CLAIMS, peer)):
        reply = await probe.get(path, headers)
        if reply.status == 200:
            advice = "require a client certificate of your own authority, and reject every other connection"
            findings.fault(check, f"it serves {who}{' that claims to be an SAE' if headers else ''}", advice)
            return
    how = f"with {reply.status}" if reply.status else "in TLS"
    findings.sound(check, f"it refuses {who} {how}")


Wrong = tuple[str, str, str, Any]
"""What is wrong, the method, the path, and the body: items, octets, or None."""


def wrong_requests(peer: str, most_keys: int) -> tuple[Wrong, ...]:
    """Requests that the standard has answered with 400."""
    enc, dec = etsi014.path(peer, "enc_keys"), etsi014.path(peer, "dec_keys")
    unknown = {"key_IDs": [{"key_ID": str(NO_KEY)}]}
    demand = {"extension_mandatory": [{"haris_doctor_unknown": 1}]}
    return (
        ("a body that is no JSON", "POST", enc, b"{"),
        ("a body that is no object", "POST", enc, b"[1]"),
        ("number 0", "POST", enc, {"number": 0}),
        ("number -1", "POST", enc, {"number": -1}),
        ("number as a text", "POST", enc, {"number": "two"}),
        ("number above max_key_per_request", "POST", enc, {"number": most_keys + 1}),
        ("size 7, no multiple of 8", "POST", enc, {"size": 7}),
        ("an absurd size", "POST", enc, {"size": 1 << 40}),
        ("an unknown mandatory extension", "POST", enc, demand),
        ("number=x in a query", "GET", f"{enc}?number=x", None),
        ("size=7 in a query", "GET", f"{enc}?size=7", None),
        ("an unknown slave", "POST", etsi014.path(NOBODY, "enc_keys"), {}),
        ("no key_IDs", "POST", dec, {}),
        ("an empty list of key_IDs", "POST", dec, {"key_IDs": []}),
        ("a key_ID that is no UUID", "POST", dec, {"key_IDs": [{"key_ID": "key"}]}),
        ("an unknown key_ID", "POST", dec, unknown),
        ("an unknown key_ID in a query", "GET", f"{dec}?key_ID={NO_KEY}", None),
    )


async def examine_errors(probe: Probe, peer: str, most_keys: int, findings: Findings) -> None:
    """Each wrong request gets 400 and a message; and the key manager lives on."""
    right = mute = 0
    requests = wrong_requests(peer, most_keys)
    for what, method, path, body in requests:
        reply = await (
            probe.ask(method, path, body) if body is None or isinstance(body, bytes) else probe.post(path, body)
        )
        if reply.hung:
            findings.fault("errors.status", f"{what} is never answered", "it hangs on it: it must answer 400")
            return
        allowed = (400, 401) if "unknown slave" in what else (400,)
        right += judge_error(what, reply, findings, allowed, "the standard has 400; clients tell statuses apart")
        mute += reply.status >= 400 and reply.message is None
    if mute:
        text = f"{mute} of {len(requests)} errors have no message"
        findings.warn("errors.message", text, "the standard's 6.5 wants it; some clients fail without it")
    if right == len(requests):
        findings.sound("errors.status", f"{right} wrong requests are refused as the standard has it")


def judge_error(what: str, reply: Reply, findings: Findings, allowed: Sequence[int], advice: str) -> bool:
    """Whether a wrong request is refused with an allowed status; a finding when not."""
    if reply.status in allowed:
        return True
    if reply.status == 200:
        text, ignored = f"{what} is served as if it were right", "it ignores what it is asked: rely on no parameters"
        findings.fault("errors.status", text, ignored)
    elif not reply.status:
        findings.fault("errors.status", f"{what}: {reply.trouble}", "it must answer; see whether it still lives")
    elif reply.status >= 500 and reply.status != 503:
        findings.fault("errors.status", f"{what} gets {reply.status}", "it fails inside: it must refuse it")
    else:
        findings.warn("errors.status", f"{what} gets {reply.status}", advice)
    return False


async def still_lives(probe: Probe, path: str, findings: Findings) -> bool:
    """Whether what it served at the beginning is still served; a fault when not."""
    reply = await probe.get(path)
    if reply.status != 200:
        text = f"it no longer answers: {reply.status or reply.trouble}"
        findings.fault("lives", text, "it does not survive wrong or parallel requests: have its maker correct it")
    return reply.status == 200
