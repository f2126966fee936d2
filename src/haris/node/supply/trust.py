"""Whom one key manager trusts, as its configuration says: files of TLS, names in certificates, revocation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from haris.node.configuration.node_toml import NodeConfiguration
from haris.node.pki.credentials import read_certificate, read_certificates
from haris.node.pki.identity import IdentityTable, identity
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.pki.revocation import Revocation, RevocationTable
from haris.nouns.alarms import Alarm
from haris.nouns.errors import ParameterError, Unauthorised


@dataclass(frozen=True, slots=True)
class Trust:
    """revocation: None when neither lists nor responders are configured."""

    files: TlsFiles
    identity: IdentityTable
    revocation: Revocation | None


def read_trust(configuration: NodeConfiguration, file_alarm: Callable[[Alarm], None]) -> Trust:
    """What a site is told of trust. ParameterError when its certificate does not name it, or names are not unique."""
    kme, table, asked = configuration.kme, configuration.identity, configuration.revocation
    try:
        named = identity(read_certificate(kme.certificate, datetime.now(UTC)), table.kmes, table)
    except Unauthorised as error:
        raise ParameterError(f"[kme] certificate {kme.certificate}: {error}") from None
    if named != kme.id:
        raise ParameterError(f"[kme] certificate {kme.certificate} names {named}, and the id is {kme.id}")
    if "serial" in (table.saes, table.kmes) and len(read_certificates(kme.authority)) > 1:
        raise ParameterError(
            f"[identity] serial numbers are unique within one authority only, and {kme.authority} holds several"
        )
    files = TlsFiles(kme.certificate, kme.private_key, kme.authority, asked.crls)
    return Trust(files, table, knowing(asked, kme.authority, file_alarm))


def knowing(asked: RevocationTable, authority: Path, file_alarm: Callable[[Alarm], None]) -> Revocation | None:
    """What knows of revoked certificates of an authority; None when neither lists nor responders are configured."""
    return Revocation(asked, authority, file_alarm) if asked.mode != "off" or asked.crls else None
