"""A span fed by a maker's boxes: honest, stalling, and lying in each way; keys are lost, never in disagreement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from source_rig import Pair, PairBox, SourceRig, with_entry

from haris.crypto.wegman_carter import verify
from haris.keys import quarantine
from haris.keys.vendor import SourceKey
from haris.node.sources.maker import LEAST_OCTETS
from haris.node.spans.channel import SpanChannel
from haris.nouns.errors import KeyUnavailable, StoreError
from haris.wire import span, vendor


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SourceRig]:
    rig = SourceRig(tmp_path)
    yield rig
    rig.close()


async def test_honest_boxes_fill_pools_and_ledgers_alike(rig: SourceRig) -> None:
    pair = Pair()
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(rig.full)
        await rig.until(lambda: len(rig.blocks("a")) == len(rig.blocks("b")))
    assert all(event.aborted is None for event in rig.blocks("a") + rig.blocks("b"))
    assert rig.alarms() == []
    (key,) = rig.stores["a"].reserve("b", "a", 1, "test")
    pedigree = key.pedigree
    assert pedigree.origin == "vendor"
    assert pedigree.epsilon is None
    assert "box (Acme Q1) states none" in pedigree.epsilon_reason
    assert pedigree.proof.theorem == "as stated by the maker"
    rig.stores["b"].reserve("a", "a", 1, "test")
    assert rig.require_same() == 2 * rig.targets.n_keys - 1
    assert pair.burnt == {f"key-{i:06}" for i in range(len(pair.burnt))}  # both ends told their boxes what is used


async def test_what_the_maker_states_adds_up_over_the_block(rig: SourceRig) -> None:
    rig.entry, pair = with_entry(stated_epsilon=1e-10), Pair()
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(rig.full)
    (key,) = rig.stores["a"].reserve("b", "a", 1, "test")
    n_keys = pair.n_given // len(rig.blocks("a"))
    assert key.pedigree.epsilon is not None
    assert 1e-10 * n_keys / 2 < key.pedigree.epsilon < 1e-10 * pair.n_given * 1.01


async def test_a_box_of_another_key_size_and_a_limit_on_its_rate(tmp_path: Path) -> None:
    entry = with_entry(key_bits=1024, max_keys_per_s=400.0)
    rig, pair = SourceRig(tmp_path, entry), Pair(key_octets=128)
    async with rig.running(PairBox(pair), PairBox(pair)):
        began = asyncio.get_running_loop().time()
        await rig.until(rig.full)
        lasted_s = asyncio.get_running_loop().time() - began
    assert pair.n_given <= 400 * (lasted_s + 1)
    rig.require_same()
    rig.close()


def drop(position: int) -> Callable[[list[SourceKey]], list[SourceKey]]:
    return lambda keys: keys[:position] + keys[position + 1 :]


def change(position: int, **fields: object) -> Callable[[list[SourceKey]], list[SourceKey]]:
    return lambda keys: [
        *keys[:position],
        replace(keys[position], **{name: f(keys) if callable(f) else f for name, f in fields.items()}),
        *keys[position + 1 :],
    ]


LIES = {
    "wrong size": change(3, secret=b"\x01\x02\x03" * 8),
    "repeated key_ID": change(3, name=lambda keys: keys[0].name),
    "more keys than asked for": lambda keys: [*keys, SourceKey("extra", bytes(range(32)))],
    "not random: key": change(3, secret=bytes(32)),
    "repeats itself": change(3, secret=b"0123456789abcdef" * 2),
    "not random: one answer holds the same key": change(3, secret=lambda keys: keys[0].secret),
    "far from balance": lambda keys: [SourceKey(k.name, bytes(b | 0x55 for b in k.secret)) for k in keys],
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("where", ["a", "b"])
async def test_a_lying_box_is_quarantined_where_it_lies(rig: SourceRig, lie: str, where: str) -> None:
    pair = Pair()
    if where == "a":
        pair.at_alice = LIES[lie]
    else:
        pair.at_bob = LIES[lie]
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: rig.states(where) == ["quarantined"])
        given = pair.n_given
        await asyncio.sleep(0.2)
        if where == "a":
            assert pair.n_given == given  # it is not even asked
    assert any(lie in text and "quarantine" in text for text in rig.alarms())
    assert not any(event.aborted is None for event in rig.blocks())
    assert rig.require_same() == 0


async def test_a_box_that_gives_few_keys_at_once_and_stutters_is_asked_for_the_rest(rig: SourceRig) -> None:
    pair, answers = Pair(), iter(range(10**6))
    pair.at_once = 7

    def at_bob(keys: list[SourceKey]) -> list[SourceKey]:
        if next(answers) % 3 == 1:
            raise KeyUnavailable("not now")
        return keys

    pair.at_bob = at_bob
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: len(rig.blocks("a")) > 0)
    assert rig.blocks("a")[0].aborted is None
    rig.require_same()


async def test_other_keys_than_named_are_a_lie(rig: SourceRig) -> None:
    pair = Pair()
    pair.at_bob = change(2, name="another")
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: rig.states("b") == ["quarantined"])
    assert any("other keys than named" in text for text in rig.alarms())


async def test_ends_that_differ_are_quarantined_at_both_and_stay_so(rig: SourceRig) -> None:
    pair = Pair()
    pair.at_bob = change(5, secret=lambda keys: bytes([keys[5].secret[0] ^ 1]) + keys[5].secret[1:])
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: rig.states("a") == rig.states("b") == ["quarantined"])
    assert [event.aborted for event in rig.blocks("a")] == ["source"]
    assert sum("ends differ" in text for text in rig.alarms()) == 2
    assert rig.require_same() == 0

    rig.reopen()  # a restart does not forget
    rig.events.clear()
    pair.at_bob = lambda keys: keys
    async with rig.running(PairBox(pair), PairBox(pair)):
        assert rig.states("a") == rig.states("b") == ["quarantined"]
        await asyncio.sleep(0.2)
        assert not rig.blocks("a")
        for site in "ab":
            rig.release(site).write_text("Omar: the box was replaced\n")
        await rig.until(rig.full)
    assert not rig.release("a").exists()
    assert any("released from quarantine by Omar: the box was replaced" in text for text in rig.alarms())
    assert rig.require_same() == 2 * rig.targets.n_keys


async def test_a_changed_offer_is_the_channels_fault_and_never_the_boxes(
    rig: SourceRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt: list[bytes] = []

    def spoil(octets: bytes, tag: bytes, pad: bytes) -> bool:
        if octets.startswith((b"haris vendor keys", b"bharis vendor", b"aharis vendor")) and len(spoilt) < 2:
            spoilt.append(tag)  # somebody flips a bit of the offer's tag, and Bob's answer thereby differs
            return False
        return verify(octets, tag, pad)

    monkeypatch.setattr("haris.node.spans.authentication.verify", spoil)
    pair = Pair()
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(rig.full)
    assert len(spoilt) == 2
    assert rig.states("a") == rig.states("b") == []
    assert any("tampered" in text for text in rig.alarms())
    rig.require_same()


async def test_a_key_that_comes_twice_is_a_lie_after_a_restart_too(rig: SourceRig) -> None:
    pair = Pair()
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(rig.full)
    rig.reopen()
    rig.events.clear()
    rig.stores["a"].reserve("b", "a", 40, "test")
    rig.stores["b"].reserve("a", "a", 40, "test")
    pair.n_given = 0
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: rig.states("a") == ["quarantined"])
    assert any("given before, first key-000000" in text for text in rig.alarms())


async def test_an_offer_of_keys_drawn_before_does_not_touch_the_box(rig: SourceRig) -> None:
    """Anybody on the channel can replay an offer: it must cost neither keys nor the box's standing."""
    pair = Pair()
    rig.stores["b"].note_names("box", [f"key-{i:06}" for i in range(2000)])
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: any(event.aborted == "source" for event in rig.blocks("b")))
    assert "drawn before" in rig.blocks("b")[0].detail
    assert "quarantined" not in rig.states("b")
    assert len(pair.kept) == pair.n_given


async def test_a_stall_raises_one_alarm_and_ends_when_keys_flow(rig: SourceRig) -> None:
    pair = Pair(n_keys=0)
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: rig.states("a") == ["stalled"])
        await asyncio.sleep(0.3)
        assert len(rig.alarms()) == 1
        assert "the box is empty" in rig.alarms()[0]
        assert not rig.blocks()
        pair.left = 10**6
        await rig.until(rig.full)
        while rig.states("a") != ["stalled", "sound"]:
            for owner in "ab":
                rig.stores["a"].reserve("b", owner, rig.stores["a"].count_ready("b", owner), "test")
            await asyncio.sleep(0.1)
    assert any("gives keys again" in text for text in rig.alarms())


async def test_what_a_full_store_did_not_note_is_not_lost(rig: SourceRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A box gives each key once: what it gave while the disk was full is used when there is room again."""
    pair, store, n_full = Pair(), rig.stores["a"], 3
    note = store.note_names

    def note_names(source: str, names: Sequence[str]) -> tuple[str, ...]:
        nonlocal n_full
        n_full -= 1
        if n_full >= 0:
            raise StoreError("the disk is full")
        return note(source, names)

    monkeypatch.setattr(store, "note_names", note_names)
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(rig.full)
    assert n_full < 0
    assert "key-000000" in pair.burnt  # the first that was given was used, too
    rig.require_same()


async def test_a_box_that_cannot_be_opened_burns_no_pad(rig: SourceRig) -> None:
    pair = Pair()
    pair.n_shut = 6
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(rig.full)
    assert sum("span connected" in str(event) for event in rig.events) == 2  # one meeting, seen by each end
    rig.require_same()


async def test_a_trickle_is_no_stall_and_is_gathered_until_it_is_worth_its_tags(rig: SourceRig) -> None:
    pair = Pair(n_keys=1)
    async with rig.running(PairBox(pair), PairBox(pair)):
        for _ in range(LEAST_OCTETS // 32):
            assert not rig.blocks("a")
            await rig.until(lambda: pair.left == 0)
            pair.left = 1
        await rig.until(lambda: len(rig.blocks("a")) == 1)
    assert rig.blocks("a")[0].secret_bits >= 8 * LEAST_OCTETS


async def test_a_dead_box_at_the_other_end_costs_single_keys(rig: SourceRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haris.node.sources.maker.PAIRING_S", 0.05)
    pair, dead = Pair(), True

    def at_bob(keys: list[SourceKey]) -> list[SourceKey]:
        if dead:
            raise KeyUnavailable("the box is off")
        return keys

    pair.at_bob = at_bob
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: "stalled" in rig.states("b"))
        drawn = pair.n_given
        failed = len(rig.blocks("a"))
        await rig.until(lambda: len(rig.blocks("a")) >= failed + 2)
        assert pair.n_given <= drawn + 2  # what the first offer cost was drawn before; now single keys
        dead = False
        await rig.until(rig.full)
    assert "quarantined" not in rig.states("a") + rig.states("b")
    assert any(event.aborted == "source" and "the box is off" in event.detail for event in rig.blocks("a"))
    rig.require_same()


@pytest.mark.parametrize("n_sent", range(1, 7))
@pytest.mark.parametrize("alice", [True, False])
async def test_a_crash_at_any_message_costs_keys_at_most(
    rig: SourceRig, monkeypatch: pytest.MonkeyPatch, n_sent: int, alice: bool
) -> None:
    """The connection breaks for good at a message of the first blocks; both sites start anew from their stores."""
    counted, send = [0], SpanChannel.send

    async def break_at(channel: SpanChannel, message: span.Message) -> None:
        kinds = (span.Begin, span.Distil, span.Confirm) if alice else (span.Distil, span.Confirm, span.Held)
        if counted[0] >= 0 and isinstance(message, kinds) and is_by_alice(message) is alice:
            counted[0] += 1
            if counted[0] >= n_sent:
                raise ConnectionError("killed")
        await send(channel, message)

    confirms = [0]

    def is_by_alice(message: span.Message) -> bool:
        if isinstance(message, span.Distil):
            return isinstance(vendor.decode(message.body), vendor.Offer)
        if isinstance(message, span.Confirm):  # Bob's comes first
            confirms[0] += 1
            return confirms[0] % 2 == 0
        return isinstance(message, span.Begin)

    monkeypatch.setattr(SpanChannel, "send", break_at)
    pair = Pair()
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(lambda: counted[0] >= n_sent)
        await asyncio.sleep(0.05)
    counted[0] = -1
    rig.reopen()
    async with rig.running(PairBox(pair), PairBox(pair)):
        await rig.until(rig.full)
        await rig.until(lambda: not any(store.blocks_in_doubt("ab") for store in rig.stores.values()))
    assert rig.require_same() >= 2 * rig.targets.n_keys
    assert "quarantined" not in rig.states("a") + rig.states("b")


async def test_sites_that_expect_other_keys_do_not_meet(rig: SourceRig) -> None:
    server = await rig.span("b", PairBox(Pair()), with_entry(key_bits=512)).listen(("127.0.0.1", 0))
    caller = asyncio.create_task(rig.span("a", PairBox(Pair())).connect(server.sockets[0].getsockname()[:2]))
    await rig.until(lambda: any("another LINK.toml or source" in getattr(event, "detail", "") for event in rig.events))
    caller.cancel()
    server.close()
    await asyncio.gather(caller, return_exceptions=True)


def test_five_stalls_within_a_day_are_a_lie() -> None:
    standing, minute = quarantine.Standing(), 60 * 10**9
    for stall in range(1, quarantine.STALLS_TO_QUARANTINE + 1):
        now_ns = 10**18 + stall * minute
        standing, alarm = quarantine.dry(standing, "box", "silence", 61.0, 60.0, now_ns)
        assert alarm is not None
        quarantined = stall == quarantine.STALLS_TO_QUARANTINE
        assert standing.state == ("quarantined" if quarantined else "stalled")
        for _ in range(quarantine.GOOD_DRAWS):
            standing, _ = quarantine.gave(standing, "box", now_ns)
    assert "stalls again and again" in standing.reason
