"""Whether a verified certificate has been revoked since: by lists that lie here, and by asking its issuer's responder.

TLS itself refuses what a list names (kme_tls), and Python's TLS cannot ask a responder; so who has connected is asked
about after the handshake and before the first request is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

import aiohttp
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from haris.node.pki.credentials import read_certificates
from haris.node.pki.ocsp import Verdict, question, read_answer, responder_of
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError, Unauthorised

ASK_TIMEOUT_S = 5.0
_CRL = b"-----BEGIN X509 CRL-----"
_MAX_ANSWER_OCTETS = 64 * 1024
_MAX_VERDICTS = 100_000

Mode = Literal["off", "hard", "soft"]


@dataclass(frozen=True, slots=True)
class RevocationTable:
    """[revocation] How it is found out that a certificate is no longer good.

    crls: files of certificate revocation lists, PEM; if there is one, every authority of a chain needs one, and one
    that is out of date refuses all its certificates. ocsp: whether responders are asked: `off`; `hard`, no answer is a
    refusal; `soft`, no answer is let pass, with an alarm. `hard` when ocsp_responder is given, else `off`.
    Authorities between a certificate and the root are asked about where they name a responder.
    ocsp_responder: URL to ask in place of any that certificates name.
    """

    crls: tuple[Path, ...] = ()
    ocsp: Mode | None = None
    ocsp_responder: str = ""

    def __post_init__(self) -> None:
        if self.ocsp_responder and not self.ocsp_responder.startswith(("http://", "https://")):
            raise ParameterError(f"ocsp_responder is an http URL, got {self.ocsp_responder!r}")

    @property
    def mode(self) -> Mode:
        """What ocsp means when it is left out."""
        return self.ocsp or ("hard" if self.ocsp_responder else "off")


def read_crls(paths: Sequence[Path]) -> list[x509.CertificateRevocationList]:
    """The lists in the files. ParameterError, naming the file, for one that holds none."""
    found = []
    for path in paths:
        try:
            parts = path.read_bytes().split(_CRL)
            found += [x509.load_pem_x509_crl(_CRL + part) for part in parts[1:] or parts]
        except OSError as error:
            raise ParameterError(f"{path}: {error.strerror}") from None
        except ValueError:
            raise ParameterError(f"{path}: not a revocation list in PEM form") from None
    return found


class Revocation:
    """What one key manager knows of revoked certificates.

    authority: file of the authorities that it trusts, for certificates whose chain is not told.
    """

    def __init__(
        self,
        table: RevocationTable,
        authority: Path,
        file_alarm: Callable[[Alarm], None] = lambda alarm: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.table, self._authority, self._file_alarm, self._now = table, authority, file_alarm, now
        self._lists: list[x509.CertificateRevocationList] = []
        self._authorities: list[x509.Certificate] = []
        self._verdicts: dict[bytes, Verdict] = {}
        self._wanted: dict[bytes, Sequence[bytes]] = {}
        self._session: aiohttp.ClientSession | None = None
        self.load()

    def load(self) -> None:
        """Read lists and authorities anew. ParameterError, with the old ones kept, when one cannot be read."""
        lists, authorities = read_crls(self.table.crls), read_certificates(self._authority)
        self._lists, self._authorities = lists, authorities

    async def vet(self, chain: Sequence[bytes]) -> None:
        """Return if no certificate of a chain is revoked. chain: DER, the leaf first.

        Raises Unauthorised for a revoked one, and in mode `hard` when that cannot be found out.
        """
        certificates = self._complete(chain)
        self._require_unlisted(certificates)
        if self.table.mode == "off":
            return
        for certificate, issuer in self._to_ask(certificates):
            await self._ask_once(certificate, issuer)
        if len(certificates) == 1 and certificates[0].issuer != certificates[0].subject:
            self._unknown(certificates[0], "its issuer is not known here")

    def require_vetted(self, chain: Sequence[bytes]) -> None:
        """As vet, from what is known already. KeyUnavailable when it must be asked first: see settle."""
        certificates = self._complete(chain)
        self._require_unlisted(certificates)
        if self.table.mode == "off":
            return
        for certificate, _ in self._to_ask(certificates):
            verdict = self._verdicts.get(_name(certificate))
            if verdict is None or verdict.until < self._now():
                self._wanted[_name(certificate)] = chain
                raise KeyUnavailable(f"the status of {_title(certificate)} has not been asked yet")
            _require_good(certificate, verdict)

    async def settle(self) -> bool:
        """Ask what require_vetted missed; whether there was anything. Raises as vet does."""
        wanted, self._wanted = self._wanted, {}
        for chain in wanted.values():
            await self.vet(chain)
        return bool(wanted)

    async def close(self) -> None:
        """Close the connections to responders."""
        if self._session is not None:
            await self._session.close()

    def _to_ask(self, certificates: Sequence[x509.Certificate]) -> list[tuple[x509.Certificate, x509.Certificate]]:
        """Each certificate whose status is to be asked, with its issuer: the first in any case."""
        pairs = list(pairwise(certificates))
        return pairs[:1] + [pair for pair in pairs[1:] if self.table.ocsp_responder or responder_of(pair[0])]

    def _require_unlisted(self, certificates: Sequence[x509.Certificate]) -> None:
        for certificate in certificates:
            for each in self._lists:
                if each.issuer == certificate.issuer:
                    revoked = each.get_revoked_certificate_by_serial_number(certificate.serial_number)
                    if revoked is not None:
                        when = f"{revoked.revocation_date_utc:%Y-%m-%d %H:%M} UTC"
                        raise Unauthorised(f"{_title(certificate)} was revoked on {when}")

    async def _ask_once(self, certificate: x509.Certificate, issuer: x509.Certificate) -> None:
        name = _name(certificate)
        verdict = self._verdicts.get(name)
        if verdict is None or verdict.until < self._now():
            try:
                verdict = await self._ask(certificate, issuer)
            except PeerError as error:
                self._unknown(certificate, str(error))
                return
            if len(self._verdicts) >= _MAX_VERDICTS:
                self._verdicts.clear()
            self._verdicts[name] = verdict
        _require_good(certificate, verdict)

    async def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Verdict:
        url = self.table.ocsp_responder or responder_of(certificate)
        if url is None or not url.startswith(("http://", "https://")):
            raise PeerError("it names no OCSP responder")
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_TIMEOUT_S), trust_env=False)
        try:
            async with self._session.post(
                url, data=question(certificate, issuer), headers={"Content-Type": "application/ocsp-request"}
            ) as answer:
                octets = await answer.content.read(_MAX_ANSWER_OCTETS)
                while not answer.content.at_eof() and len(octets) < _MAX_ANSWER_OCTETS:
                    octets += await answer.content.read(_MAX_ANSWER_OCTETS)
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise PeerError(f"the OCSP responder {url} cannot be reached: {error or 'time-out'}") from None
        if status != 200:
            raise PeerError(f"the OCSP responder {url} answers {status}")
        return read_answer(octets, certificate, issuer, self._now())

    def _unknown(self, certificate: x509.Certificate, reason: str) -> None:
        text = f"whether {_title(certificate)} is revoked cannot be found out: {reason}"
        severity = Severity.MAJOR if self.table.mode == "hard" else Severity.MINOR
        self._file_alarm(Alarm(severity, "ocsp", text, AlarmKind.CERTIFICATE))
        if self.table.mode == "hard":
            raise Unauthorised(text)
        self._verdicts[_name(certificate)] = Verdict(True, self._now())

    def _complete(self, chain: Sequence[bytes]) -> list[x509.Certificate]:
        """The chain up to one that issued itself, as far as it can be completed from the authorities' file."""
        try:
            certificates = [x509.load_der_x509_certificate(der) for der in chain]
        except ValueError:
            raise Unauthorised("a certificate of the chain cannot be read") from None
        while certificates and certificates[-1].issuer != certificates[-1].subject and len(certificates) < 10:
            issuer = next((each for each in self._authorities if _issued(each, certificates[-1])), None)
            if issuer is None:
                break
            certificates.append(issuer)
        return certificates


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _require_good(certificate: x509.Certificate, verdict: Verdict) -> None:
    if not verdict.good:
        raise Unauthorised(f"{_title(certificate)} is {verdict.text}")


def _name(certificate: x509.Certificate) -> bytes:
    return certificate.issuer.public_bytes() + certificate.serial_number.to_bytes(20, "big")


def _title(certificate: x509.Certificate) -> str:
    return f"the certificate {certificate.subject.rfc4514_string()} ({certificate.serial_number:x})"
