"""haris doctor: examine a key manager (ETSI GS QKD 014, 004, SKIP) before it is bought, connected or believed."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from haris.manage.findings import Findings, Weight
from haris.node.doctor import calls, etsi004, skip
from haris.node.doctor.exchange import Ends, examine_exchange, examine_parallel
from haris.node.doctor.probe import PATIENCE_S, Probe
from haris.node.doctor.tls import (
    Handshake,
    examine_certificate,
    examine_handshake,
    examine_own_certificate,
    identities,
    impostor,
    lenient_context,
)
from haris.node.pki.credentials import client_context, read_certificate
from haris.node.pki.mutual_tls import TlsFiles
from haris.nouns.endpoint import Endpoint, read_endpoint, read_server_url
from haris.nouns.errors import ParameterError
from haris.wire import etsi014
from haris.wire.etsi014 import Status

PARALLEL = (8, 32)
INTERFACES = ("014", "004", "skip")


@dataclass(frozen=True, slots=True)
class Side:
    """One application at its key manager. url: https://HOST:PORT; 004: HOST:PORT. files: its certificate.

    sae: its SAE ID; its system ID for SKIP, its URI for 004.
    """

    url: str
    files: TlsFiles
    sae: str

    def endpoint(self, interface: str) -> Endpoint:
        """Where it is. ParameterError for another form."""
        if interface == "004":
            return read_endpoint("a key manager's address", self.url)
        return read_server_url("a key manager's URL", self.url)


@dataclass(frozen=True, slots=True)
class _Case:
    """What is examined. contexts: TLS of near and far; near's looks only, when its key manager is not trusted."""

    near: Side
    peer: str
    far: Side | None
    contexts: tuple[ssl.SSLContext, ssl.SSLContext | None]
    shaken: Handshake
    now: datetime
    parallel: Sequence[int]
    patience_s: float
    trusted: bool

    @property
    def names(self) -> dict[str, str]:
        """What in our certificate, or in the configuration, may be our ID."""
        own = read_certificate(self.near.files.certificate, self.now)
        return {"configured ID": self.near.sae, **identities(own)}


async def examine(
    near: Side,
    peer: str,
    far: Side | None = None,
    parallel: Sequence[int] = PARALLEL,
    patience_s: float = PATIENCE_S,
    interface: str = "014",
) -> Findings:
    """Everything that can be found out at near's key manager about keys shared with the SAE peer.

    far: that SAE at its own key manager; only then keys are drawn: over 014 about twenty, and four for each parallel
    client; over 004 four chunks, over SKIP six keys. parallel: 014: how many clients at once, one figure a trial.
    patience_s: an answer that takes longer hangs.
    Raises ParameterError for a URL, certificate or key that cannot be used.
    """
    findings, now = Findings(), datetime.now(UTC)
    strict, *others = (
        client_context(side.files.certificate, side.files.private_key, side.files.authority, now)
        for side in (near, far)
        if side is not None
    )
    endpoint = near.endpoint(interface)
    if far is not None:
        far.endpoint(interface)
    shaken = await examine_handshake(endpoint, near.files, findings)
    if shaken is None:
        findings.dry = True
        return findings
    examine_certificate(shaken.certificate, now, findings)
    examine_own_certificate(read_certificate(near.files.certificate, now), now, findings)
    trusted = not any(finding.check in ("tls.chain", "tls.host") for finding in findings.of(Weight.FAULT))
    contexts = strict if trusted else lenient_context(near.files), others[0] if others else None
    case = _Case(near, peer, far, contexts, shaken, now, parallel, patience_s, trusted)
    await {"014": _examine_014, "004": _examine_004, "skip": _examine_skip}[interface](case, findings)
    return findings


async def _examine_014(case: _Case, findings: Findings) -> None:
    near, peer, far = case.near, case.peer, case.far
    path = etsi014.path(peer, "status")
    async with AsyncExitStack() as stack:
        probe = await stack.enter_async_context(Probe(near.url, case.contexts[0], case.patience_s))
        status = await calls.examine_status(probe, peer, case.names, findings)
        await _examine_strangers(case, path, findings)
        await calls.examine_claims(probe, peer, near.sae, findings)
        if status is None:
            return
        _examine_kme(status, identities(case.shaken.certificate), findings)
        if _may_draw(case, findings) and far is not None:
            far_probe = await stack.enter_async_context(_far_probe(case, far))
            ends = Ends(probe, status.master_sae_id, far_probe, peer)
            if await examine_exchange(ends, status, findings):
                for n_clients in case.parallel:
                    await examine_parallel(ends, status.key_size, n_clients, findings)
                    if not await calls.still_lives(probe, path, findings):
                        return
        await calls.examine_errors(probe, peer, status.max_key_per_request, findings)
        if await calls.still_lives(probe, path, findings):
            findings.sound("lives", "it still answers after all of this")


async def _examine_skip(case: _Case, findings: Findings) -> None:
    async with AsyncExitStack() as stack:
        probe = await stack.enter_async_context(Probe(case.near.url, case.contexts[0], case.patience_s))
        found = await skip.examine_capabilities(probe, case.peer, findings)
        await _examine_strangers(case, "/capabilities", findings)
        if found is None:
            return
        if _may_draw(case, findings) and case.far is not None:
            far_probe = await stack.enter_async_context(_far_probe(case, case.far))
            await skip.examine_exchange(skip.Ends(probe, found.local_system, far_probe, case.peer), findings)
        await skip.examine_errors(probe, case.peer, findings)
        if await calls.still_lives(probe, "/capabilities", findings):
            findings.sound("lives", "it still answers after all of this")


async def _examine_004(case: _Case, findings: Findings) -> None:
    findings.note("clock", "004 tells no time: its clock cannot be compared")
    near = etsi004.Caller(case.near.endpoint("004"), case.contexts[0], case.near.sae)
    framing = await etsi004.examine_dialect(near, case.peer, case.patience_s, findings)
    if framing is None:
        return
    for who, check, context in _strangers(case):
        with context as tls:
            stranger = replace(near, context=tls)
            await etsi004.examine_stranger(stranger, case.peer, who, check, framing, case.patience_s, findings)
    await etsi004.examine_claims(near, case.peer, framing, case.patience_s, findings)
    if _may_draw(case, findings) and case.far is not None and case.contexts[1] is not None:
        far = etsi004.Caller(case.far.endpoint("004"), case.contexts[1], case.peer)
        await etsi004.examine_stream(near, far, framing, case.patience_s, findings)


def _may_draw(case: _Case, findings: Findings) -> bool:
    """Whether keys may be drawn; a note says why not."""
    if case.far is None:
        findings.note("keys", "no key is drawn: for a round trip give --peer-url and the other SAE's certificate")
    elif not case.trusted:
        findings.note("keys", "no key is drawn: who answers there is not proved", "put TLS right first")
    return case.far is not None and case.trusted


def _far_probe(case: _Case, far: Side) -> Probe:
    context = case.contexts[1]
    assert context is not None
    return Probe(far.url, context, case.patience_s)


def _strangers(case: _Case) -> tuple[tuple[str, str, AbstractContextManager[ssl.SSLContext]], ...]:
    """Who must be refused, by which check, and with which TLS he comes."""
    return (
        ("a client without a certificate", "identity.none", nullcontext(lenient_context(None))),
        ("a client whose certificate nobody has signed", "identity.forged", impostor(case.near.sae, case.now)),
    )


async def _examine_strangers(case: _Case, path: str, findings: Findings) -> None:
    for who, check, context in _strangers(case):
        with context as tls:
            async with Probe(case.near.url, tls, case.patience_s) as probe:
                await calls.examine_stranger(probe, path, case.peer, who, check, findings)


def _examine_kme(status: Status, theirs: dict[str, str], findings: Findings) -> None:
    if status.source_kme_id in theirs.values():
        findings.sound("identity.kme", f"its certificate bears its KME ID, {status.source_kme_id}")
    else:
        text = f"its KME ID {status.source_kme_id} stands nowhere in its certificate"
        findings.warn("identity.kme", text, "the standard has an SAE confirm the KME ID from the certificate")


def common_name(certificate: Path) -> str:
    """The common name in a certificate's file. ParameterError when it cannot be read or has none."""
    found = identities(read_certificate(certificate, datetime.now(UTC))).get("common name")
    if found is None:
        raise ParameterError(f"{certificate} has no common name: give --sae")
    return found
