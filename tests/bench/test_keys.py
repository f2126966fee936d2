"""The bench of keys: complete rows at a tiny scale, and a generator that accepts no wrong key."""

import asyncio
import json
import shutil
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest

from haris.bench import key_sites, keys, runner
from haris.bench.contest import Conditions
from haris.bench.goals import Goal, read_goals
from haris.bench.key_load import End, Load, Task
from haris.cli import bench
from haris.cli.main import main
from haris.node.http.listener import listen
from haris.node.http.messages import Response
from haris.node.pki.authority import make_laboratory
from haris.node.pki.mutual_tls import TlsFiles, server_context
from haris.node.store.store import open_store
from haris.node.supply.routes import Face, refused
from haris.nouns.errors import PeerError
from haris.nouns.key_batch import KeyBatch
from haris.wire.key_batch import write_key_batches

TINY = 0.0005


@pytest.mark.skipif(
    shutil.which(key_sites.NGINX) is None, reason="nginx is not installed (apt-get install nginx-light)"
)
def test_every_row_is_measured(tmp_path):
    goals = [goal for goal in read_goals() if goal.name == "keys"]
    rows = list(runner.measure(goals, Conditions(5, TINY, tmp_path), n_runs=1))
    assert [(row.setting, row.unit) for row in rows] == [(goal.setting, goal.unit) for goal in goals]
    assert rows[0].setting == "fsync of a page"
    assert all(row.ours > 0 and row.met is not None for row in rows)
    assert {row.setting for row in rows if row.peer is not None} == {"1 key a request"}
    assert not list(tmp_path.iterdir())


def test_without_nginx_the_row_is_missed_and_the_command_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(keys, "NGINX", "no-such-server")
    monkeypatch.setattr(keys, "_deliver", lambda *_: {"requests/s": 1.0, "keys/s": 1.0, "p99 ms": 1.0})
    arguments = ["bench", "keys", "--runs", "1", "--scale", str(TINY), "--folder", str(tmp_path)]
    assert main([*arguments, "--json"]) == 1
    out = capsys.readouterr()
    assert "not measured" in out.err
    (row,) = (row for row in json.loads(out.out) if row["unit"] == "requests/s")
    assert "nginx is not installed" in row["peer_name"]
    assert main(arguments) == 1
    assert "0.25 of peer (not measured)" in capsys.readouterr().out
    assert bench.N_RUNS > 1


def test_goals_of_every_sense():
    goal = Goal("keys", "x", "ms", 5.0, "none: nobody")
    assert (goal.met(5.0, None), goal.met(4.9, None)) == (True, False)
    assert (replace(goal, sense="at most").met(5.0, None), replace(goal, sense="at most").met(5.1, 1.0)) == (
        True,
        False,
    )
    share = replace(goal, sense="of peer", goal=0.25)
    assert [share.met(1.0, peer) for peer in (4.0, 4.1, None)] == [True, False, None]


def test_stock_is_the_same_at_both_sites(tmp_path):
    key_sites.two_sites(tmp_path)
    key_sites.preload(tmp_path, 300, np.random.default_rng(1))
    found = {}
    for name, peer in (("east", "west"), ("west", "east")):
        store = open_store(tmp_path / f"{name}.store", (tmp_path / f"{name}.kek").read_bytes(), bytes)
        assert store.count_ready(peer, name) == store.count_ready(peer, peer) == 300
        found[name] = store.reserve(peer, "east", 300, "test")
        store.close()
    assert [(k.key_id, k.secret) for k in found["east"]] == [(k.key_id, k.secret) for k in found["west"]]


def container(*numbers, secret=7):
    batch = KeyBatch(
        b"".join(UUID(int=n).bytes for n in numbers), bytearray([secret]) * 32 * len(numbers), 256, key_sites.PEDIGREE
    )
    return bytes(write_key_batches([batch]))


@contextmanager
def answering(tmp_path, enc, dec):
    """A key manager whose answers are given: enc and dec make the response of a request."""
    make_laboratory(tmp_path, ["kme"], ["sae"], [], datetime.now(UTC))
    files = TlsFiles(*(tmp_path / name for name in ("kme.crt", "kme.key", "ca.crt")))
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def serve():
        routes = {"/enc": {"GET": enc}, "/dec": {"GET": dec, "POST": dec}}
        listener = await listen(Face(routes, print), refused, server_context(files), "127.0.0.1", 0)
        ready.port, ready.stop = listener.port, asyncio.Event()
        ready.set()
        await ready.stop.wait()
        await listener.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        names = [str(tmp_path / name) for name in ("sae.crt", "sae.key", "ca.crt")]
        yield [End("127.0.0.1", ready.port, *names, path) for path in ("/enc", "/dec")]
    finally:
        loop.call_soon_threadsafe(ready.stop.set)
        thread.join()
        loop.close()


@pytest.mark.parametrize("n_keys", [1, 3])
def test_the_generator_counts_equal_keys(tmp_path, n_keys):
    drawn = []

    def enc(request):
        drawn.append(container(*range(len(drawn) * 10, len(drawn) * 10 + n_keys)))
        return Response(drawn[-1])

    def dec(request):
        asked = [e["key_ID"] for e in json.loads(request.body)["key_IDs"]] if request.body else [request.query[0][1]]
        return Response(next(body for body in drawn if asked[0].encode() in body))

    with answering(tmp_path, enc, dec) as ends:
        result = Load(Task(*ends, n_requests=20, n_keys=n_keys, n_connections=3)).run()
    assert (result.n_keys, len(result.latencies_s)) == (20 * n_keys, 20)
    assert 0 < result.drawn_s <= result.elapsed_s


@pytest.mark.parametrize(
    ("enc", "dec", "text"),
    [
        (container(1), container(1), "delivered twice"),
        (container(1), container(1, secret=8), "different keys"),
        (container(1), container(2), "different keys"),
        (container(1), b'{"keys":[]}', "different keys"),
        (None, container(1), "503"),
        (container(1), None, "503"),
    ],
)
def test_the_generator_takes_no_wrong_key(tmp_path, enc, dec, text):
    def answer(body):
        return lambda request: refused(503, "dry") if body is None else Response(body)

    with answering(tmp_path, answer(enc), answer(dec)) as ends, pytest.raises(PeerError, match=text):
        Load(Task(*ends, n_requests=4, n_keys=1, n_connections=2)).run()
