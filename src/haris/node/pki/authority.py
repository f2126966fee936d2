"""A laboratory's authority: certificates of both kinds made in one go, and what it does for others afterwards.

EC P-256 for the mutual TLS of the key managers and their clients (the common name is the KME or SAE identity), and
ML-DSA-65 (X.509 as in RFC 9881) for the signatures of the ends of tunnels and spans. The authorities' keys lie beside:
for laboratories.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from haris.node.pki.making import (
    CLIENT,
    SERVER,
    VALID_DAYS,
    Holder,
    PrivateKey,
    Wish,
    issue,
    make_intermediate,
    make_root,
    pem,
    require_public,
)
from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name

CLASSICAL, POST_QUANTUM = "ca", "mldsa-ca"
"""The stems of the two roots' files."""

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Terms:
    """What all certificates of one making share: how long they are valid, and where their revocation is told."""

    days: int = VALID_DAYS
    crl_url: str = ""
    ocsp_url: str = ""

    def wish(self, name: str) -> Wish:
        """A certificate on these terms."""
        return Wish(name, self.days, crl_url=self.crl_url, ocsp_url=self.ocsp_url)


def make_laboratory(
    directory: Path,
    kmes: Sequence[str],
    saes: Sequence[str],
    signers: Sequence[str],
    now: datetime,
    hosts: Sequence[str] = (),
    days: int = VALID_DAYS,
    terms: Terms | None = None,
) -> None:
    """Write two authorities and what they issue: ca, NAME, mldsa-ca and NAME.mldsa, each a .crt and a .key.

    kmes: key managers, servers and clients of TLS at localhost and hosts. saes: clients. signers: ends of tunnels.
    now: aware time from which the certificates are valid, for `days`. Private keys are readable by the owner only.
    Raises ParameterError on a bad or repeated name, or when any of the files exists: nothing is then written.
    """
    terms = terms or Terms(days)
    classical = make_root(CLASSICAL, "haris laboratory CA", ec.generate_private_key(ec.SECP256R1()), now, terms.days)
    post_quantum = make_root(POST_QUANTUM, "haris laboratory ML-DSA CA", MLDSA65PrivateKey.generate(), now, terms.days)
    holders = [
        classical,
        *_classical(classical, kmes, saes, now, hosts, terms),
        post_quantum,
        *_post_quantum(post_quantum, signers, now, terms),
    ]
    _write_holders(directory, holders)


def add_to_laboratory(
    directory: Path,
    kmes: Sequence[str],
    saes: Sequence[str],
    signers: Sequence[str],
    now: datetime,
    hosts: Sequence[str] = (),
    terms: Terms = Terms(),
    issuer: str = "",
) -> None:
    """Further certificates from authorities that lie in directory. issuer: the stem of one; "": the two roots.

    Raises ParameterError as make_laboratory does, and when there is no such authority.
    """
    holders: list[Holder] = []
    if kmes or saes:
        holders += _classical(open_authority(directory, issuer or CLASSICAL), kmes, saes, now, hosts, terms)
    if signers:
        holders += _post_quantum(open_authority(directory, issuer or POST_QUANTUM), signers, now, terms)
    _write_holders(directory, holders)


def add_intermediate(directory: Path, stem: str, issuer: str, now: datetime, terms: Terms) -> None:
    """An authority below another one: STEM.crt, its chain within, and STEM.key. issuer: the stem of the other."""
    above = open_authority(directory, issuer)
    post_quantum = isinstance(above.key, MLDSA65PrivateKey)
    key = MLDSA65PrivateKey.generate() if post_quantum else ec.generate_private_key(ec.SECP256R1())
    name = f"haris laboratory {require_name('an authority', stem)}"
    _write_holders(directory, [make_intermediate(above, stem, name, key, now, terms.wish(name))])


def sign_request(
    directory: Path, request: x509.CertificateSigningRequest, issuer: str, now: datetime, terms: Terms
) -> bytes:
    """The certificate, with its chain, that a request asks for: PEM. issuer: the stem of an authority.

    What is taken from the request: its one common name, its host names, addresses and URI, and that it wants to be a
    server or a client of TLS. Raises ParameterError for a request that is not signed with its own key, whose key is
    too short, or whose name may not be one.
    """
    authority = open_authority(directory, issuer)
    if not request.is_signature_valid:
        raise ParameterError("the request is not signed with the key that it names")
    names = request.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if len(names) != 1:
        raise ParameterError(f"a request shall name one common name, this one has {len(names)}")
    wish = replace(
        terms.wish(require_name("the request's common name", str(names[0].value))),
        usages=_usages(request),
        hosts=_hosts(request),
        uri=_uri(request),
    )
    certificate = issue(authority, require_public(request.public_key()), now, wish)
    return pem(certificate, *authority.chain_below())


def open_authority(directory: Path, stem: str) -> Holder:
    """An authority from its two files. ParameterError when they are not there, or are none."""
    try:
        chain = x509.load_pem_x509_certificates((directory / f"{stem}.crt").read_bytes())
        key = load_pem_private_key((directory / f"{stem}.key").read_bytes(), password=None)
    except OSError as error:
        raise ParameterError(f"{error.filename}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise ParameterError(f"{directory / stem}: not a certificate and its unencrypted key in PEM form") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | MLDSA65PrivateKey):
        raise ParameterError(f"{directory / stem}.key: neither EC nor ML-DSA-65")
    try:
        constraints = chain[0].extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        constraints = None
    if constraints is None or not constraints.ca:
        raise ParameterError(f"{directory / stem}.crt is no authority")
    return Holder(stem, key, chain[0], tuple(chain[1:]))


def _classical(
    authority: Holder, kmes: Sequence[str], saes: Sequence[str], now: datetime, hosts: Sequence[str], terms: Terms
) -> list[Holder]:
    wishes = [
        replace(terms.wish(name), usages=(SERVER, CLIENT), hosts=(*_LOCAL_HOSTS, *hosts), uri=_urn(name))
        for name in kmes
    ]
    wishes += [replace(terms.wish(name), usages=(CLIENT,), uri=_urn(name)) for name in saes]
    return [_make(authority, wish, wish.name, ec.generate_private_key(ec.SECP256R1()), now) for wish in wishes]


def _post_quantum(authority: Holder, signers: Sequence[str], now: datetime, terms: Terms) -> list[Holder]:
    return [_make(authority, terms.wish(name), f"{name}.mldsa", MLDSA65PrivateKey.generate(), now) for name in signers]


def _urn(name: str) -> str:
    """The same name as a URI, for those who take identities from there."""
    return f"urn:haris:{name}"


def _make(authority: Holder, wish: Wish, stem: str, key: PrivateKey, now: datetime) -> Holder:
    require_name("a certificate's name", wish.name)
    return Holder(stem, key, issue(authority, key.public_key(), now, wish), authority.chain_below())


def _usages(request: x509.CertificateSigningRequest) -> tuple[x509.ObjectIdentifier, ...]:
    try:
        asked = request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(usage for usage in (SERVER, CLIENT) if usage in asked)


def _hosts(request: x509.CertificateSigningRequest) -> tuple[str, ...]:
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _uri(request: x509.CertificateSigningRequest) -> str:
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) > 1:
        raise ParameterError(f"a request shall name at most one URI, this one has {len(uris)}")
    return uris[0] if uris else ""


def _write_holders(directory: Path, holders: Sequence[Holder]) -> None:
    stems = [holder.stem for holder in holders]
    if len(set(stems)) < len(stems):
        raise ParameterError(f"two certificates would share a file: {', '.join(sorted(stems))}")
    write_all(directory, {name: octets for holder in holders for name, octets in holder.files().items()})


def write_all(directory: Path, files: dict[str, bytes]) -> None:
    """Write new files, private keys for their owner only. ParameterError, and nothing written, when one exists."""
    directory.mkdir(parents=True, exist_ok=True)
    present = sorted(name for name in files if (directory / name).exists())
    if present:
        raise ParameterError(f"{directory} already holds {', '.join(present)}; choose an empty directory")
    for name, octets in files.items():
        mode = 0o600 if name.endswith(".key") else 0o644
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
