"""A cancelled caller must not leave work behind that still runs."""

import asyncio
import threading

import pytest

from haris.node.system.threads import finish_in_thread


async def test_the_result_and_the_error_of_the_work_reach_the_caller() -> None:
    assert await finish_in_thread(divmod, 7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        await finish_in_thread(divmod, 7, 0)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_caller_cancelled_twice_leaves_when_the_work_has_ended(fails: bool) -> None:
    may_end, ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait(5)
        ended.set()
        if fails:
            raise ValueError("nobody is left to be told")

    caller = asyncio.create_task(finish_in_thread(work))
    await asyncio.sleep(0.05)
    for _ in range(2):
        caller.cancel()
        await asyncio.sleep(0.05)
        assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()
