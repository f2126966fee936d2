"""ETSI GS QKD 004 between two key managers: every call, every status, both dialects, crashes and races."""

import asyncio
import json
import socket
import ssl
import time
from dataclasses import replace
from uuid import UUID

import pytest
from kme_lab import MEASURED, Authority
from stream_lab import StreamLab

from haris.keys.stream_terms import StreamLimits, owner_site
from haris.keys.streams import StreamOwner
from haris.node.pki.mutual_tls import server_context
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.nouns.keys import Origin
from haris.wire.etsi004 import FIXED, HEADER_OCTETS, NO_STREAM, TERMINATED, GetKey, OpenConnect, QoS, Status
from haris.wire.etsi004_octets import read_answer, read_header, write_request

QOS = QoS(32, 40000, 5000, 10, 1, 200, 3600, "application/json")
BANKS, EXCHANGES = UUID(int=2), UUID(int=3)  # owned by the bank, and by the exchange
A, B = "qkd://alice@bank.example", "qkd://bob@exchange.example"


@pytest.fixture
async def lab(tmp_path):
    lab = StreamLab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    for owner, peer in (("bank", "exchange"), ("exchange", "bank")):
        lab.seed(owner, peer, 40)
    yield lab
    await lab.close()


async def opened(alice, bob, qos=QOS, name=BANKS):
    """Both ends join one stream at the same time; on a busy machine the first may give up waiting before."""
    answers = await asyncio.gather(alice.open_connect(A, B, qos, name), bob.open_connect(B, A, qos, name))
    assert Status.SUCCESSFUL in [answer.status for answer in answers]
    assert {answer.status for answer in answers} <= {Status.SUCCESSFUL, Status.PEER_NOT_CONNECTED}
    assert {answer.key_stream_id for answer in answers} == {name}


def test_the_owner_is_the_one_that_the_last_bit_names():
    assert owner_site(BANKS, "exchange", "bank") == owner_site(BANKS, "bank", "exchange") == "bank"
    assert owner_site(EXCHANGES, "exchange", "bank") == "exchange"


@pytest.mark.parametrize("name", [BANKS, EXCHANGES])
@pytest.mark.parametrize("framing", [FIXED, TERMINATED])
async def test_both_ends_take_the_same_chunks_in_order(lab, name, framing):
    async with lab.client("alice", "bank", framing) as alice, lab.client("bob", "exchange", TERMINATED) as bob:
        await opened(alice, bob, name=name)
        for index in range(4):
            first, second = (alice, bob) if index % 2 else (bob, alice)
            one, other = await first.get_key(name), await second.get_key(name)
            assert one.status is other.status is Status.SUCCESSFUL
            assert (one.index, one.key) == (other.index, other.key) == (index, one.key)
            assert len(one.key) == 32
            metadata = json.loads(other.metadata)
            assert metadata["hops"] == 1
            assert 0 <= metadata["age"] < 60_000
            assert metadata["haris_epsilon"] == 1e-9
            assert metadata["haris_origin"] == "measured"
        assert [(await end.close(name)).status for end in (alice, bob)] == [Status.SUCCESSFUL] * 2


async def test_ends_that_ask_at_once_get_the_same_chunk(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        for index in range(6):
            one, other = await asyncio.gather(alice.get_key(BANKS, index), bob.get_key(BANKS, index))
            assert one.status is other.status is Status.SUCCESSFUL
            assert one.key == other.key
    assert lab.sites["bank"].supply.ready_key_count("exchange") == 34


async def test_chunks_by_index_each_once_for_each_end(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        keys = {index: (await alice.get_key(BANKS, index)).key for index in (3, 0, 7)}
        for index in (7, 3, 0):
            assert (await bob.get_key(BANKS, index)).key == keys[index]
            for end in (alice, bob):
                again = await end.get_key(BANKS, index)
                assert (again.status, again.key) == (Status.INSUFFICIENT_KEY, b"")
        assert len(set(keys.values())) == 3
        assert (await alice.get_key(BANKS)).index == 8


@pytest.mark.parametrize("chunk_octets", [8, 31, 33, 512, 513, 1000])
async def test_chunks_of_any_size(lab, chunk_octets):
    lab.seed("bank", "exchange", 60)
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob, replace(QOS, key_chunk_octets=chunk_octets))
        one, other = await alice.get_key(BANKS), await bob.get_key(BANKS)
        assert one.status is Status.SUCCESSFUL
        assert len(one.key) == chunk_octets
        assert one.key == other.key


async def test_a_fresh_stream_waits_for_its_peer_and_then_says_that_it_has_not_come(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        fresh = await alice.open_connect(A, B, QOS)
        assert fresh.status is Status.PEER_NOT_CONNECTED
        assert fresh.key_stream_id != NO_STREAM
        assert fresh.qos == QOS
        assert (await alice.get_key(fresh.key_stream_id)).status is Status.GET_KEY_PEER_NOT_CONNECTED
        joined = await bob.open_connect(B, A, replace(QOS, jitter=99, priority=7), fresh.key_stream_id)
        assert joined.status is Status.SUCCESSFUL
        assert (joined.qos.jitter, joined.qos.priority) == (99, 7)
        one, other = await alice.get_key(fresh.key_stream_id), await bob.get_key(fresh.key_stream_id)
        assert one.key == other.key != b""


async def test_two_ends_that_ask_for_a_fresh_stream_with_the_same_uris_share_it(lab):
    qos = replace(QOS, timeout_ms=20_000)
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        one, other = await asyncio.gather(alice.open_connect(A, B, qos), bob.open_connect(A, B, qos))
        assert one.status is other.status is Status.SUCCESSFUL
        assert one.key_stream_id == other.key_stream_id
        second = await alice.open_connect(A, B, replace(QOS, timeout_ms=0))
        assert (second.status, second.key_stream_id != one.key_stream_id) == (Status.PEER_NOT_CONNECTED, True)


async def test_two_ends_that_ask_at_the_very_same_moment_find_each_other(lab, monkeypatch):
    look = StreamOwner._wanted

    def slowly(owner, ask):
        wanted = look(owner, ask)
        time.sleep(0.1)
        return wanted

    monkeypatch.setattr(StreamOwner, "_wanted", slowly)
    qos = replace(QOS, timeout_ms=5_000)
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        one, other = await asyncio.gather(alice.open_connect(A, B, qos), bob.open_connect(A, B, qos))
    assert (one.status, other.status) == (Status.SUCCESSFUL, Status.SUCCESSFUL)
    assert one.key_stream_id == other.key_stream_id


async def test_an_identifier_in_use(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        async with lab.client("alice", "bank") as twin, lab.client("anna", "bank") as anna:
            assert (await twin.open_connect(A, B, QOS, BANKS)).status is Status.KSID_IN_USE
            assert (await anna.open_connect("anna", B, QOS, BANKS)).status is Status.KSID_IN_USE
        await alice.close(BANKS)
        await bob.close(BANKS)
        assert (await alice.open_connect(A, B, QOS, BANKS)).status is Status.KSID_IN_USE


async def test_an_application_comes_back_to_its_stream_on_another_connection(lab):
    async with lab.client("bob", "exchange") as bob:
        async with lab.client("alice", "bank") as alice:
            await opened(alice, bob)
            key = (await alice.get_key(BANKS)).key
        async with lab.client("alice", "bank") as alice:  # without OPEN_CONNECT: a stream is no connection
            assert (await alice.get_key(BANKS)).index == 1
        await asyncio.sleep(0.05)
        async with lab.client("alice", "bank") as alice:
            assert (await alice.open_connect(A, B, QOS, BANKS)).status is Status.SUCCESSFUL
            assert (await alice.get_key(BANKS)).index == 2
        assert (await bob.get_key(BANKS)).key == key


@pytest.mark.parametrize(
    ("asked", "proposed"),
    [
        ({"key_chunk_octets": 7}, {"key_chunk_octets": 8}),
        ({"key_chunk_octets": 1 << 20}, {"key_chunk_octets": 65536}),
        ({"max_bps": 10**9}, {"max_bps": 10**6}),
        ({"max_bps": 0, "min_bps": 10**9}, {"max_bps": 0, "min_bps": 10**6}),
        ({"min_bps": 50000}, {"min_bps": 40000}),
        ({"timeout_ms": 10**9}, {"timeout_ms": 300_000}),
        ({"mimetype": "text/xml"}, {"mimetype": "application/json"}),
    ],
)
async def test_a_qos_that_cannot_be_met_gets_a_counter_proposal_that_can(lab, asked, proposed):
    async with lab.client("alice", "bank") as alice:
        answer = await alice.open_connect(A, B, replace(QOS, **asked), BANKS)
        assert answer.status is Status.QOS_NOT_MET
        assert answer.qos == replace(QOS, **{**asked, **proposed})
        assert (await alice.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
        met = replace(answer.qos, timeout_ms=0)
        assert (await alice.open_connect(A, B, met, BANKS)).status is Status.PEER_NOT_CONNECTED


async def test_both_ends_agree_on_the_size_of_a_chunk(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await alice.open_connect(A, B, replace(QOS, timeout_ms=0), BANKS)
        answer = await bob.open_connect(B, A, replace(QOS, key_chunk_octets=64), BANKS)
        assert (answer.status, answer.qos.key_chunk_octets) == (Status.QOS_NOT_MET, 32)
        assert (await bob.open_connect(B, A, answer.qos, BANKS)).status is Status.SUCCESSFUL


@pytest.mark.parametrize("framing", [FIXED, TERMINATED])
async def test_metadata_that_has_no_room_costs_no_key(lab, framing):
    async with lab.client("alice", "bank", framing) as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        refused = await alice.get_key(BANKS, 0, 3)
        assert refused.status is Status.METADATA_SIZE_INSUFFICIENT
        given = await alice.get_key(BANKS, 0, refused.needed_octets)
        assert given.status is Status.SUCCESSFUL
        assert set(json.loads(given.metadata)) == {"age", "hops"}
        assert (await bob.get_key(BANKS, 0)).key == given.key


async def test_without_a_mimetype_there_is_no_metadata(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob, replace(QOS, mimetype=""))
        given = await alice.get_key(BANKS, 0, 0)
        assert (given.status, given.metadata) == (Status.SUCCESSFUL, b"")


async def test_a_dry_pool_and_a_window(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob, replace(QOS, key_chunk_octets=512))
        for index in range(2):
            assert (await alice.get_key(BANKS, index)).status is Status.SUCCESSFUL
        assert (await alice.get_key(BANKS)).status is Status.INSUFFICIENT_KEY
        assert lab.refused == [("004", "get_key", "alice", "bob", "unavailable")]
        waiting = asyncio.create_task(bob.get_key(BANKS, 2))
        lab.seed("bank", "exchange", 20)
        assert (await waiting).status is Status.SUCCESSFUL
        assert (await alice.get_key(BANKS, 1_000_000)).status is Status.INSUFFICIENT_KEY


async def test_one_end_may_not_run_far_ahead(tmp_path):
    lab = StreamLab(tmp_path, StreamLimits(window=3))
    await lab.start("exchange")
    await lab.start("bank")
    lab.seed("bank", "exchange", 20)
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        keys = [await alice.get_key(BANKS) for _ in range(4)]
        assert [key.status for key in keys] == [Status.SUCCESSFUL] * 3 + [Status.INSUFFICIENT_KEY]
        assert (await bob.get_key(BANKS)).key == keys[0].key
        assert (await alice.get_key(BANKS)).index == 3
        for index in range(4, 10):
            await bob.get_key(BANKS), await alice.get_key(BANKS, index)
        assert (await bob.get_key(BANKS, 0)).status is Status.INSUFFICIENT_KEY
    await lab.close()


async def test_a_chunk_that_outlives_its_ttl_is_not_given(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob, replace(QOS, ttl_s=60))
        assert (await alice.get_key(BANKS)).index == 0
        assert (await alice.get_key(BANKS)).index == 1
        assert json.loads((await bob.get_key(BANKS, 1)).metadata)["age"] < 60_000
        lab.clock_s = 61
        assert (await bob.get_key(BANKS, 0)).status is Status.INSUFFICIENT_KEY
        assert (await alice.get_key(BANKS)).index == 2
        lab.clock_s = 122
        assert (await bob.get_key(BANKS)).index == 3


async def test_close_leaves_the_peer_what_is_there_and_no_more(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        key = (await alice.get_key(BANKS)).key
        assert (await alice.close(BANKS)).status is Status.SUCCESSFUL
        assert (await alice.close(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
        assert (await alice.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
        assert (await bob.get_key(BANKS)).key == key
        assert (await bob.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED


async def test_a_peer_that_came_and_went_has_been_there(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        waiting = asyncio.create_task(alice.open_connect(A, B, replace(QOS, timeout_ms=20_000), BANKS))
        while lab.sites["bank"].store.stream(BANKS) is None:
            await asyncio.sleep(0.01)
        await bob.open_connect(B, A, QOS, BANKS)
        key = (await bob.get_key(BANKS)).key
        await bob.close(BANKS)
        assert (await waiting).status is Status.SUCCESSFUL
        assert (await alice.get_key(BANKS)).key == key


async def test_close_wipes_what_its_end_has_left(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        for _ in range(3):
            await alice.get_key(BANKS)
        await bob.close(BANKS)
        await alice.close(BANKS)
    for site in ("bank", "exchange"):
        with lab.sites[site].store._database.transaction() as tx:
            assert tx.one("SELECT count(*) FROM assigned WHERE secret IS NOT NULL") == (0,)
            assert tx.one("SELECT count(*) FROM stream_ends WHERE state = 'open'") == (0,)


@pytest.mark.parametrize("name", [BANKS, EXCHANGES])
@pytest.mark.parametrize("restarted", ["bank", "exchange"])
async def test_a_restart_in_the_middle_changes_no_chunk(lab, name, restarted):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob, name=name)
        keys = [(await alice.get_key(name)).key for _ in range(2)]
        keys.append((await bob.get_key(name, 2)).key)
    await lab.stop(restarted)
    await lab.start(restarted)
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        assert [(await bob.get_key(name, index)).key for index in range(2)] == keys[:2]
        assert (await alice.get_key(name)).key == keys[2]
        assert (await alice.get_key(name)).key == (await bob.get_key(name)).key != b""


@pytest.mark.parametrize("name", [BANKS, EXCHANGES])
async def test_a_key_manager_that_is_away(lab, name):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob, name=name)
        key = (await bob.get_key(name, 0)).key
        await lab.servers["exchange"].close()
        await lab.stop("exchange")
        away = {BANKS: Status.INSUFFICIENT_KEY, EXCHANGES: Status.TIMEOUT_ERROR}[name]
        assert (await alice.get_key(name, 1)).status is away
        opening = {BANKS: Status.PEER_NOT_CONNECTED, EXCHANGES: Status.NO_QKD_CONNECTION}[name]
        other = UUID(int=name.int + 2)
        assert (await alice.open_connect(A, B, QOS, other)).status is opening
        await lab.start("exchange")
        assert (await alice.get_key(name, 0)).key == key
        async with lab.client("bob", "exchange") as bob:
            assert (await alice.get_key(name, 1)).key == (await bob.get_key(name, 1)).key != b""


@pytest.mark.parametrize(
    ("sae", "source", "destination", "reason"),
    [
        ("anna", A, B, "unauthorised"),  # neither source nor destination
        ("alice", A, "qkd://nobody@x", "bad-request"),
        ("alice", A, "qkd://anna@bank", "bad-request"),  # both at one site
        ("alice", A, A, "bad-request"),
        ("mallory", "mallory", B, "unauthorised"),
        ("bob", B, A, "unauthorised"),  # served by another key manager
    ],
)
async def test_ends_that_may_not_have_a_stream(lab, sae, source, destination, reason):
    async with lab.client(sae, "bank") as kme:
        assert (await kme.open_connect(source, destination, QOS)).status is Status.NO_QKD_CONNECTION
    assert lab.refused == [("004", "open_connect", sae, destination, reason)]


async def test_a_stream_is_open_to_its_two_ends_alone(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        async with lab.client("anna", "bank") as anna:
            assert (await anna.get_key(BANKS, 0)).status is Status.GET_KEY_PEER_NOT_CONNECTED
            assert (await anna.close(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
        body = b'{"type":"draw","sae":"alice","key_stream_id":"00000000-0000-0000-0000-000000000002","index":0}'
        with pytest.raises(PeerError, match="does not live at exchange"):
            await lab.sites["exchange"].kme.peers.ask("bank", "stream", body)
        with pytest.raises(PeerError, match="wrong form"):
            await lab.sites["exchange"].kme.peers.ask("bank", "stream", b'{"type":"draw"}')


async def test_emulated_keys_stay_in_the_laboratory(lab):
    lab.seed("bank", "exchange", 200, replace(MEASURED, origin=Origin.EMULATED))
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob, replace(QOS, key_chunk_octets=2048))
        assert (await bob.get_key(BANKS)).status is Status.NO_QKD_CONNECTION
    assert "emulated" in str(lab.sites["bank"].alarms[0])


async def test_one_connection_carries_many_streams(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        await opened(alice, bob, name=EXCHANGES)
        keys = {name: (await alice.get_key(name)).key for name in (BANKS, EXCHANGES)}
        assert {name: (await bob.get_key(name)).key for name in keys} == keys


async def converse(lab, octets, sae="alice"):
    """What the key manager of the bank answers to octets, until it ends the connection or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.ports["bank"], ssl=lab.context(sae))
    writer.write(octets)
    answer = b""
    try:
        async with asyncio.timeout(20):
            while part := await reader.read(4096):
                answer += part
                if len(answer) >= HEADER_OCTETS and len(answer) == HEADER_OCTETS + int.from_bytes(answer[4:8]):
                    break
    finally:
        writer.close()
    return answer


@pytest.mark.parametrize(
    "octets", ["0201010000000000", "020101ff00000000", "020101020000ffff61", "474554202f204854", "01"]
)
async def test_what_is_no_call_ends_the_connection_without_an_answer(lab, octets, monkeypatch):
    monkeypatch.setattr("haris.node.supply.etsi004_server.PAYLOAD_TIMEOUT_S", 1.0)
    assert await converse(lab, bytes.fromhex(octets)) == b""
    async with lab.client("alice", "bank") as alice:
        assert (await alice.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED


async def test_the_answer_is_in_the_callers_dialect_and_version(lab):
    call = OpenConnect(A, B, replace(QOS, timeout_ms=0), BANKS)
    for framing, version in ((FIXED, (1, 0, 1)), (TERMINATED, (2, 1, 1)), (TERMINATED, (1, 0, 7)), (FIXED, (2, 0, 0))):
        spoken = replace(framing, version=version)
        answer = await converse(lab, write_request(call, spoken))
        assert tuple(answer[:3]) == version
        header = read_header(answer[:HEADER_OCTETS], PeerError)
        opened = read_answer(header, answer[HEADER_OCTETS:], call, framing.dialect)
        assert (opened.status, opened.key_stream_id) == (Status.PEER_NOT_CONNECTED, BANKS)
    refusal = write_request(GetKey(UUID(int=9), 0), TERMINATED)
    assert (await converse(lab, refusal)).hex() == "0201010500000010" + "00000003" + "00000000" * 3
    assert (await converse(lab, write_request(GetKey(UUID(int=9), 0), FIXED))).hex() == "0101"[
        :0
    ] + "0100010500000004" + "00000003"


async def test_connections_without_end_do_not_keep_others_out(lab, monkeypatch):
    monkeypatch.setattr("haris.node.supply.etsi004_server.MAX_HANDSHAKES", 3)
    monkeypatch.setattr("haris.node.supply.etsi004_server.MAX_CONNECTIONS_EACH", 2)
    silent = [await asyncio.open_connection("127.0.0.1", lab.ports["bank"]) for _ in range(8)]
    assert await silent[0][0].read() == b""  # the oldest gave way
    async with lab.client("alice", "bank") as alice, lab.client("alice", "bank") as again:
        for kme in (alice, again):
            assert (await kme.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
        with pytest.raises(KeyUnavailable, match="ended the connection"):
            async with lab.client("alice", "bank") as third:
                await third.get_key(BANKS)
        async with lab.client("anna", "bank") as anna:
            assert (await anna.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
    async with lab.client("alice", "bank") as alice:
        assert (await alice.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
    for _, writer in silent:
        writer.close()


async def test_certificates_may_change_while_the_server_runs(lab, tmp_path):
    (tmp_path / "new").mkdir()
    other = Authority(tmp_path / "new", "other")
    old = dict(lab.files)
    async with lab.client("alice", "bank") as before:
        lab.servers["bank"].context = server_context(other.issue("kme-bank"))
        lab.files["alice"] = other.issue("alice")
        async with lab.client("alice", "bank") as alice:
            assert (await alice.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
        assert (await before.get_key(BANKS)).status is Status.GET_KEY_PEER_NOT_CONNECTED
        lab.files.update(old)
        with pytest.raises(PeerError, match="certificate of the key manager is not trusted"):
            async with lab.client("alice", "bank"):
                pass


async def test_who_has_no_certificate_of_ours_gets_no_answer(lab, tmp_path):
    context = ssl.create_default_context(cafile=lab.files["alice"].authority)
    for host in (context, None):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", lab.ports["bank"], ssl=host)
            writer.write(write_request(GetKey(BANKS, 0), FIXED))
            assert await reader.read() == b"" or host is None
            writer.close()
        except OSError:
            assert host is context


async def test_a_key_information_instead_of_a_buffer(lab):
    async with lab.client("alice", "bank") as alice, lab.client("bob", "exchange") as bob:
        await opened(alice, bob)
        given = await converse(lab, write_request(GetKey(BANKS, 0, 2, (0, 0)), TERMINATED))
        header = read_header(given[:HEADER_OCTETS], PeerError)
        answer = read_answer(header, given[HEADER_OCTETS:], GetKey(BANKS), TERMINATED.dialect)
        assert answer.key == (await bob.get_key(BANKS, 0)).key != b""
        oblivious = await converse(lab, write_request(GetKey(BANKS, 1, 2, (1, 0x10)), TERMINATED))
        assert oblivious[8:12] == Status.NO_QKD_CONNECTION.to_bytes(4, "big")


async def test_a_client_of_no_key_manager(lab):
    port = lab.ports["bank"]
    await lab.servers["bank"].close()
    lab.ports["bank"] = port
    with pytest.raises(KeyUnavailable, match="cannot be reached"):
        async with lab.client("alice", "bank"):
            pass


def test_a_caller_that_speaks_before_it_is_taken_in_gets_its_answer_in_uvloop(tmp_path):
    """A busy loop finds the whole ClientHello there when it takes the connection in."""

    async def main():
        lab = StreamLab(tmp_path)
        await lab.start("bank")
        context, address = lab.context("alice"), ("127.0.0.1", lab.ports["bank"])

        def ask():
            with (
                socket.create_connection(address) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
            ):
                tls.sendall(write_request(GetKey(BANKS, 0), FIXED))
                return tls.recv(HEADER_OCTETS)

        asking = asyncio.get_running_loop().run_in_executor(None, ask)
        time.sleep(0.3)
        try:
            async with asyncio.timeout(20):
                assert read_header(await asking).length
        finally:
            await lab.close()

    with asyncio.Runner(loop_factory=pytest.importorskip("uvloop").new_event_loop) as runner:
        runner.run(main())
