"""Processes of the demonstration: one that ends by itself while it is stopped is stopped."""

import asyncio

import pytest

from haris.demo.processes import Process


class Ending:
    """A process whose end is met by a signal: at first, or only when it is killed."""

    returncode = None

    def __init__(self, first: bool) -> None:
        self.first, self.waits = first, 0

    def send_signal(self, number: int) -> None:
        if self.first:
            raise ProcessLookupError

    def kill(self) -> None:
        raise ProcessLookupError

    async def wait(self) -> int:
        self.waits += 1
        if self.waits == 1 and not self.first:
            raise TimeoutError
        return 0


@pytest.mark.parametrize("first", [True, False])
def test_a_process_that_ends_while_it_is_stopped_is_stopped(tmp_path, first):
    process = Process("one", [], tmp_path / "log", lambda line: None)
    process._running = ending = Ending(first)
    asyncio.run(process.stop())
    assert ending.waits == (1 if first else 2)
    assert process._running is None
