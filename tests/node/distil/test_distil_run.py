"""Whole runs: two processes in some tests, two ends in one event loop where the test wants to see between them."""

import asyncio
import itertools
import socket
import stat

import pytest
from small_light import LINK, SEED, raw_key_files, record, with_pulses

from haris.node.distil.desk import DEPTH, Desk, Finish, Outcome
from haris.node.distil.folder import NewFolder, open_folder
from haris.node.distil.halves import Given, origin_of
from haris.node.distil.light import emulated
from haris.node.distil.party import Party, Plan
from haris.node.distil.run import Source, run
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import Origin
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.quantum.distill.transcript import Sender
from haris.report.distillation import figures
from haris.wire.distillation import Limits


def source_of(folder):
    found = open_folder(folder)
    return Source(found.link, origin_of(found.header), found.paths, raw=found.header is None)


def test_both_ends_store_the_same_keys_and_an_aborted_block_is_an_outcome_among_others(tmp_path):
    with NewFolder(tmp_path / "r", LINK, Origin.EMULATED, bytes(16)) as recorder:
        for eve in (0.0, 1.0, 0.0):
            for block in emulated(LINK, 1, SEED + str(eve).encode(), InterceptResend(eve)):
                recorder.write(*block)
    result = run(source_of(tmp_path / "r"), tmp_path / "out")
    alice, bob = (tmp_path / "out" / name for name in ("alice.key", "bob.key"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["alice.key", "bob.key"]
    assert stat.S_IMODE(alice.stat().st_mode) == stat.S_IMODE(bob.stat().st_mode) == 0o600
    assert alice.read_bytes() == bob.read_bytes()
    assert 8 * len(alice.read_bytes()) == result.secret_bits == sum(o.secret_bits for o in result.kept) > 0
    assert [outcome.number for outcome in result.kept] == [0, 2]
    assert [(outcome.number, outcome.reason) for outcome in result.aborted] == [(1, AbortReason.QBER)]
    shown = figures(source_of(tmp_path / "r"), result)
    assert shown["haris_origin"] == "emulated"
    assert 0.001 < shown["qber_key"] < 0.01
    assert shown["f"] < shown["f_strict"]
    assert shown["stages"]["bob"]["reconcile"]["cpu_s"] > 0


def test_live_light_is_distilled_as_it_shines_and_recorded_light_gives_the_same_blocks(tmp_path):
    live = run(Source(LINK, Origin.EMULATED, light=emulated(LINK, 2, SEED)))
    stored = run(source_of(record(tmp_path / "r", 2)))
    assert len(live.kept) == len(stored.kept) == 2
    assert [o.clicks for o in live.kept] == [o.clicks for o in stored.kept]


def test_raw_keys_give_keys_that_say_what_they_lack(tmp_path):
    source = source_of(raw_key_files(tmp_path / "lab", 2, 400_000))
    result = run(source)
    assert len(result.kept) == 2
    shown = figures(source, result)
    assert (shown["haris_origin"], shown["haris_epsilon"]) == ("vendor", None)
    assert "three states" in shown["haris_epsilon_reason"]
    assert shown["haris_proof"]["theorem"].startswith("none")


@pytest.mark.parametrize("half", ["alice.pulses", "bob.tags"])
def test_damage_in_the_last_block_leaves_no_key_at_all(tmp_path, half):
    path = record(tmp_path / "r", 2) / half
    octets = bytearray(path.read_bytes())
    octets[-65] ^= 1
    path.write_bytes(octets)
    with pytest.raises(ParameterError, match=rf"{half}: block 1 at octet \d+: the block is damaged: checksum"):
        run(source_of(tmp_path / "r"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_halves_of_different_numbers_of_blocks_are_refused(tmp_path):
    (tmp_path / "r").mkdir()
    one, two = record(tmp_path / "one", 1, with_pulses(2000)), record(tmp_path / "two", 2, with_pulses(2000))
    (one / "bob.tags").rename(tmp_path / "r" / "bob.tags")
    for name in ("alice.pulses", "link.toml"):
        (two / name).rename(tmp_path / "r" / name)
    with pytest.raises(ParameterError, match="bob's half ends after 1 blocks, alice's has 2"):
        run(source_of(tmp_path / "r"))


async def test_a_message_that_no_peer_would_take_is_told_as_the_inputs_fault(monkeypatch):
    monkeypatch.setattr("haris.node.distil.party.LIMITS", Limits(message_octets=1000))
    rig = Rig(1, with_pulses(20_000))
    with pytest.raises(BaseExceptionGroup) as caught:
        await rig.run()
    assert caught.group_contains(ParameterError, match=r"block 0 takes a message of \d+ octets; at most 1000", depth=1)


def test_keys_of_an_earlier_run_are_not_overwritten(tmp_path):
    (tmp_path / "alice.key").write_bytes(b"old")
    with pytest.raises(ParameterError, match=r"alice\.key: exists already"):
        run(Source(LINK, Origin.EMULATED, light=emulated(LINK, 1, SEED)), tmp_path)
    assert (tmp_path / "alice.key").read_bytes() == b"old"


class Rig:
    """Both ends in this process, with everything between them in view. tamper: octets in, octets out, of Bob's."""

    def __init__(self, n_blocks, link=LINK, tamper=None):
        self.desk = Desk(lambda n: next(self.drawn).to_bytes(n, "big"))
        self.drawn = itertools.count(1)
        self.orders = [asyncio.Queue(), asyncio.Queue()]
        self.begun, self.decided, self.most_open = [0, 0], 0, 0
        self.keys = [[], []]
        self.verdicts = []
        self.link, self.n_blocks, self.tamper = link, n_blocks, tamper

    def given(self, role):
        for number, block in enumerate(emulated(self.link, self.n_blocks, SEED)):
            self.begun[role] += 1
            self.most_open = max(self.most_open, self.begun[role] - self.decided)
            yield Given(number, block[role], self.link.agreement())

    def say(self, role):
        loop = asyncio.get_running_loop()
        return lambda told: loop.call_soon(self.take, role, told)

    def take(self, role, told):
        for verdict, pads, outcome in self.desk.take(role, told):
            self.decided += 1
            self.verdicts.append((verdict.keep, outcome.reason))
            self.order(verdict)
            self.order(pads)
        if self.desk.done:
            self.order(Finish())

    def order(self, order):
        for queue in self.orders:
            queue.put_nowait(order)

    async def run(self):
        for pads in self.desk.opening():
            self.order(pads)
        ends = [socket.socketpair(), socket.socketpair()]
        between = [await asyncio.open_connection(sock=pair[1]) for pair in ends]
        copies = [
            asyncio.create_task(self.copy(between[Sender.BOB][0], between[Sender.ALICE][1], self.tamper)),
            asyncio.create_task(self.copy(between[Sender.ALICE][0], between[Sender.BOB][1], None)),
        ]
        parties, writers = [], [writer for _, writer in between]
        for role in Sender:
            plan = Plan(role, self.link, bytes(16), None, False, None)
            party = Party(plan, self.given(role), self.say(role), self.orders[role].get, self.keys[role].append)
            reader, writer = await asyncio.open_connection(sock=ends[role][0])
            writers.append(writer)
            parties.append(asyncio.create_task(party.run(reader, writer)))
        try:
            await asyncio.gather(*parties)
        finally:
            for task in (*parties, *copies):
                task.cancel()
            await asyncio.gather(*parties, *copies, return_exceptions=True)
            for writer in writers:
                writer.close()
                await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    async def copy(self, reader, writer, tamper):
        while head := await reader.readexactly(13):
            octets = await reader.readexactly(int.from_bytes(head[9:], "big"))
            writer.write(head + (octets if tamper is None else tamper(head[8], octets)))


async def test_no_more_blocks_are_open_than_there_are_places_however_many_there_are():
    for n_blocks in (4, 20):
        rig = Rig(n_blocks, with_pulses(20_000))
        await rig.run()
        assert rig.begun == [n_blocks, n_blocks]
        assert rig.decided == n_blocks
        assert rig.most_open == DEPTH


async def test_both_ends_keep_the_same_keys_in_the_same_order():
    rig = Rig(4)
    await rig.run()
    assert [keep for keep, _ in rig.verdicts] == [True] * 4
    assert rig.keys[0] == rig.keys[1]
    assert len(set(rig.keys[0])) == 4


@pytest.mark.parametrize("kind", ["tag", "message"])
async def test_a_tampering_channel_costs_blocks_and_never_gives_different_keys(kind):
    seen = itertools.count()

    def tamper(frame, octets):
        if frame == 1 and kind == "tag":
            return bytes(16)
        if frame == 0 and kind == "message" and next(seen) % 5 == 3:
            return octets[:-1] + bytes([octets[-1] ^ 1])
        return octets

    rig = Rig(3, tamper=tamper)
    await rig.run()
    assert rig.keys == [[], []]
    assert len(rig.verdicts) == 3
    reasons = {reason for _, reason in rig.verdicts}
    assert reasons <= {AbortReason.AUTHENTICATION, AbortReason.PEER, AbortReason.VERIFICATION, AbortReason.QBER}
    assert kind == "message" or reasons == {AbortReason.AUTHENTICATION}


async def test_a_peer_that_talks_out_of_turn_is_refused_before_it_fills_the_memory():
    reader = asyncio.StreamReader()
    reader.feed_data(bytes(13 * 100))  # heads of empty messages of block 0
    reader.feed_eof()

    async def finish_when_all_is_read():
        while not reader.at_eof():
            await asyncio.sleep(0)
        return Finish()

    plan = Plan(Sender.ALICE, LINK, bytes(16), None, False, None)
    party = Party(plan, iter(()), lambda told: None, finish_when_all_is_read, lambda key: None)
    with pytest.raises(PeerError, match=r"block 0.* 4 "):
        await party.run(reader, None)


def test_a_reason_shows_no_secret():
    assert "digest" not in repr(Outcome(0, digest=b"secret"))
