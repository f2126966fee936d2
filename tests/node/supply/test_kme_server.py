"""ETSI GS QKD 014 end to end: key managers back to back over mutual TLS, on the loopback interface."""

import asyncio
import base64
import json
import ssl
import threading
from dataclasses import replace

import aiohttp
import pytest
from etsi_qkd_014_client import QKD014Client
from kme_lab import KMES, MEASURED, Lab

from haris.keys.supply import Limits
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.supply.server import KmeConfig, start_kme
from haris.nouns.alarms import Severity
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError, StoreError
from haris.nouns.ids import join_key_id
from haris.nouns.keys import Origin
from haris.wire import kme, span, versions
from haris.wire.versions import NoCommonVersion, Versions

EMULATED = replace(MEASURED, origin=Origin.EMULATED)
GONE = "one or more keys specified are not found on KME"


@pytest.fixture
async def lab(tmp_path):
    lab = Lab(tmp_path)
    await lab.start("broker")
    await lab.start("exchange")
    await lab.start("bank")
    yield lab
    await lab.close()


def secrets(answer):
    assert answer.status == 200, answer.items
    return {key["key_ID"]: base64.b64decode(key["key"], validate=True) for key in answer.items["keys"]}


def named(keys):
    return {"key_IDs": [{"key_ID": key_id} for key_id in keys]}


async def settled(lab, peer="exchange"):
    async with asyncio.timeout(5):
        while lab.sites["bank"].store.voids_owed(peer):
            await asyncio.sleep(0.01)


async def test_status_tells_what_can_be_had(lab):
    lab.seed("bank", "exchange", 7)
    answer = await lab.ask("alice", "bob/status")
    assert answer.status == 200
    assert answer.items == {
        "source_KME_ID": "kme-bank",
        "target_KME_ID": "kme-exchange",
        "master_SAE_ID": "alice",
        "slave_SAE_ID": "bob",
        "key_size": 256,
        "stored_key_count": 7,
        "max_key_count": 100_000,
        "max_key_per_request": 128,
        "max_key_size": 4096,
        "min_key_size": 64,
        "max_SAE_ID_count": 8,
    }
    assert (await lab.ask("bob", "alice/status")).items["stored_key_count"] == 0  # the bank owns them


@pytest.mark.parametrize(
    ("query", "number", "size"),
    [("", 1, 256), ("?number=3", 3, 256), ("?size=1024&number=2", 2, 1024), ("?size=64", 1, 64), ("?size=264", 1, 264)],
)
async def test_get_gives_fresh_keys_and_the_other_site_the_same(lab, query, number, size):
    lab.seed("bank", "exchange", 10)
    keys = secrets(await lab.ask("alice", f"bob/enc_keys{query}"))
    assert len(keys) == number
    assert {len(secret) for secret in keys.values()} == {size // 8}
    for key_id, secret in keys.items():
        assert secrets(await lab.ask("bob", f"alice/dec_keys?key_ID={key_id}")) == {key_id: secret}
        again = await lab.ask("bob", f"alice/dec_keys?key_ID={key_id}")
        assert (again.status, again.items) == (400, {"message": GONE})
    status = await lab.ask("alice", "bob/status")
    assert status.items["stored_key_count"] == 10 - number * -(-size // 256)


@pytest.mark.parametrize("body", [b"", {}, {"number": 2}, {"size": 512, "extension_optional": [{"abc_max_age": 3}]}])
async def test_post_likewise(lab, body):
    lab.seed("bank", "exchange", 10)
    keys = secrets(await lab.ask("alice", "bob/enc_keys", body, method="POST"))
    assert secrets(await lab.ask("bob", "alice/dec_keys", named(keys))) == keys
    assert (await lab.ask("bob", "alice/dec_keys", named(keys))).message == GONE


async def test_a_key_says_how_secret_it_is(lab):
    lab.seed("bank", "exchange", 2)
    answer = await lab.ask("alice", "bob/enc_keys?size=512")
    extension = answer.items["keys"][0]["key_extension"]
    assert extension == {
        "haris_epsilon": 2e-9,
        "haris_origin": "measured",
        "haris_hops": 1,
        "haris_proof": {
            "theorem": "Lim et al. 2014",
            "attacks": "coherent",
            "finite": True,
            "assumptions": ["fair sampling"],
        },
    }
    fetched = await lab.ask("bob", "alice/dec_keys", named(secrets(answer)))
    assert fetched.items["keys"][0]["key_extension"] == extension


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("bob/enc_keys?number=0", None, "number shall be at least 1"),
        ("bob/enc_keys?number=x", None, "number shall be an integer"),
        ("bob/enc_keys?number=129", None, "number shall be at most 128"),
        ("bob/enc_keys?size=-8", None, "size shall be at least 1"),
        ("bob/enc_keys?size=257", None, "size shall be a multiple of 8"),
        ("bob/enc_keys?size=56", None, "size shall lie between 64 and 4096"),
        ("bob/enc_keys?size=4104", None, "size shall lie between 64 and 4096"),
        ("bob/enc_keys", {"size": "256"}, "size shall be an integer"),
        ("bob/enc_keys", b"nonsense", "the request body is not JSON"),
        ("bob/enc_keys", {"additional_slave_SAE_IDs": []}, "additional_slave_SAE_IDs shall be a non-empty array"),
        ("bob/enc_keys", {"additional_slave_SAE_IDs": ["bob"]}, "neither the master nor the slave SAE"),
        ("bob/enc_keys", {"additional_slave_SAE_IDs": ["alice"]}, "neither the master nor the slave SAE"),
        ("bob/enc_keys", {"additional_slave_SAE_IDs": ["nobody"]}, "SAE nobody is not known in this network"),
        ("bob/enc_keys", {"additional_slave_SAE_IDs": list("abcdefghi")}, "shall hold at most 8 IDs"),
        (
            "bob/enc_keys",
            {"extension_mandatory": [{"abc_route_type": "direct"}]},
            "not all extension_mandatory parameters are supported",
        ),
        (
            "bob/enc_keys",
            {"extension_mandatory": [{"haris_max_epsilon": 1e-12}]},
            "not all extension_mandatory request options could be met",
        ),
        (
            "bob/enc_keys",
            {"extension_optional": [{"haris_max_epsilon": 1e-12}]},
            "not all extension_optional request options handled",
        ),
        ("bob/enc_keys", {"extension_mandatory": [{"haris_max_epsilon": "x"}]}, "haris_max_epsilon shall be a number"),
        ("alice/enc_keys", None, "master and slave SAE are the same"),
        ("anna/enc_keys", None, "SAE anna lives at this site"),
        ("nobody/enc_keys", None, "SAE nobody is not known in this network"),
        ("nobody/status", None, "SAE nobody is not known in this network"),
        ("alice/status", None, "master and slave SAE are the same"),
        ("/status", None, "the slave SAE ID in the path is blank"),
        ("%20/enc_keys", None, "the slave SAE ID in the path is blank"),
        ("/dec_keys", {"key_IDs": [{"key_ID": "550e8400-e29b-41d4-a716-446655440000"}]}, "master SAE ID in the path"),
        ("bob/dec_keys?key_ID=x", None, "key_ID shall be a UUID"),
        ("bob/dec_keys", None, "key_ID is missing"),
        ("bob/dec_keys", {"key_IDs": []}, "key_IDs shall be a non-empty array"),
        ("bob/dec_keys?key_ID=550e8400-e29b-41d4-a716-446655440000", None, GONE),
    ],
)
async def test_a_bad_request_is_400_with_a_message_and_costs_no_key(lab, path, body, message):
    lab.seed("bank", "exchange", 3)
    answer = await lab.ask("alice", path, body)
    assert answer.status == 400
    assert message in answer.message
    assert set(answer.items) == {"message"}
    assert (await lab.ask("alice", "bob/status")).items["stored_key_count"] == 3


async def test_dec_keys_is_all_or_nothing_and_for_its_slave_alone(lab):
    lab.seed("bank", "exchange", 3)
    keys = secrets(await lab.ask("alice", "bob/enc_keys?number=2"))
    more = [*keys, "550e8400-e29b-41d4-a716-446655440000"]
    assert (await lab.ask("bob", "alice/dec_keys", named(more))).message == GONE
    for sae in ("bella", "mallory"):
        answer = await lab.ask(sae, "alice/dec_keys", named(keys), site="exchange")
        assert answer.status == 401
        assert not any(base64.b64encode(secret).decode() in json.dumps(answer.items) for secret in keys.values())
    assert secrets(await lab.ask("bob", "alice/dec_keys", named(keys))) == keys
    many = named(f"550e8400-e29b-41d4-a716-{n:012x}" for n in range(129))
    assert (await lab.ask("bob", "alice/dec_keys", many)).message == "key_IDs shall hold at most 128 IDs"


async def test_several_slaves_each_have_the_key_once(lab):
    lab.seed("bank", "exchange", 4)
    lab.seed("bank", "broker", 10)
    body = {"number": 2, "size": 384, "additional_slave_SAE_IDs": ["bella", "carol", "anna"]}
    answer = await lab.ask("alice", "bob/enc_keys", body)
    keys = secrets(answer)
    for sae in ("bob", "bella", "carol", "anna"):
        fetched = await lab.ask(sae, "alice/dec_keys", named(keys))
        assert secrets(fetched) == keys
        assert (await lab.ask(sae, "alice/dec_keys", named(keys))).message == GONE
    # two pieces of stock make a key of 384 bits, three more pad and tag it for the broker: epsilons add
    epsilon = answer.items["key_container_extension"]["haris_epsilon"]
    assert epsilon == pytest.approx(5e-9)
    assert (await lab.ask("alice", "carol/status")).items["stored_key_count"] == 4


async def test_a_dry_pool_is_503_and_keeps_what_it_has(lab):
    lab.seed("bank", "exchange", 2)
    answer = await lab.ask("alice", "bob/enc_keys?number=3")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert "holds 2 such keys, 3 are needed" in answer.message
    # the broker's pool is dry: what was reserved for the exchange is free again
    assert (await lab.ask("alice", "bob/enc_keys", {"additional_slave_SAE_IDs": ["carol"]})).status == 503
    assert len(secrets(await lab.ask("alice", "bob/enc_keys?number=2"))) == 2


async def test_haris_max_epsilon_picks_the_better_keys(lab):
    lab.seed("bank", "exchange", 2, replace(MEASURED, epsilon=1e-6))
    lab.seed("bank", "exchange", 2, replace(MEASURED, epsilon=1e-10))
    body = {"size": 512, "extension_mandatory": [{"haris_max_epsilon": 2e-10}]}
    answer = await lab.ask("alice", "bob/enc_keys", body)
    assert answer.status == 200
    assert answer.items["keys"][0]["key_extension"]["haris_epsilon"] == pytest.approx(2e-10)
    assert (await lab.ask("alice", "bob/enc_keys", body)).status == 400


async def test_emulated_keys_stay_in_the_laboratory(tmp_path):
    lab = Lab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    lab.seed("bank", "exchange", 2, EMULATED)
    assert (await lab.ask("alice", "bob/status")).items["stored_key_count"] == 0
    answer = await lab.ask("alice", "bob/enc_keys")
    assert (answer.status, answer.message) == (503, "the keys here are emulated, and this node is no laboratory")
    assert [alarm.severity for alarm in lab.sites["bank"].alarms] == [Severity.MAJOR]
    await lab.stop("bank")
    await lab.start("bank", laboratory=True)  # the exchange is none, and refuses the assignment
    await lab.close()
    lab = Lab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank", laboratory=True)
    answer = await lab.ask("alice", "bob/enc_keys")
    assert answer.status == 503
    assert "no laboratory" in answer.message
    await settled(lab)
    await lab.close()
    lab = Lab(tmp_path)
    await lab.start("exchange", laboratory=True)
    await lab.start("bank", laboratory=True)
    keys = secrets(await lab.ask("alice", "bob/enc_keys"))
    assert secrets(await lab.ask("bob", "alice/dec_keys", named(keys))) == keys
    await lab.close()


async def test_a_peer_that_is_away_costs_no_key(tmp_path):
    lab = Lab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    first, second = lab.seed("bank", "exchange", 2)
    await lab.stop("exchange")
    answer = await lab.ask("alice", "bob/enc_keys")
    assert (answer.status, "cannot be reached" in answer.message) == (503, True)
    (lease,) = lab.sites["bank"].store.leases_in_doubt("exchange")
    assert join_key_id(lease.prefix, lease.first) == first.key_id
    exchange = await lab.start("exchange")
    async with asyncio.timeout(10):
        while lab.sites["bank"].store.leases_in_doubt("exchange"):
            await asyncio.sleep(0.01)
    assert exchange.store.count_ready("bank", "bank") == 1  # the other is leased, and not lost
    keys = secrets(await lab.ask("alice", "bob/enc_keys?number=2"))
    assert list(keys) == [str(first.key_id), str(second.key_id)]
    assert secrets(await lab.ask("bob", "alice/dec_keys", named(keys))) == keys
    await lab.close()


async def test_wrong_methods_paths_and_sizes_answer_in_json(lab):
    for path, allowed in (("bob/status", "GET"), ("bob/enc_keys", "GET,POST"), ("bob/dec_keys", "GET,POST")):
        answer = await lab.ask("alice", path, b"", method="DELETE")
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)
        assert answer.message
    assert (await lab.ask("alice", "bob/status", {})).status == 405
    assert (await lab.ask("alice", "bob/nonsense")).status == 404
    big = await lab.ask("alice", "bob/enc_keys", b" " * 70_000)
    assert (big.status, bool(big.message)) == (413, True)


async def test_only_the_certificate_says_who_calls(lab):
    lab.seed("bank", "exchange", 2)
    claim = {"X-SSL-Client-CN": "alice", "X-SAE-ID": "alice", "Authorization": "alice"}
    answer = await lab.ask("mallory", "bob/enc_keys", site="bank", headers=claim)
    assert (answer.status, answer.message) == (401, "SAE mallory is not served by this KME")
    assert (await lab.ask("bob", "alice/status", site="bank")).status == 401  # served elsewhere
    lab.files["two"] = lab.authority.issue("alice", "anna", stem="two")
    assert (await lab.ask("two", "bob/status", site="bank")).status == 401


async def test_without_a_certificate_of_the_authority_there_is_no_connection(lab, tmp_path_factory):
    port = lab.sites["bank"].kme.port
    bare = ssl.create_default_context(cafile=lab.files["alice"].authority)
    foreign = ssl.create_default_context(cafile=lab.files["alice"].authority)
    stranger = Lab(tmp_path_factory.mktemp("foreign")).files["alice"]
    foreign.load_cert_chain(stranger.certificate, stranger.private_key)
    old = ssl.create_default_context(cafile=lab.files["alice"].authority)
    old.load_cert_chain(lab.files["alice"].certificate, lab.files["alice"].private_key)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    for context in (bare, foreign, old):
        assert await answered(port, context) == b""
    known = ssl.create_default_context(cafile=lab.files["alice"].authority)
    known.load_cert_chain(lab.files["alice"].certificate, lab.files["alice"].private_key)
    assert (await answered(port, known)).startswith(b"HTTP/1.1 200")


async def answered(port, context):
    """What a raw request gets; nothing when TLS is refused, at the handshake or (TLS 1.3) at the first read."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        writer.write(b"GET /api/v1/keys/bob/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        octets = await reader.read()
        writer.close()
    except (ssl.SSLError, ConnectionError):
        return b""
    return octets


async def test_the_peer_face_is_for_key_managers(lab):
    lab.seed("bank", "exchange", 1)
    bank, exchange = lab.sites["bank"], lab.sites["exchange"]
    with pytest.raises(PeerError, match="wrong form"):
        await bank.kme.peers.ask("exchange", kme.ASSIGN, b'{"assignments": []}')
    with pytest.raises(PeerError, match="no verb"):
        await bank.kme.peers.ask("exchange", "nonsense", b"")
    context = ssl.create_default_context(cafile=lab.files["alice"].authority)
    context.load_cert_chain(lab.files["alice"].certificate, lab.files["alice"].private_key)
    url = f"https://127.0.0.1:{exchange.kme.peer_port}/haris/v1/void"
    await lab.ask("alice", "bob/status")
    async with lab._sessions["alice"].post(url, data=b"{}", ssl=context) as answer:
        assert (answer.status, await answer.json()) == (401, {"message": "alice is no KME that this one knows"})
    # a server that is another KME than the one asked for is found out within the handshake
    lab.route("bank", "exchange", at="broker")
    with pytest.raises(KeyUnavailable, match="names kme-broker, not kme-exchange"):
        await bank.kme.peers.ask("exchange", kme.VOID, b"{}")


async def test_further_verbs_are_answered(lab, tmp_path):
    async def relay(site, body):
        if body == b"no":
            raise PeerError("no")
        return site.encode() + body

    there = lab.sites["broker"]
    await there.kme.close()
    files = lab.files["kme-broker"]
    config = KmeConfig("127.0.0.1", 0, "127.0.0.1", 0, files, files, {})
    there.kme = await start_kme(config, there.supply, {"relay": relay})
    peers = lab.sites["bank"].kme.peers
    lab.route("bank", "broker")
    assert await peers.ask("broker", "relay", b"!") == b"bank!"
    with pytest.raises(PeerError, match="refuses: no"):
        await peers.ask("broker", "relay", b"no")


async def test_thirty_two_clients_at_both_ends(lab):
    lab.seed("bank", "exchange", 160)
    lab.seed("exchange", "bank", 160)

    async def client(master, slave):
        taken = {}
        for _ in range(5):
            keys = secrets(await lab.ask(master, f"{slave}/enc_keys?number=2"))
            assert secrets(await lab.ask(slave, f"{master}/dec_keys", named(keys))) == keys
            taken |= keys
        return taken

    pairs = [("alice", "bob"), ("bob", "alice")] * 16
    async with asyncio.timeout(30):
        results = await asyncio.gather(*(client(*pair) for pair in pairs))
    key_ids = [key_id for taken in results for key_id in taken]
    assert len(set(key_ids)) == len(key_ids) == 320
    assert (await lab.ask("alice", "bob/enc_keys")).status == 503


async def test_a_third_party_client(lab):
    lab.seed("bank", "exchange", 3)

    def client(sae, site):
        files = lab.files[sae]
        host = f"localhost:{lab.sites[site].kme.port}"
        return QKD014Client(host, str(files.certificate), str(files.private_key), str(files.authority))

    alice, bob = client("alice", "bank"), client("bob", "exchange")
    code, status = await asyncio.to_thread(alice.get_status, "bob")
    assert (code, status.stored_key_count, status.target_kme_id) == (200, 3, KMES["exchange"])
    code, container = await asyncio.to_thread(alice.get_key, "bob", 2, 128)
    assert code == 200
    key_ids = [key.key_id for key in container.keys]
    code, fetched = await asyncio.to_thread(bob.get_key_with_key_IDs, "alice", key_ids)
    assert code == 200
    assert [key.key for key in fetched.keys] == [key.key for key in container.keys]
    code, error = await asyncio.to_thread(bob.get_key_with_key_IDs, "alice", key_ids)
    assert (code, error.message) == (400, GONE)
    code, container = await asyncio.to_thread(alice.get_key, "bob")
    assert code == 200


async def test_a_store_out_of_order_is_503_and_says_no_more(lab, monkeypatch):
    lab.seed("bank", "exchange", 1)

    def full(*_):
        raise StoreError("store /secret/place: database or disk is full")

    monkeypatch.setattr(type(lab.sites["bank"].store), "serve", full)
    answer = await lab.ask("alice", "bob/enc_keys")
    assert (answer.status, answer.message) == (503, "the key store is out of order")
    assert "disk is full" in lab.sites["bank"].alarms[0].text


async def test_a_start_that_cannot_be_is_told(lab, tmp_path):
    supply, files = lab.sites["bank"].supply, lab.files["kme-bank"]
    expired = lab.authority.issue("kme-bank", stem="expired", days=-1)
    missing = TlsFiles(tmp_path / "none.crt", files.private_key, files.authority)
    crossed = TlsFiles(files.certificate, lab.files["alice"].private_key, files.authority)
    for wrong, text in ((expired, "expired.crt: expired on"), (missing, "none.crt"), (crossed, "alice.key")):
        with pytest.raises(ParameterError, match=text):
            await start_kme(KmeConfig("127.0.0.1", 0, "127.0.0.1", 0, wrong, files, {}), supply)
    taken = lab.sites["bank"].kme.port
    with pytest.raises(OSError, match="address already in use"):
        await start_kme(KmeConfig("127.0.0.1", 0, "127.0.0.1", taken, files, files, {}), supply)


def test_limits_are_checked():
    for wrong in ({"key_size": 250}, {"min_key_size": 512}, {"max_key_size": 128}, {"max_key_per_request": 0}):
        with pytest.raises(ParameterError):
            Limits(**wrong)


async def test_a_slow_commit_does_not_stop_others(lab, monkeypatch):
    lab.seed("bank", "exchange", 1)
    await lab.ask("alice", "bob/status")  # the connection is made
    store = type(lab.sites["bank"].store)
    serve, entered, leave = store.serve, threading.Event(), threading.Event()

    def slow(*arguments):
        entered.set()
        assert leave.wait(20)
        return serve(*arguments)

    monkeypatch.setattr(store, "serve", slow)
    taking = asyncio.create_task(lab.ask("alice", "bob/enc_keys"))
    assert await asyncio.to_thread(entered.wait, 20)
    assert (await lab.ask("alice", "bob/status")).items["stored_key_count"] == 1
    assert not taking.done()
    leave.set()
    assert len(secrets(await taking)) == 1


async def test_a_client_that_leaves_neither_stops_its_delivery_nor_gets_its_key_twice(lab, monkeypatch):
    (stock,) = lab.seed("bank", "exchange", 1)
    exchange = type(lab.sites["exchange"].supply)
    admit, entered, leave = exchange.admit_leases, threading.Event(), threading.Event()

    def slow(*arguments):
        entered.set()
        assert leave.wait(20)
        return admit(*arguments)

    monkeypatch.setattr(exchange, "admit_leases", slow)
    taking = asyncio.create_task(lab.ask("alice", "bob/enc_keys"))
    assert await asyncio.to_thread(entered.wait, 20)
    taking.cancel()
    leave.set()
    bank = lab.sites["bank"]
    async with asyncio.timeout(10):
        while bank.store.leases_in_doubt("exchange") or bank.store.count_leased("alice", "bob"):
            await asyncio.sleep(0.01)
    assert (await lab.ask("alice", "bob/enc_keys")).status == 503
    assert list(secrets(await lab.ask("bob", f"alice/dec_keys?key_ID={stock.key_id}"))) == [str(stock.key_id)]


async def test_key_managers_speak_the_highest_version_that_both_know(lab, monkeypatch):
    """This site speaks 1 and 2, or 2 alone; the other one 1 alone, and then another set after it was away."""
    peers, alarms = lab.sites["bank"].kme.peers, []
    peers.file_alarm = alarms.append
    monkeypatch.setattr(versions, "ours", lambda: Versions((1,), (1,)))
    monkeypatch.setattr(kme, "VERSIONS", (1, 2))
    monkeypatch.setattr(span, "VERSIONS", (1, 2))
    with pytest.raises(PeerError, match="wrong form"):
        await peers.ask("exchange", kme.ASSIGN, b"{}")  # it was understood as far as its path goes
    assert await peers.span_version("exchange") == 1
    assert alarms == []
    monkeypatch.setattr(kme, "VERSIONS", (2,))
    monkeypatch.setattr(span, "VERSIONS", (2,))
    for _ in range(2):
        with pytest.raises(NoCommonVersion, match="exchange speaks version 1 of what key managers say to each other"):
            await peers.ask("exchange", kme.ASSIGN, b"{}")
    with pytest.raises(NoCommonVersion, match="exchange speaks version 1 of a span's messages"):
        await peers.span_version("exchange")
    assert [(alarm.kind, alarm.source, alarm.active) for alarm in alarms] == [("version", "exchange", True)] * 2
    # the other site is upgraded to what this one speaks, and the alarm ends
    await lab.stop("exchange")
    monkeypatch.setattr(versions, "ours", lambda: Versions((2,), (2,)))
    await lab.start("exchange")
    lab.route("bank", "exchange")
    with pytest.raises(PeerError, match="wrong form"):
        await peers.ask("exchange", kme.ASSIGN, b"{}")
    assert await peers.span_version("exchange") == 2
    assert [alarm.active for alarm in alarms] == [True, True, False, False]


async def test_a_site_of_a_release_before_this_question_speaks_version_1(lab, monkeypatch):
    peers = lab.sites["bank"].kme.peers
    monkeypatch.setattr(versions, "PATH", "/haris/unheard-of")
    assert await peers.span_version("exchange") == 1
    with pytest.raises(PeerError, match="wrong form"):
        await peers.ask("exchange", kme.ASSIGN, b"{}")
    await lab.stop("exchange")
    assert await peers.span_version("exchange") == 1  # nobody to ask: the highest of ours


async def test_strangers_are_not_told_what_is_spoken_here(lab):
    context = ssl.create_default_context(cafile=lab.files["alice"].authority)
    context.load_cert_chain(lab.files["alice"].certificate, lab.files["alice"].private_key)
    url = f"https://127.0.0.1:{lab.sites['exchange'].kme.peer_port}{versions.PATH}"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as answer:
        assert answer.status == 401


async def test_what_a_full_disk_leaves_open_is_voided_once_there_is_room(lab, monkeypatch):
    lab.seed("bank", "exchange", 6)
    store = lab.sites["bank"].store
    full, close, record = [True], store.close_assignments, store.record_assignments

    def unless_full(verb):
        def verb_or_error(*args, **options):
            if full:
                raise StoreError("the disk is full")
            return verb(*args, **options)

        return verb_or_error

    monkeypatch.setattr(store, "close_assignments", unless_full(close))
    assert (await lab.ask("alice", "bob/enc_keys", {"size": 512})).status == 503  # announced, and not closed
    monkeypatch.setattr(store, "record_assignments", unless_full(record))
    assert (await lab.ask("alice", "bob/enc_keys", {"size": 512})).status == 503  # not even announced
    assert len(store.assignments_in_doubt()) == 1
    assert store.count_ready("exchange", "bank") == 2
    full.clear()
    async with asyncio.timeout(20):
        while (
            store.assignments_in_doubt() or store.count_ready("exchange", "bank") != 4 or store.voids_owed("exchange")
        ):
            await asyncio.sleep(0.02)
    assert lab.sites["exchange"].store.count_ready("bank", "bank") == 4
