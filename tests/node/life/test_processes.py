"""Who leads and who lives, among processes that share a store."""

import asyncio
import threading

import pytest

from haris.node.life import processes
from haris.node.store.processes import TakenForDead
from haris.nouns.errors import StoreError


class Store:
    def __init__(self, *answers):
        self.answers = list(answers)

    def next(self):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def lead(self, task, for_s):
        assert (task, for_s) == ("spans", processes.LEAD_S)
        return self.next()

    def beat(self):
        return self.next()


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(processes, "BEAT_S", 0.01)
    monkeypatch.setattr(processes, "LEAD_S", 0.08)


async def follow(store, until):
    log = []

    async def work():
        log.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            log.append("ended")

    task = asyncio.create_task(processes.lead(store, "spans", work))
    async with asyncio.timeout(10):
        while log != until:
            await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return log


async def test_who_leads_works_and_who_does_not_stands_by():
    assert await follow(Store(False, True), ["begun"]) == ["begun", "ended"]


async def test_who_leads_no_more_stops():
    assert await follow(Store(True, False), ["begun", "ended"]) == ["begun", "ended"]


async def test_a_leader_without_its_store_stops_before_another_may_lead():
    assert await follow(Store(True, StoreError("away")), ["begun", "ended"]) == ["begun", "ended"]


async def test_work_that_fails_is_told():
    async def work():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await processes.lead(Store(True), "spans", work)


async def test_what_a_dead_process_left_is_settled_and_one_taken_for_dead_ends():
    alarms, settled, ended = [], [], []
    store = Store((), StoreError("away"), ("two",), TakenForDead("taken for dead"))
    await processes.stay_alive(store, lambda: settled.append(1), alarms.append, lambda: ended.append(1))
    assert (settled, ended) == ([1], [1])
    assert [alarm.source for alarm in alarms] == ["process two", "store"]


async def test_a_leader_whose_store_does_not_answer_stops_before_another_may_lead():
    class Slow(Store):
        answered = threading.Event()

        def lead(self, task, for_s):
            if len(self.answers) == 1:
                assert self.answered.wait(10)
            return super().lead(task, for_s)

    log = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            log.append("ended")

    store = Slow(True, False)
    task = asyncio.create_task(processes.lead(store, "spans", work))
    async with asyncio.timeout(10):
        while not log:
            await asyncio.sleep(0.005)
    assert not store.answered.is_set()
    store.answered.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
