"""Who is served when more wait than one transaction serves."""

import asyncio
import threading
from collections import Counter

import pytest

from haris.keys.store import Take
from haris.node.supply.desk import MAX_BATCH, KeyDesk, kept
from haris.nouns.errors import StoreError


class SlowStore:
    """Serves a batch when it is told to."""

    def __init__(self):
        self.batches = []
        self.go = threading.Semaphore(0)

    def serve(self, requests):
        self.go.acquire()
        self.batches.append(list(requests))
        return [() for _ in requests]


async def asked(desk, request):
    return await kept(desk.ask(request))


@pytest.fixture
async def desk():
    store = SlowStore()
    desk = KeyDesk(store, lambda master, slave: 6 if master == "vip" else 2)
    yield desk, store
    for _ in range(100):
        store.go.release()
    desk.close()


async def test_who_floods_the_desk_delays_nobody_else_and_priority_goes_first(desk):
    desk, store = desk
    first = asyncio.create_task(asked(desk, Take("greedy", "x", 1)))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(asked(desk, Take("greedy", "x", 1))) for _ in range(900)]
    await asyncio.sleep(0)
    waiting += [asyncio.create_task(asked(desk, Take("modest", "x", 1))) for _ in range(60)]
    waiting += [asyncio.create_task(asked(desk, Take("vip", "x", 1))) for _ in range(60)]
    await asyncio.sleep(0)
    for _ in range(10):
        store.go.release()
    await asyncio.gather(first, *waiting)
    assert [len(batch) for batch in store.batches][:3] == [1, MAX_BATCH, MAX_BATCH]
    served = Counter(take.master for take in store.batches[1])
    assert served["vip"] == 60
    assert served["modest"] == 60
    assert sum(len(batch) for batch in store.batches) == 1021


async def test_few_are_served_together_in_the_order_in_which_they_came(desk):
    desk, store = desk
    first = asyncio.create_task(asked(desk, Take("a", "x", 1)))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(asked(desk, Take(sae, "x", 1))) for sae in ("b", "vip", "a", "b")]
    await asyncio.sleep(0)
    for _ in range(3):
        store.go.release()
    await asyncio.gather(first, *waiting)
    assert [[take.master for take in batch] for batch in store.batches] == [["a"], ["b", "vip", "a", "b"]]


async def test_a_fault_of_ours_fails_its_batch_and_does_not_stop_the_desk(desk, caplog):
    desk, store = desk
    serve = store.serve
    store.serve = lambda requests: 1 // 0
    async with asyncio.timeout(10):
        with pytest.raises(StoreError, match="could not serve"):
            await asked(desk, Take("a", "x", 1))
        assert "ZeroDivisionError" in caplog.text
        store.serve = serve
        store.go.release()
        assert await asked(desk, Take("a", "x", 1)) == ()


async def test_who_is_served_while_the_desk_closes_gets_the_keys_and_who_waits_an_error():
    store = SlowStore()
    desk = KeyDesk(store)
    first = asyncio.create_task(asked(desk, Take("a", "x", 1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = [asyncio.create_task(asked(desk, Take("b", "x", 1))) for _ in range(MAX_BATCH + 1)]
    await asyncio.sleep(0)
    store.go.release()
    desk.close()
    async with asyncio.timeout(10):
        assert await first == ()
        for each in late:
            with pytest.raises(StoreError, match="closed"):
                await each
        with pytest.raises(StoreError, match="closed"):
            await asked(desk, Take("c", "x", 1))
