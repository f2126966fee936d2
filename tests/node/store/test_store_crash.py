"""kill -9 of a process that uses its store, at random moments: what it was told stays true, nothing serves twice.

Two stores of two sites live in one child. It writes a line to a pipe after each verb has returned, never before; what
stands in the pipe when it dies is what was acknowledged.
"""

import contextlib
import hashlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from haris.keys.store import BlockShares, Fetch, PadAppend
from haris.node.store.store import open_store
from haris.nouns.assignments import Assignment
from haris.nouns.errors import HarisError, KeyNotFound, KeyUnavailable, PeerError
from haris.nouns.keys import Origin, Pedigree, Proof, StoredKey

N_KILLS = 12
KEK = bytes(range(32))
PEDIGREE = Pedigree(1e-9, Origin.MEASURED, Proof("t", "coherent", True))


def secret(number: int, n_octets: int = 32) -> bytes:
    return hashlib.shake_256(f"secret {number}".encode()).digest(n_octets)


def fetch(store, master, slave, key_ids):
    (outcome,) = store.serve([Fetch(master, slave, b"".join(key_id.bytes for key_id in key_ids))])
    if isinstance(outcome, HarisError):
        raise outcome
    return tuple(key for batch in outcome for key in batch.each())


def shares(number: int, peer: str) -> BlockShares:
    keys = tuple(StoredKey(UUID(int=(8 * number + n + 1) << 64), secret(8 * number + n), peer, "bank", PEDIGREE)
                 for n in range(8))  # fmt: skip
    pad = PadAppend("pad", secret(-number - 1, 1500), PEDIGREE)
    return BlockShares(number.to_bytes(16), "north", number, keys, (pad,))


def live(folder: Path) -> None:
    """The child: blocks in, pads and keys out, for ever."""
    bank, exchange = (open_store(folder / site, KEK, os.urandom) for site in ("bank", "exchange"))

    def say(*words: object) -> None:
        os.write(1, (" ".join(map(str, words)) + "\n").encode())

    for _, key_id in bank.assignments_in_doubt():
        bank.close_assignments([key_id], delivered=False)
    for void in bank.voids_owed("exchange"):
        exchange.void_assignments("bank", [void])
        bank.void_told("exchange", [void.key_id])
    for number in set(bank.blocks_in_doubt("north")) | set(exchange.blocks_in_doubt("north")):
        for store in (bank, exchange):  # either end may lack it, or have made it ready
            if bank.block_state(number) in ("pending", "ready") and exchange.block_state(number) in (
                "pending",
                "ready",
            ):
                store.ready_block(number)
            else:
                store.discard_block(number)
    while True:
        number = max(bank.last_block_number("north"), exchange.last_block_number("north")) + 1
        bank.hold_block(shares(number, "exchange"))
        exchange.hold_block(shares(number, "bank"))
        bank.ready_block(number.to_bytes(16))
        say("ready", number)
        exchange.ready_block(number.to_bytes(16))
        for _ in range(6):
            slice_ = bank.ledger_take("pad", 100)
            say("pad", slice_.offset, slice_.octets.hex())
            (key,) = bank.reserve("exchange", "bank", 1, "crash")
            word = Assignment(key.key_id, 256, (key.key_id,), "alice", ("bob",), PEDIGREE)
            bank.record_assignments("exchange", [word])
            exchange.accept_assignments("bank", [word])
            bank.close_assignments([key.key_id], delivered=True)
            say("enc", key.key_id, key.secret.hex())
            if random.random() < 0.7:
                (fetched,) = fetch(exchange, "alice", "bob", [key.key_id])
                say("dec", fetched.key_id, fetched.secret.hex())


def life(folder: Path, chance: random.Random) -> list[list[str]]:
    """One life of the child; returns what it told before kill -9. Some end while it opens its stores and settles."""
    child = subprocess.Popen([sys.executable, __file__, str(folder)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    read = b""
    if chance.random() < 0.75:
        read = b"".join(child.stdout.readline() for _ in range(chance.randrange(1, 40)))
        time.sleep(chance.uniform(0, 0.01))
    else:
        time.sleep(chance.uniform(0.1, 0.8))
    child.send_signal(signal.SIGKILL)
    lines = (read + child.stdout.read()).decode().splitlines()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL, "the child must die by our hand alone"
    return [line.split() for line in lines]


def test_kill_at_random_moments(tmp_path):
    chance = random.Random(20)
    told = [words for _ in range(N_KILLS) for words in life(tmp_path, chance)]
    taken = [words for words in told if words[0] == "enc"]
    fetched = [words for words in told if words[0] == "dec"]
    pads = [(int(offset), bytes.fromhex(octets)) for kind, offset, octets in (w for w in told if w[0] == "pad")]
    assert min(len(taken), len(fetched), len(pads)) > N_KILLS  # the lives did something

    # Each key was delivered once at each end, and the same; it is the key that was made.
    for deliveries in (taken, fetched):
        assert len({words[1] for words in deliveries}) == len(deliveries)
    secrets = {words[1]: words[2] for words in taken}
    assert len(set(secrets.values())) == len(secrets)
    assert all(secrets.get(words[1], words[2]) == words[2] for words in fetched)
    assert all(bytes.fromhex(hexed) == secret((UUID(name).int >> 64) - 1) for name, hexed in secrets.items())

    # No octet of a pad was taken twice.
    spans = sorted((offset, offset + len(octets)) for offset, octets in pads)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))

    bank, exchange = (open_store(tmp_path / site, KEK, os.urandom) for site in ("bank", "exchange"))
    # What was acknowledged is there: every ready block, every head, every delivered key at the other end, once.
    assert all(bank.block_state(int(words[1]).to_bytes(16)) == "ready" for words in told if words[0] == "ready")
    head, _ = bank.ledger_bounds("pad")
    assert head >= spans[-1][1]
    gone = {words[1] for words in fetched}
    late = 0
    for name, hexed in secrets.items():
        with contextlib.suppress(KeyNotFound):
            (key,) = fetch(exchange, "alice", "bob", [UUID(name)])
            assert name not in gone
            assert key.secret.hex() == hexed
            gone.add(name)
            late += 1
    # A fetch whose word was lost with its process spent its key: at most one a life.
    assert len(secrets.keys() - gone) <= N_KILLS
    assert late > 0
    # What the owner was told is spent never comes back from its pool.
    with contextlib.suppress(KeyUnavailable):
        while True:
            (key,) = bank.reserve("exchange", "bank", 1, "rest")
            assert str(key.key_id) not in secrets
            word = Assignment(key.key_id, 256, (key.key_id,), "alice", ("bob",), PEDIGREE)
            with contextlib.suppress(PeerError):
                exchange.accept_assignments("bank", [replace(word)])
    bank.close()
    exchange.close()


if __name__ == "__main__":
    live(Path(sys.argv[1]))
