"""The audit log of a site that runs, fetched page by page over its operators' face."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from haris.manage.audit import Entry, Head
from haris.manage.audit_export import read_export, read_head, write_head
from haris.node.operation.admin_client import AdminClient
from haris.nouns.errors import PeerError

PATH = "/haris/v1/audit"


class Chains(msgspec.Struct, frozen=True):
    """The chains that a site holds: each one's start and head, as WRITER:NUMBER:HASH."""

    starts: tuple[str, ...]
    heads: tuple[str, ...]


def write_chains(starts: tuple[Head, ...], heads: tuple[Head, ...]) -> bytes:
    """The body of an answer."""
    return msgspec.json.encode(Chains(tuple(map(write_head, starts)), tuple(map(write_head, heads))))


async def fetch_audit(client: AdminClient) -> AsyncIterator[Head | Entry]:
    """Each chain's start and its entries up to the head that the site named at first, chain after chain.

    PeerError when the site says what cannot be.
    """
    try:
        chains = msgspec.json.decode(await client.get(f"{PATH}/chains"), type=Chains)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PeerError(f"a site told its audit log in a wrong form: {error}") from None
    for start, head in zip(map(read_head, chains.starts), map(read_head, chains.heads), strict=True):
        yield start
        after = start.number
        while after < head.number:
            lines = (await client.get(PATH, writer=start.writer, after=str(after))).decode().splitlines()
            page = [part for part in read_export(lines) if isinstance(part, Entry)]
            if not page or page[0].number != after + 1:
                raise PeerError(f"the site does not tell entry {after + 1} of {start.writer}")
            for entry in page:
                if entry.number <= head.number:
                    yield entry
            after = page[-1].number
