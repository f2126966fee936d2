"""A laboratory's certificates of both kinds, made in one go.

EC P-256 for the mutual TLS of the key managers and their clients (the common name is the KME or SAE identity), and
ML-DSA-65 (X.509 as in RFC 9881) for the signatures of the tunnel's ends.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID, ObjectIdentifier

from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name

VALID_DAYS = 365
_CLOCK_SKEW = timedelta(minutes=5)
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")

PrivateKey = ec.EllipticCurvePrivateKey | MLDSA65PrivateKey


@dataclass(frozen=True, slots=True)
class _Holder:
    """A private key with its certificate, and the stem of their two files."""

    stem: str
    key: PrivateKey
    certificate: x509.Certificate

    def files(self) -> dict[str, bytes]:
        return {
            f"{self.stem}.crt": self.certificate.public_bytes(Encoding.PEM),
            f"{self.stem}.key": self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        }


def make_laboratory(
    directory: Path,
    kmes: Sequence[str],
    saes: Sequence[str],
    signers: Sequence[str],
    now: datetime,
    hosts: Sequence[str] = (),
    days: int = VALID_DAYS,
) -> None:
    """Write two authorities and what they issue: ca, NAME, mldsa-ca and NAME.mldsa, each a .crt and a .key.

    kmes: key managers, servers and clients of TLS at localhost and hosts. saes: clients. signers: tunnel ends.
    now: aware time from which the certificates are valid, for `days`. Private keys are readable by the owner only.
    Raises ParameterError on a bad or repeated name, or when any of the files exists: nothing is then written.
    """
    for name in (*kmes, *saes, *signers):
        require_name("a certificate's name", name)
    holders = _classical(kmes, saes, now, days, (*_LOCAL_HOSTS, *hosts)) + _post_quantum(signers, now, days)
    stems = [holder.stem for holder in holders]
    if len(set(stems)) < len(stems):
        raise ParameterError(f"two certificates would share a file: {', '.join(sorted(stems))}")
    files = {name: octets for holder in holders for name, octets in holder.files().items()}
    _write_all(directory, files)


def _classical(
    kmes: Sequence[str], saes: Sequence[str], now: datetime, days: int, hosts: Sequence[str]
) -> list[_Holder]:
    authority = _authority("ca", "haris laboratory CA", ec.generate_private_key(ec.SECP256R1()), now, days)
    holders = [authority]
    for name in kmes:
        usages = [Usage.SERVER_AUTH, Usage.CLIENT_AUTH]
        key = ec.generate_private_key(ec.SECP256R1())
        holders.append(_issue(authority, name, name, key, now, days, usages, hosts))
    for name in saes:
        key = ec.generate_private_key(ec.SECP256R1())
        holders.append(_issue(authority, name, name, key, now, days, [Usage.CLIENT_AUTH]))
    return holders


def _post_quantum(signers: Sequence[str], now: datetime, days: int) -> list[_Holder]:
    authority = _authority("mldsa-ca", "haris laboratory ML-DSA CA", MLDSA65PrivateKey.generate(), now, days)
    ends = [_issue(authority, f"{name}.mldsa", name, MLDSA65PrivateKey.generate(), now, days) for name in signers]
    return [authority, *ends]


def _authority(stem: str, name: str, key: PrivateKey, now: datetime, days: int) -> _Holder:
    subject = _subject(name)
    builder = _builder(subject, subject, key, now, days, is_authority=True)
    return _Holder(stem, key, builder.sign(key, _digest(key)))


def _issue(
    authority: _Holder,
    stem: str,
    name: str,
    key: PrivateKey,
    now: datetime,
    days: int,
    usages: Sequence[ObjectIdentifier] = (),
    hosts: Sequence[str] = (),
) -> _Holder:
    issuer = authority.certificate.subject
    builder = _builder(_subject(name), issuer, key, now, days, is_authority=False)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(authority_id, critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in dict.fromkeys(hosts)])
        builder = builder.add_extension(names, critical=False)
    return _Holder(stem, key, builder.sign(authority.key, _digest(authority.key)))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, now: datetime, days: int, is_authority: bool
) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    constraints = x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(constraints, critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _digest(key: PrivateKey) -> hashes.SHA256 | None:
    """The digest that X.509 names beside the signature; ML-DSA signs the octets themselves."""
    return None if isinstance(key, MLDSA65PrivateKey) else hashes.SHA256()


def _write_all(directory: Path, files: dict[str, bytes]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    present = sorted(name for name in files if (directory / name).exists())
    if present:
        raise ParameterError(f"{directory} already holds {', '.join(present)}; choose an empty directory")
    for name, octets in files.items():
        mode = 0o600 if name.endswith(".key") else 0o644
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
