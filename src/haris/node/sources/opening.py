"""From the inventory to a maker of blocks: which box speaks which interface."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from haris.node.configuration.inventory import SourceEntry
from haris.node.events import Observe
from haris.node.pki.credentials import client_context
from haris.node.pki.mutual_tls import TlsFiles, server_context
from haris.node.sources.box import Box
from haris.node.sources.etsi004 import Etsi004Box
from haris.node.sources.etsi014 import Etsi014Box
from haris.node.sources.folder import FolderBox
from haris.node.sources.maker import SourceMaker, VendorStore
from haris.node.sources.push import PushBox
from haris.node.sources.skip import SkipBox
from haris.node.spans.plan import SourcePlan, SpanPlan
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError
from haris.wire.etsi004 import FIXED, TERMINATED, Framing


def source_maker(plan: SpanPlan, store: VendorStore, observe: Observe) -> SourceMaker | None:
    """The maker of a span's blocks from its source; None when light makes them.

    Raises ParameterError for certificates that are missing, unreadable or out of date.
    """
    if not isinstance(plan.making, SourcePlan):
        return None
    return SourceMaker(plan, plan.making, open_box(plan.making.entry), store, observe)


def open_box(entry: SourceEntry) -> Box:
    """This end of a source. Raises ParameterError as source_maker does."""
    match entry:
        case SourceEntry(kind="folder", folder=Path() as folder):
            return FolderBox(folder)
        case SourceEntry(kind="etsi014", url=str() as url, peer_id=str() as peer_id):
            return Etsi014Box(url, _client_context(entry), peer_id, entry.key_bits, entry.leave_keys)
        case SourceEntry(kind="skip", url=str() as url, peer_id=str() as peer_id):
            return SkipBox(url, _client_context(entry), peer_id, entry.key_bits)
        case SourceEntry(kind="etsi004", address=str() as address, own_id=str() as own_id, peer_id=str() as peer_id):
            endpoint, ends = read_endpoint("address", address), (own_id, peer_id)
            return Etsi004Box(
                endpoint, _client_context(entry), ends, entry.key_bits, _stream_id(entry), _framing(entry)
            )
        case SourceEntry(kind="etsi004-push", listen=str() as listen, peer_id=str() as peer_id):
            endpoint, context = read_endpoint("listen", listen), server_context(_files(entry))
            return PushBox(endpoint, context, peer_id, entry.key_bits, _stream_id(entry))
    raise ParameterError(f"source {entry.name} is no box")


def _client_context(entry: SourceEntry) -> ssl.SSLContext:
    files = _files(entry)
    return client_context(files.certificate, files.private_key, files.authority, datetime.now(UTC))


def _files(entry: SourceEntry) -> TlsFiles:
    certificate, key, authority = entry.certificate, entry.private_key, entry.authority
    if certificate is None or key is None or authority is None:
        raise ParameterError(f"source {entry.name} needs certificate, private_key and authority")
    return TlsFiles(certificate, key, authority)


def _framing(entry: SourceEntry) -> Framing:
    return TERMINATED if entry.dialect == "terminated" else FIXED


def _stream_id(entry: SourceEntry) -> UUID | None:
    return None if entry.key_stream_id is None else UUID(entry.key_stream_id)
