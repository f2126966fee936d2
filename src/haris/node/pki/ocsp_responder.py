"""A small OCSP responder for a laboratory's authorities: what each has revoked, signed with its own key."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from haris.node.pki.making import CLOCK_SKEW, Holder, digest
from haris.node.pki.revoked import authorities_in, read_revoked

VALID_FOR = timedelta(hours=1)
_MAX_OCTETS = 16 * 1024


def answer(directory: Path, request: bytes, now: datetime, valid_for: timedelta = VALID_FOR) -> bytes:
    """The answer to a request, both DER: `unauthorized` when no authority in directory issued the certificate."""
    try:
        asked = ocsp.load_der_ocsp_request(request)
    except ValueError:
        return _refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    for authority in authorities_in(directory):
        if _issued(authority, asked):
            return _answer(directory, authority, asked, now, valid_for)
    return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)


async def serve(directory: Path, host: str, port: int, now: Callable[[], datetime]) -> web.AppRunner:
    """Answer by HTTP (RFC 6960, A.1: POST and GET) until the runner's cleanup. Raises OSError for the port."""

    async def post(request: web.Request) -> web.Response:
        return await reply(await request.read())

    async def get(request: web.Request) -> web.Response:
        try:
            return await reply(base64.b64decode(unquote(request.match_info["request"]), validate=True))
        except binascii.Error:
            return await reply(b"")

    async def reply(octets: bytes) -> web.Response:
        body = await asyncio.to_thread(answer, directory, octets, now())
        return web.Response(body=body, content_type="application/ocsp-response")

    application = web.Application(client_max_size=_MAX_OCTETS)
    application.router.add_post("/", post)
    application.router.add_get("/{request:.+}", get)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


def _issued(authority: Holder, asked: ocsp.OCSPRequest) -> bool:
    """Whether the request names this authority as the issuer."""
    key_id = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key()).digest  # SHA-1 of the key
    name = authority.certificate.subject.public_bytes()
    hashed = hashes.Hash(asked.hash_algorithm)
    hashed.update(name)
    if hashed.finalize() != asked.issuer_name_hash:
        return False
    return not isinstance(asked.hash_algorithm, hashes.SHA1) or key_id == asked.issuer_key_hash


def _answer(directory: Path, authority: Holder, asked: ocsp.OCSPRequest, now: datetime, valid_for: timedelta) -> bytes:
    revoked = read_revoked(directory, authority.stem).find(asked.serial_number)
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=asked.issuer_name_hash,
        issuer_key_hash=asked.issuer_key_hash,
        serial_number=asked.serial_number,
        algorithm=asked.hash_algorithm,
        cert_status=ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED,
        this_update=now - CLOCK_SKEW,
        next_update=now + valid_for,
        revocation_time=revoked,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, authority.certificate)
    return builder.sign(authority.key, digest(authority.key)).public_bytes(Encoding.DER)


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
