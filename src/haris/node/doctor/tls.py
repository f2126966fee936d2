"""The doctor looks at TLS and at certificates: the server's, and the ones that it accepts."""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from haris.manage.findings import Findings
from haris.node.doctor.probe import PATIENCE_S
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.system.streams import close_stream
from haris.nouns.endpoint import Endpoint

SOON = timedelta(days=30)
_CERTIFICATE_ADVICE = "have its authority issue another certificate"


@dataclass(frozen=True, slots=True)
class Handshake:
    """What one handshake settled."""

    version: str
    cipher: str
    certificate: x509.Certificate


async def shake_hands(endpoint: Endpoint, context: ssl.SSLContext, host: str) -> Handshake:
    """One handshake and no more. Raises OSError (ssl.SSLError is one) when it fails."""
    async with asyncio.timeout(PATIENCE_S):
        _, writer = await asyncio.open_connection(*endpoint, ssl=context, server_hostname=host)
    try:
        session = writer.get_extra_info("ssl_object")
        der = session.getpeercert(binary_form=True)
        certificate = x509.load_der_x509_certificate(der)
        return Handshake(session.version(), session.cipher()[0], certificate)
    finally:
        await close_stream(writer)


async def examine_handshake(endpoint: Endpoint, files: TlsFiles, findings: Findings) -> Handshake | None:
    """Version, cipher, chain and host name. None when there is no handshake even without any of our checks."""
    host = endpoint[0]
    try:
        shaken = await shake_hands(endpoint, lenient_context(files), host)
    except (OSError, ValueError) as error:
        findings.fault("tls.handshake", f"no TLS at {host}:{endpoint[1]}: {_reason(error)}", "see that it runs there")
        return None
    if shaken.version in ("TLSv1.3", "TLSv1.2"):
        findings.sound("tls.version", f"{shaken.version}, {shaken.cipher}")
    else:
        findings.fault("tls.version", f"it speaks {shaken.version}", "the standard asks for TLS 1.2 or newer")
    if shaken.version == "TLSv1.2" and not ("GCM" in shaken.cipher or "CHACHA20" in shaken.cipher):
        findings.warn("tls.cipher", f"{shaken.cipher} is no AEAD", "prefer AES-256-GCM, or TLS 1.3")
    await _examine_chain(endpoint, files, findings)
    await _examine_old_versions(endpoint, files, findings)
    return shaken


async def _examine_chain(endpoint: Endpoint, files: TlsFiles, findings: Findings) -> None:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.private_key)
    context.check_hostname = False
    try:
        await shake_hands(endpoint, context, endpoint[0])
        findings.sound("tls.chain", "its certificate leads to the authority")
    except (OSError, ValueError) as error:
        findings.fault(
            "tls.chain",
            f"its certificate does not verify: {_reason(error)}",
            "give --ca its authority, or have the box send its intermediate certificates",
        )
        return
    context.check_hostname = True
    try:
        await shake_hands(endpoint, context, endpoint[0])
        findings.sound("tls.host", f"its certificate is for {endpoint[0]}")
    except (OSError, ValueError):
        findings.fault(
            "tls.host",
            f"its certificate is not for {endpoint[0]}",
            "most clients will refuse it: issue one "
            "with this host as a DNS name or IP address among its alternative names",
        )


async def _examine_old_versions(endpoint: Endpoint, files: TlsFiles, findings: Findings) -> None:
    context = lenient_context(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to try what is deprecated is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        old = await shake_hands(endpoint, context, endpoint[0])
    except (OSError, ValueError):
        findings.sound("tls.old", "TLS 1.1 and older are refused")
    else:
        findings.fault("tls.old", f"it also speaks {old.version}", "switch everything below TLS 1.2 off")


def examine_certificate(certificate: x509.Certificate, now: datetime, findings: Findings) -> None:
    """The server's own certificate: dates, key, signature, usage."""
    _examine_dates("certificate.dates", certificate, now, findings)
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 3072:
        told = findings.fault if key.key_size < 2048 else findings.warn
        told("certificate.key", f"RSA of {key.key_size} bits", "use ECDSA P-256, or RSA of 3072 bits at least")
    elif isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 256:
        findings.fault("certificate.key", f"a curve of {key.key_size} bits", "use P-256 at least")
    else:
        findings.sound("certificate.key", type(key).__name__.removeprefix("_").removesuffix("PublicKey"))
    try:
        digest = certificate.signature_hash_algorithm
        if digest is not None and digest.name in ("md5", "sha1"):
            findings.fault("certificate.signature", f"signed with {digest.name}", _CERTIFICATE_ADVICE)
    except UnsupportedAlgorithm:
        findings.note("certificate.signature", "signed with an algorithm unknown here")
    _examine_usage("certificate.usage", certificate, ExtendedKeyUsageOID.SERVER_AUTH, "a server", findings)


def examine_own_certificate(certificate: x509.Certificate, now: datetime, findings: Findings) -> None:
    """The caller's certificate: what a key manager may hold against it."""
    _examine_dates("own.dates", certificate, now, findings)
    _examine_usage("own.usage", certificate, ExtendedKeyUsageOID.CLIENT_AUTH, "a client", findings)


def identities(certificate: x509.Certificate) -> dict[str, str]:
    """What in a certificate may be the ID of its holder, by field: common name, URIs, DNS names, serial number."""
    subject = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    found = {"common name": str(subject[0].value)} if len(subject) == 1 else {}
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    for kind, title in ((x509.UniformResourceIdentifier, "URI"), (x509.DNSName, "DNS name")):
        found |= {f"{title} {value}": value for value in names.get_values_for_type(kind)}
    numbers = {"serial": f"{certificate.serial_number:x}", "decimal serial": str(certificate.serial_number)}
    return found | numbers


def lenient_context(files: TlsFiles | None) -> ssl.SSLContext:
    """TLS that accepts any server, with our certificate or (None) without one. For looking only: no key passes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if files is not None:
        context.load_cert_chain(files.certificate, files.private_key)
    return context


@contextmanager
def impostor(name: str, now: datetime) -> Iterator[ssl.SSLContext]:
    """TLS with a certificate that bears a name and that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    context = lenient_context(None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "impostor.pem"
        path.touch(mode=0o600)
        octets = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(octets + certificate.public_bytes(Encoding.PEM))
        context.load_cert_chain(path)
    yield context


def _examine_dates(check: str, certificate: x509.Certificate, now: datetime, findings: Findings) -> None:
    ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    if now > ends:
        findings.fault(check, f"expired on {ends:%Y-%m-%d %H:%M} UTC", _CERTIFICATE_ADVICE)
    elif now < begins:
        findings.fault(check, f"not valid before {begins:%Y-%m-%d %H:%M} UTC", "see to the clocks, or wait")
    elif ends - now < SOON:
        findings.warn(check, f"expires on {ends:%Y-%m-%d}", "renew it in time")
    else:
        findings.sound(check, f"valid until {ends:%Y-%m-%d}")


def _examine_usage(
    check: str, certificate: x509.Certificate, wanted: x509.ObjectIdentifier, who: str, findings: Findings
) -> None:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        findings.note(check, f"its certificate does not say that it is for {who}")
        return
    if wanted in usages:
        findings.sound(check, f"its certificate is for {who}")
    else:
        findings.fault(check, f"its certificate is not for {who}", _CERTIFICATE_ADVICE)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or "no answer in time"
