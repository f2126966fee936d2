"""The radio of the demonstration: octets cross it in a contact, and in no way outside one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from haris.demo.radio import Radio
from haris.node.system.free_ports import free_ports


class Sky:
    lasts = True


@pytest.fixture
async def line() -> AsyncIterator[tuple[Sky, Radio, int]]:
    """A line to a site that sends back what it hears."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(100):
            writer.write(octets)
        writer.close()

    sky, (port,) = Sky(), free_ports(1)
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    radio = Radio([(port, server.sockets[0].getsockname()[1])], lambda: sky.lasts)
    await radio.start()
    yield sky, radio, port
    await radio.stop()
    server.close()


async def said(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(100), 2.0)
    except ConnectionError:
        return b""


async def test_a_contact_carries_octets_and_its_end_cuts_them(line: tuple[Sky, Radio, int]) -> None:
    sky, radio, port = line
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"up")
    assert await said(reader) == b"up"
    assert radio.n_octets == 4
    sky.lasts = False
    assert await said(reader) == b""  # cut
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"up")
    assert await said(reader) == b""  # shut
    writer.close()
    assert radio.n_octets == 4
    sky.lasts = True
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"again")
    assert await said(reader) == b"again"
    writer.close()
