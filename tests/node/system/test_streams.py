"""Whatever ends a connection is the peer's doing, and never an error that a site does not expect."""

from __future__ import annotations

import asyncio
import errno

import pytest

from haris.node.system.streams import receive_frame
from haris.nouns.errors import PeerError


@pytest.mark.parametrize("silence_s", [None, 5.0])
@pytest.mark.parametrize("number", [errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ECONNRESET])
async def test_what_the_network_says_ends_the_connection(number: int, silence_s: float | None) -> None:
    reader = asyncio.StreamReader()
    reader.set_exception(OSError(number, "the network's word"))
    with pytest.raises(PeerError, match=r"the connection ended: .*the network's word"):
        await receive_frame(reader, silence_s=silence_s)


async def test_silence_is_named() -> None:
    with pytest.raises(PeerError, match=r"silent for 0\.05 s"):
        await receive_frame(asyncio.StreamReader(), silence_s=0.05)
