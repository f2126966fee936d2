"""A stream that has ended is an OSError to its writer, whatever the event loop."""

import asyncio

import pytest
import uvloop

from haris.node.system.streams import send_frame


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_frame_into_an_ended_stream(factory):
    async def trial():
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close()
        await asyncio.sleep(0.05)
        with pytest.raises(OSError, match="ended"):
            await send_frame(writer, b"octets")
        server.close()
        await server.wait_closed()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(trial())
