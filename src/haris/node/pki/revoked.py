"""What a laboratory's authority has revoked: its list in STEM.revoked, and its CRL (RFC 5280, 5) in STEM.crl."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from haris.node.pki.authority import open_authority
from haris.node.pki.making import CLOCK_SKEW, Holder, digest
from haris.nouns.errors import ParameterError

CRL_DAYS = 7


class Revoked(msgspec.Struct, frozen=True):
    """One certificate. serial: its number in hexadecimal, for JSON has no integers so large."""

    serial: str
    at: datetime


class RevocationList(msgspec.Struct, frozen=True):
    """All that one authority revoked. number: of its last CRL."""

    number: int = 0
    revoked: tuple[Revoked, ...] = ()

    def find(self, serial: int) -> datetime | None:
        """When a certificate was revoked; None: it was not."""
        return next((each.at for each in self.revoked if each.serial == f"{serial:x}"), None)


def revoke(directory: Path, stem: str, now: datetime, crl_days: int = CRL_DAYS) -> str:
    """Revoke the certificate in STEM.crt, and write its authority's CRL anew; returns the authority's stem.

    Raises ParameterError when the certificate is not there, was revoked before, or its authority is not in directory.
    """
    path = directory / f"{stem}.crt"
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise ParameterError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise ParameterError(f"{path}: not a certificate in PEM form") from None
    authority = _issuer(directory, certificate)
    listed = read_revoked(directory, authority.stem)
    if listed.find(certificate.serial_number) is not None:
        raise ParameterError(f"{path} is revoked already")
    new = Revoked(f"{certificate.serial_number:x}", now)
    write_crl(directory, authority, msgspec.structs.replace(listed, revoked=(*listed.revoked, new)), now, crl_days)
    return authority.stem


def write_crls(directory: Path, now: datetime, crl_days: int = CRL_DAYS) -> list[str]:
    """A fresh CRL for every authority in directory; returns their stems."""
    authorities = authorities_in(directory)
    for authority in authorities:
        write_crl(directory, authority, read_revoked(directory, authority.stem), now, crl_days)
    return [authority.stem for authority in authorities]


def write_crl(directory: Path, authority: Holder, listed: RevocationList, now: datetime, crl_days: int) -> None:
    """Write STEM.revoked and STEM.crl, each in the place of its last."""
    listed = msgspec.structs.replace(listed, number=listed.number + 1)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - CLOCK_SKEW)
        .next_update(now + timedelta(days=crl_days))
        .add_extension(x509.CRLNumber(listed.number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    for each in listed.revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(int(each.serial, 16)).revocation_date(each.at)
        builder = builder.add_revoked_certificate(entry.build())
    crl = builder.sign(authority.key, digest(authority.key)).public_bytes(Encoding.PEM)
    for name, octets in ((f"{authority.stem}.revoked", msgspec.json.encode(listed)), (f"{authority.stem}.crl", crl)):
        fresh = directory / f"{name}.new"
        fresh.write_bytes(octets)
        fresh.replace(directory / name)


def read_revoked(directory: Path, stem: str) -> RevocationList:
    """What an authority has revoked so far."""
    path = directory / f"{stem}.revoked"
    try:
        return msgspec.json.decode(path.read_bytes(), type=RevocationList)
    except FileNotFoundError:
        return RevocationList()
    except (OSError, msgspec.MsgspecError) as error:
        raise ParameterError(f"{path}: {error}") from None


def authorities_in(directory: Path) -> list[Holder]:
    """Every authority whose certificate and key lie in directory."""
    found = []
    for path in sorted(directory.glob("*.crt")):
        try:
            found.append(open_authority(directory, path.stem))
        except ParameterError:
            continue
    return found


def _issuer(directory: Path, certificate: x509.Certificate) -> Holder:
    for authority in authorities_in(directory):
        try:
            certificate.verify_directly_issued_by(authority.certificate)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return authority
    raise ParameterError(f"no authority in {directory} issued this certificate")
