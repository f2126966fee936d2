"""What NODE.toml says of other operators: the gateway at this site, and who stands at its door."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from haris.keys.export import EXAMPLE_ENTERPRISE_NUMBER
from haris.keys.foreign import Operator
from haris.node.pki.revocation import RevocationTable
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name
from haris.wire.etsi020 import ACK_PATH
from haris.wire.etsi020_problem import Problem
from haris.wire.etsi020_values import read_url

ASK_TIMEOUT_S = 5.0
"""How long one site waits for another's answer."""


@dataclass(frozen=True, slots=True)
class InterworkingTable:
    """[interworking] This site is a gateway to other operators (ETSI GS QKD 020).

    listen: HOST:PORT for their key managers. url: https://HOST:PORT as they reach it. certificate, private_key: shown
    to them, PEM files; absent, those of [kme]. authority: PEM file of the authorities that their certificates are of.
    timeout_s: how long a key may be on its way to all its targets, less than the 5 s that a site waits for another.
    enterprise_number: yours, which names the extension that carries a key's pedigree. revocation: of their
    certificates, a table as [revocation].
    """

    listen: str
    url: str
    authority: Path
    certificate: Path | None = None
    private_key: Path | None = None
    timeout_s: float = 4.0
    enterprise_number: int = EXAMPLE_ENTERPRISE_NUMBER
    revocation: RevocationTable = field(default_factory=RevocationTable)

    def __post_init__(self) -> None:
        read_endpoint("listen", self.listen)
        _require_url("url", self.url)
        if (self.certificate is None) != (self.private_key is None):
            raise ParameterError("certificate and private_key stand together, or neither")
        if not 0 < self.timeout_s < ASK_TIMEOUT_S:
            raise ParameterError(f"timeout_s lies between 0 and {ASK_TIMEOUT_S}, got {self.timeout_s}")
        if not 0 < self.enterprise_number < 1 << 32:
            raise ParameterError(f"enterprise_number is a private enterprise number, got {self.enterprise_number}")

    @property
    def callback_url(self) -> str:
        """Where this gateway wants its acknowledgements."""
        return self.url.rstrip("/") + ACK_PATH


@dataclass(frozen=True, slots=True)
class OperatorEntry:
    """[[operator]] Another operator at this gateway.

    name: of the operator. kme: its key manager's ID, as in the certificate. url: https://HOST:PORT of that key manager.
    callback_url: where it wants its acknowledgements, and the only place where it gets them; absent, the method of the
    standard at url. synchronous: whether it acknowledges our keys in its answer, instead of calling back.
    """

    name: str
    kme: str
    url: str
    callback_url: str | None = None
    synchronous: bool = False

    def __post_init__(self) -> None:
        require_name("name", self.name)
        require_name("kme", self.kme)
        _require_url("url", self.url)
        if self.callback_url is not None:
            _require_url("callback_url", self.callback_url)

    @property
    def operator(self) -> Operator:
        """The operator as the key management layer knows it."""
        url = self.url.rstrip("/")
        return Operator(self.name, self.kme, url, self.callback_url or url + ACK_PATH, self.synchronous)


def _require_url(name: str, value: str) -> None:
    try:
        read_url(name, value)
    except Problem as problem:
        raise ParameterError("; ".join(problem.details.values())) from None
