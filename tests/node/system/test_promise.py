"""Outcomes that are told by plain calls."""

import asyncio

import pytest

from haris.node.supply.desk import kept
from haris.node.system.promise import Promise
from haris.nouns.errors import KeyUnavailable
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import Origin, Pedigree, Proof

PEDIGREE = Pedigree(1e-9, Origin.EMULATED, Proof("none", "none", finite=True))


def test_a_value_goes_through_the_steps_and_an_error_to_the_next_rescue():
    seen = []
    promise = Promise()
    promise.then(lambda value: value + 1).rescued(lambda error: 0).then(seen.append)
    promise.tell(1)
    broken = Promise()
    broken.then(lambda value: 1 // value).then(lambda value: "skipped").rescued(type).then(seen.append)
    broken.tell(0)
    failed = Promise()
    failed.then(lambda value: "skipped", lambda error: "mended").then(seen.append)
    failed.tell(KeyUnavailable("dry"))
    assert seen == [2, ZeroDivisionError, "mended"]


def test_an_error_that_nobody_takes_is_told(caplog):
    Promise().tell(ValueError("lost"))
    assert "lost" in caplog.text


async def test_who_waits_in_a_task_gets_the_keys_or_the_error():
    promise = Promise()
    waiting = asyncio.create_task(kept(promise))
    await asyncio.sleep(0)
    promise.tell(())
    assert await waiting == ()
    promise = Promise()
    waiting = asyncio.create_task(kept(promise))
    await asyncio.sleep(0)
    promise.tell(KeyUnavailable("dry"))
    with pytest.raises(KeyUnavailable, match="dry"):
        await waiting


async def test_keys_that_come_for_a_cancelled_task_are_wiped():
    keys = KeyBatch(bytes(16), bytearray(b"k" * 32), 256, PEDIGREE)
    promise = Promise()
    waiting = asyncio.create_task(kept(promise))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    promise.tell((keys,))
    assert not any(keys.secrets)
