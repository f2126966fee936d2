"""How certificates are made here: X.509 (RFC 5280) with EC P-256 for TLS and ML-DSA-65 (RFC 9881) for signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from haris.nouns.errors import ParameterError

VALID_DAYS = 365
CLOCK_SKEW = timedelta(minutes=5)

PrivateKey = ec.EllipticCurvePrivateKey | MLDSA65PrivateKey
PublicKey = ec.EllipticCurvePublicKey | MLDSA65PublicKey | rsa.RSAPublicKey

SERVER, CLIENT, OCSP = (
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.OCSP_SIGNING,
)


@dataclass(frozen=True, slots=True)
class Holder:
    """A private key with its certificate, the stem of their two files, and the authorities between it and the root."""

    stem: str
    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    def files(self) -> dict[str, bytes]:
        """The contents of both files by name; the certificate is followed by its chain, without the root."""
        return {
            f"{self.stem}.crt": pem(self.certificate, *self.chain),
            f"{self.stem}.key": self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        }

    def chain_below(self) -> tuple[x509.Certificate, ...]:
        """What stands below a certificate that this authority issues: itself and its chain, unless it is a root."""
        is_root = self.certificate.issuer == self.certificate.subject
        return () if is_root else (self.certificate, *self.chain)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a certificate is to say. hosts: names and addresses of a server. uri: the URI among its names, "" for none.

    crl_url, ocsp_url: where its revocation can be looked up, "" for nowhere.
    """

    name: str
    days: int = VALID_DAYS
    usages: tuple[ObjectIdentifier, ...] = ()
    hosts: tuple[str, ...] = ()
    uri: str = ""
    crl_url: str = ""
    ocsp_url: str = ""


def pem(*certificates: x509.Certificate) -> bytes:
    """Certificates as PEM, one after the other."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def make_root(stem: str, name: str, key: PrivateKey, now: datetime, days: int) -> Holder:
    """An authority of its own, which may issue others that issue none."""
    builder = _builder(subject(name), subject(name), key.public_key(), now, days, path_length=1)
    return Holder(stem, key, builder.sign(key, digest(key)))


def make_intermediate(issuer: Holder, stem: str, name: str, key: PrivateKey, now: datetime, wish: Wish) -> Holder:
    """An authority below issuer, which issues no others."""
    builder = _builder(subject(name), issuer.certificate.subject, key.public_key(), now, wish.days, path_length=0)
    builder = _below(issuer, builder, wish)
    return Holder(stem, key, builder.sign(issuer.key, digest(issuer.key)), issuer.chain_below())


def issue(issuer: Holder, public: PublicKey, now: datetime, wish: Wish) -> x509.Certificate:
    """A certificate for the holder of a public key, which is no authority."""
    builder = _builder(subject(wish.name), issuer.certificate.subject, public, now, wish.days, path_length=None)
    builder = _below(issuer, builder, wish)
    if wish.usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(wish.usages), critical=False)
    names = general_names(wish.hosts, wish.uri)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer.key, digest(issuer.key))


def subject(name: str) -> x509.Name:
    """A subject that is a common name and nothing else."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def general_names(hosts: Sequence[str], uri: str) -> list[x509.GeneralName]:
    """Alternative names: addresses, host names, and the URI."""
    names: list[x509.GeneralName] = [_host(host) for host in dict.fromkeys(hosts)]
    return [*names, x509.UniformResourceIdentifier(uri)] if uri else names


def digest(key: object) -> hashes.SHA256 | None:
    """The digest that X.509 names beside the signature; ML-DSA signs the octets themselves."""
    return None if isinstance(key, MLDSA65PrivateKey) else hashes.SHA256()


def require_public(public: object) -> PublicKey:
    """A public key of a kind that is accepted. ParameterError for another or a short one."""
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= 3072:
        return public
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.key_size >= 256:
        return public
    if isinstance(public, MLDSA65PublicKey):
        return public
    raise ParameterError("the public key must be EC of 256 bits, RSA of 3072 bits, or more, or ML-DSA-65")


def _below(issuer: Holder, builder: x509.CertificateBuilder, wish: Wish) -> x509.CertificateBuilder:
    """What a certificate says of its issuer, and where its revocation is told."""
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = builder.add_extension(authority_id, critical=False)
    if wish.crl_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(wish.crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    if wish.ocsp_url:
        where = x509.UniformResourceIdentifier(wish.ocsp_url)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return builder


def _builder(
    name: x509.Name, issuer: x509.Name, public: PublicKey, now: datetime, days: int, path_length: int | None
) -> x509.CertificateBuilder:
    is_authority = path_length is not None
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
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
