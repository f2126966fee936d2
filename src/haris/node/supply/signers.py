"""What this site signs with towards each of the others: ML-DSA, as the table [end_to_end] names it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from haris.crypto.signing import Credentials
from haris.node.configuration.node_toml import NodeConfiguration
from haris.node.pki.credentials import signing_credentials
from haris.nouns.errors import ParameterError


def read_signers(configuration: NodeConfiguration) -> dict[str, Credentials] | None:
    """Credentials by the other site, each with the name that it must bear; None: there is no such table.

    Raises ParameterError for files that are none, and for a certificate that does not name this key manager.
    """
    table = configuration.end_to_end
    if table is None:
        return None
    files = table.certificate, table.private_key, table.authority
    ours = signing_credentials(*files, configuration.kme.id, datetime.now(UTC))
    if ours.name != configuration.kme.id:
        raise ParameterError(
            f"{table.certificate}: bears the name {ours.name}, not that of [kme] id: {configuration.kme.id}"
        )
    return {peer.site: dataclasses.replace(ours, peer_name=peer.kme) for peer in configuration.peer}
