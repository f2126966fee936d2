"""The tables of NODE.toml that say who may watch a site, and who is told of its alarms."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from haris.nouns.checks import require_positive
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError
from haris.wire.syslog import FACILITIES


@dataclass(frozen=True, slots=True)
class AdminTable:
    """[admin] The face for operators: status, alarms, metrics, accounts.

    listen: HOST:PORT, for operators with certificates of [kme] authority. operators: their IDs; nobody else is
    answered. socket: a Unix socket for whoever may open it on this machine. metrics: HOST:PORT of this machine's own
    interface (loopback), where Prometheus reads /metrics without a certificate.
    """

    listen: str | None = None
    operators: tuple[str, ...] = ()
    socket: Path | None = None
    metrics: str | None = None

    def __post_init__(self) -> None:
        if self.listen is not None:
            read_endpoint("listen", self.listen)
            if not self.operators:
                raise ParameterError("operators must name at least one, or leave out listen")
        if self.metrics is not None and not _is_loopback(read_endpoint("metrics", self.metrics)[0]):
            raise ParameterError(
                f"metrics must be an address of the loopback interface, got {self.metrics}; others use listen"
            )


@dataclass(frozen=True, slots=True)
class SyslogTable:
    """[syslog] Where alarms and the heads of the audit log are sent (RFC 5424).

    address: HOST:PORT of the receiver. transport: `udp`; `tcp` (RFC 6587); `tls` (RFC 5425). facility: of RFC 5424.
    authority: PEM file of the receiver's authority, for tls. certificate, private_key: ours, when it wants one.
    audit_head_s: how often the heads of the audit log are sent.
    """

    address: str
    transport: Literal["udp", "tcp", "tls"] = "udp"
    facility: str = "local0"
    authority: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    audit_head_s: float = 300.0

    def __post_init__(self) -> None:
        read_endpoint("address", self.address)
        require_positive("audit_head_s", self.audit_head_s)
        if self.facility not in FACILITIES:
            raise ParameterError(f"facility must be one of {', '.join(FACILITIES)}, got {self.facility!r}")
        if (self.transport == "tls") != (self.authority is not None):
            raise ParameterError("authority belongs to transport tls, which needs it")
        if (self.certificate is None) != (self.private_key is None) or (self.certificate and self.transport != "tls"):
            raise ParameterError("certificate and private_key stand together, with transport tls")


@dataclass(frozen=True, slots=True)
class SnmpTable:
    """[snmp] Where alarms are sent as notifications of HARIS-MIB (docs/reference/HARIS-MIB.txt).

    address: HOST:PORT of the receiver, UDP. version: `2c` or `3`. community: for 2c. user: for 3, with
    HMAC-192-SHA-256 and AES-128. auth_key, priv_key: files with the user's two pass phrases of 8 characters or more.
    """

    address: str
    version: Literal["2c", "3"] = "3"
    community: str | None = None
    user: str | None = None
    auth_key: Path | None = None
    priv_key: Path | None = None

    def __post_init__(self) -> None:
        read_endpoint("address", self.address)
        v3 = (self.user, self.auth_key, self.priv_key)
        if self.version == "2c" and (self.community is None or any(v3)):
            raise ParameterError("version 2c takes a community, and no user")
        if self.version == "3" and (self.community is not None or not all(v3)):
            raise ParameterError("version 3 takes user, auth_key and priv_key, and no community")


@dataclass(frozen=True, slots=True)
class TracesTable:
    """[traces] OpenTelemetry traces of requests. endpoint: URL that takes OTLP over HTTP, such as
    `http://127.0.0.1:4318/v1/traces`. ratio: the part of the requests that is traced, 0 to 1."""

    endpoint: str
    ratio: float = 0.01

    def __post_init__(self) -> None:
        if not self.endpoint.startswith(("http://", "https://")):
            raise ParameterError(f"endpoint must be an http or https URL, got {self.endpoint!r}")
        if not 0 <= self.ratio <= 1:
            raise ParameterError(f"ratio must be between 0 and 1, got {self.ratio:g}")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
