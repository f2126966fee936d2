"""ETSI GS QKD 020 V1.1.1 on the wire: every method, status, problem type and rule, at the gateway of network B."""

import asyncio
import io
import ssl
from dataclasses import replace
from uuid import UUID, uuid4

import aiohttp
import jsonschema_rs
import pytest
import pytest_asyncio
from kme_lab import Authority
from openapi_check import description, require_described
from operators_lab import Neighbour, OperatorsLab, eventually, ext_key

from haris.keys.foreign import Parties
from haris.nouns.errors import ParameterError, Unauthorised
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire.etsi020 import ACK_PATH, EXT_KEYS_PATH, VERSIONS_PATH, VOID_PATH
from haris.wire.pedigree import write_pedigree

STATED = Pedigree(1e-8, Origin.MEASURED, Proof("Lim", "coherent", True))
PROBLEMS = "https://qkd.etsi.org/gs020-interop-kms/"
OPENAPI = description("020")


pytestmark = pytest.mark.asyncio(loop_scope="module")
LABS = []


@pytest_asyncio.fixture(loop_scope="module")
async def lab(tmp_path_factory):
    """Network B, its gateway b1, and a key manager in the place of A's gateway: the same for all tests that leave it
    as it was."""
    if not LABS:
        LABS.append(await started(OperatorsLab(tmp_path_factory.mktemp("lab"))))
    (lab,) = LABS
    for site in ("b2", "b3"):
        if lab.sites["b1"].store.count_ready(site, "b1") < 16:
            lab.seed("b1", site, 64)
    yield lab
    answers, lab.answers = lab.answers, []
    lab.neighbour.forget()
    if lab.spoilt:
        await LABS.pop().close()
        await lab.neighbour.close()
    for method, path, answer in answers:
        require_described("020", method, path, answer)


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def end():
    yield
    for lab in LABS:
        await lab.neighbour.close()
        await lab.close()
    LABS.clear()


async def started(lab):
    await lab.start_network("B")
    lab.neighbour = Neighbour(lab, "a2")
    await lab.neighbour.start()
    return lab


def container(lab, *keys, targets=("bob",), initiator="alice", synchronous=False, **more):
    items = {"keys": list(keys) or [ext_key()], "initiator_sae_id": initiator, "target_sae_ids": list(targets), **more}
    return items if synchronous else {"ack_callback_url": lab.callback_url("a2"), **items}


def void(lab, *key_ids, targets=("bob",), initiator="alice", synchronous=False, **more):
    items = {"key_ids": list(key_ids), "initiator_sae_id": initiator, "target_sae_ids": list(targets), **more}
    return items if synchronous else {"ack_callback_url": lab.callback_url("a2"), **items}


def ack(*key_ids, status="relayed", targets=("bob",)):
    keys = [{"key_id": key_id} for key_id in key_ids]
    parties = {"initiator_sae_id": "alice", "target_sae_ids": list(targets)}
    return [{"key_id_container": keys, "ack_status": status, **parties}]


async def fetch(lab, key, slave="bob", master="alice"):
    """The key as a slave gets it, or None."""
    answer = await lab.ask014(slave, f"{master}/dec_keys?key_ID={key['key_id']}")
    return answer.items["keys"][0] if answer.status == 200 else None


def require_problem(answer, status, kind, detail=""):
    assert (answer.status, answer.items["type"], answer.items["status"]) == (status, PROBLEMS + kind, status)
    assert detail in answer.items["details"] or not detail, answer.items


# Transport


async def test_versions(lab):
    answer = await lab.ask020(VERSIONS_PATH)
    assert (answer.status, answer.items) == (200, {"versions": ["v1"], "capabilities": ["synchronous_mode"]})


@pytest.mark.parametrize("path", [VERSIONS_PATH, EXT_KEYS_PATH, ACK_PATH, VOID_PATH])
async def test_a_caller_that_is_no_neighbour_is_unauthorized(lab, path):
    """mallory and a key manager of network B itself have certificates that are trusted, and names that are not."""
    for name in ("mallory", "kme-b2"):
        answer = await lab.ask020(path, None if path == VERSIONS_PATH else b"rubbish", name=name)
        require_problem(answer, 401, "unauthorized", "unauthorized")
        *told, error = lab.denials[-1]
        assert told == ["020", path.rpartition("/")[2], name, ""]
        assert isinstance(error, Unauthorised)


async def test_every_refusal_is_told_for_the_audit_log(lab):
    n_before = len(lab.denials)
    await lab.ask020(EXT_KEYS_PATH, b"rubbish")
    ((*told, error),) = lab.denials[n_before:]
    assert told == ["020", "ext_keys", "kme-a2", ""]
    assert isinstance(error, ParameterError)
    await lab.ask020(VERSIONS_PATH)
    assert len(lab.denials) == n_before + 1


async def test_a_header_changes_no_identity(lab):
    headers = {"Content-Type": "application/json", "X-KME-ID": "kme-a2", "X-Forwarded-For": "kme-a2"}
    require_problem(await lab.ask020(VERSIONS_PATH, name="mallory", headers=headers), 401, "unauthorized")


@pytest.mark.parametrize("flaw", ["no certificate", "another authority's", "TLS 1.2"])
async def test_what_tls_refuses_never_reaches_a_method(lab, flaw):
    context = ssl.create_default_context(cafile=lab.folder / "operators.crt")
    files = lab.files["kme-a2"]
    if flaw == "another authority's":
        (lab.folder / "other").mkdir()
        files = Authority(lab.folder / "other").issue("kme-a2")
    if flaw != "no certificate":
        context.load_cert_chain(files.certificate, files.private_key)
    if flaw == "TLS 1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        with pytest.raises(aiohttp.ClientError):
            async with session.get(lab.url("b1") + VERSIONS_PATH) as answer:
                await answer.read()


async def test_what_is_no_method(lab):
    assert (await lab.ask020("/kmapi/v2/ext_keys", {})).status == 404
    answer = await lab.ask020(EXT_KEYS_PATH)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert (await lab.ask020(VERSIONS_PATH, {})).status == 405


@pytest.mark.parametrize("value", ["text/plain", "application/json; charset=latin-1", "application/xml"])
async def test_a_body_that_is_not_declared_as_json_in_utf_8(lab, value):
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab), headers={"Content-Type": value})
    require_problem(answer, 400, "invalid-parameter")


async def test_a_body_beyond_8_mib(lab):
    answer = await lab.ask020(EXT_KEYS_PATH, io.BytesIO(b" " * (8 * 1024 * 1024 + 1)))
    assert answer.status == 413


# ext_keys


@pytest.mark.parametrize("slave", ["bob", "brian"])
async def test_asynchronous_keys_are_accepted_and_acknowledged_once_relayed(lab, slave):
    key = ext_key()
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, key, targets=[slave]))
    assert (answer.status, answer.items) == (202, None)
    told = await lab.neighbour.told("relayed", key["key_id"])
    assert (told["initiator_sae_id"], told["target_sae_ids"]) == ("alice", [slave])
    jsonschema_rs.validate({"$ref": "#/components/schemas/ack_container", "components": OPENAPI["components"]}, told)
    assert (await fetch(lab, key, slave))["key"] == key["value"]
    assert await fetch(lab, key, slave) is None


async def test_synchronous_keys_are_acknowledged_in_the_answer(lab):
    key = ext_key()
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, key, targets=["bob", "bella", "brian"], synchronous=True))
    (told,) = answer.items
    assert (answer.status, told["ack_status"]) == (200, "relayed")
    assert (told["key_id_container"], told["target_sae_ids"]) == (
        [{"key_id": key["key_id"]}],
        ["bella", "bob", "brian"],
    )
    for slave in ("bob", "bella", "brian"):
        assert (await fetch(lab, key, slave))["key"] == key["value"]
    assert lab.neighbour.n_calls == 0


async def test_keys_of_different_sizes_in_one_container(lab):
    keys = [ext_key(b"k" * n) for n in (8, 32, 33, 512)]
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, *keys, synchronous=True))
    assert answer.items[0]["ack_status"] == "relayed"
    for key in keys:
        assert (await fetch(lab, key))["key"] == key["value"]


async def test_what_is_wrong_with_a_container(lab):
    body = container(lab)
    del body["initiator_sae_id"]
    require_problem(await lab.ask020(EXT_KEYS_PATH, body), 400, "missing-parameters", "missing_parameters")
    require_problem(await lab.ask020(EXT_KEYS_PATH, b"{"), 400, "invalid-parameter", "invalid_parameter")
    for octets in (b"short", b"k" * 513):
        answer = await lab.ask020(EXT_KEYS_PATH, container(lab, ext_key(octets)))
        require_problem(answer, 400, "invalid-parameter")


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:1/kmapi/v1/ext_keys/ack", "https://metadata.internal/", "{}/", "{}?x"]
)
@pytest.mark.parametrize("path", [EXT_KEYS_PATH, VOID_PATH])
async def test_a_callback_that_was_not_agreed_is_refused_and_never_called(lab, path, url):
    url = url.format(lab.callback_url("a2"))
    body = container(lab) if path == EXT_KEYS_PATH else void(lab, str(uuid4()))
    require_problem(await lab.ask020(path, {**body, "ack_callback_url": url}), 400, "invalid-parameter")
    await asyncio.sleep(0.2)
    assert lab.neighbour.n_calls == 0


async def test_an_initiator_that_the_caller_may_not_speak_for(lab):
    for initiator in ("brian", "chris", "nobody"):
        answer = await lab.ask020(EXT_KEYS_PATH, container(lab, initiator=initiator))
        require_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize(
    ("targets", "detail"),
    [
        (["nobody"], "target_sae_id_not_recognized"),
        (["bob", "nobody"], "target_sae_id_not_recognized"),
        (["anna"], "invalid_routing"),
        (["dora"], "no_known_route"),
        ([f"sae{n}" for n in range(10)], "no_route_multiple_targets"),
    ],
)
async def test_targets_that_no_route_leads_to(lab, targets, detail):
    lab.spoilt = True
    gateway, supply = lab.sites["b1"].gateway, lab.sites["b1"].supply
    supply.directory.saes.update({f"sae{n}": "b2" for n in range(10)})
    del gateway.interworking.operators["D"]
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, targets=targets))
    require_problem(answer, 400, "key-routing-error", detail)
    assert lab.sites["b1"].store.foreign_received() == ()


async def test_an_unknown_mandatory_extension(lab):
    body = container(lab, extension_mandatory={"E32473_route": {"kind": "direct"}})
    answer = await lab.ask020(EXT_KEYS_PATH, body)
    require_problem(answer, 503, "unsupported-mandatory-extension", "unsupported_mandatory_extension")
    assert "E32473_route" in answer.items["details"]["unsupported_mandatory_extension"]


async def test_too_little_stock_to_carry_keys(lab):
    n_keys = lab.sites["b1"].store.count_ready("b2", "b1") // 2  # a key costs two
    keys = [ext_key() for _ in range(n_keys + 1)]
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, *keys))
    require_problem(answer, 503, "insufficient-key-material", "insufficient_key_material")
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, *keys[:n_keys], synchronous=True))
    assert answer.items[0]["ack_status"] == "relayed"


async def test_a_target_s_site_that_is_away_fails_the_key(lab):
    await lab.stop("b2")
    key = ext_key()
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, key, targets=["bob", "brian"], synchronous=True))
    assert answer.items[0]["ack_status"] == "failed"
    assert await fetch(lab, key, "brian") is None


async def test_a_key_that_takes_too_long_is_a_timeout_and_the_retry_gets_its_outcome(lab):
    lab.spoilt = True
    peers, ask = lab.sites["b1"].kme.peers, lab.sites["b1"].kme.peers.ask

    async def slow(*args):
        await asyncio.sleep(0.9)
        return await ask(*args)

    peers.ask = slow
    lab.hasten("b1")
    body = container(lab, synchronous=True)
    require_problem(await lab.ask020(EXT_KEYS_PATH, body), 408, "timeout", "timeout")
    for _ in range(100):
        answer = await lab.ask020(EXT_KEYS_PATH, body)
        if answer.status != 408:
            break
    assert answer.items[0]["ack_status"] == "relayed"


# Pedigree and extensions


@pytest.mark.parametrize("enterprise", [32473, 99])
async def test_a_stated_pedigree_goes_with_the_key(lab, enterprise):
    stated = write_pedigree(Pedigree(1e-8, Origin.MEASURED, Proof("Lim", "coherent", True), hops=3))
    key = ext_key(**{f"E{enterprise}_haris_pedigree": stated})
    await lab.ask020(EXT_KEYS_PATH, container(lab, key, synchronous=True))
    found = (await fetch(lab, key))["key_extension"]
    assert found["haris_epsilon"] == pytest.approx(1.2e-8)  # two pads of 1e-9
    assert (found["haris_origin"], found["haris_hops"]) == ("measured", 4)


async def test_a_key_without_a_pedigree_is_a_vendor_s(lab):
    key = ext_key(E99_other="x")
    await lab.ask020(EXT_KEYS_PATH, container(lab, key, synchronous=True))
    found = (await fetch(lab, key))["key_extension"]
    assert (found["haris_origin"], found["haris_epsilon"]) == ("vendor", None)
    assert "operator A says nothing" in found["haris_epsilon_reason"]


@pytest.mark.parametrize("wrong", [{"haris_origin": "dreamt"}, {"haris_origin": "emulated"}, {"haris_epsilon": -1.0}])
async def test_a_pedigree_that_cannot_be_or_must_not_be(lab, wrong):
    stated = {**write_pedigree(Pedigree(1e-8, Origin.MEASURED, Proof("Lim", "coherent", True))), **wrong}
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, ext_key(E32473_haris_pedigree=stated)))
    require_problem(answer, 400, "invalid-parameter")


@pytest.mark.parametrize("where", ["key", "container", "pedigree"])
async def test_extensions_that_are_too_long_to_go_on(lab, where):
    long = {"E99_long": "x" * 16_384}
    stated = write_pedigree(replace(STATED, proof=Proof("x" * 16_384, "coherent", True)))
    body = {
        "key": container(lab, ext_key(**long), targets=["dora"]),
        "container": container(lab, targets=["dora"], extension_optional=long),
        "pedigree": container(lab, ext_key(E32473_haris_pedigree=stated)),
    }[where]
    require_problem(await lab.ask020(EXT_KEYS_PATH, body), 400, "invalid-parameter")
    if where != "pedigree":  # nowhere to go
        assert (await lab.ask020(EXT_KEYS_PATH, {**body, "target_sae_ids": ["bob"]})).status == 202


async def test_a_key_voided_on_its_way_to_a_further_operator(lab):
    """The void is settled before the key leaves: it is taken back from there, too."""
    lab.spoilt = True
    further, exports = Neighbour(lab, "d"), lab.sites["b1"].gateway.exports
    await further.start()
    going, hurry, export = asyncio.Event(), asyncio.Event(), exports.export

    async def late(each):
        going.set()
        await hurry.wait()
        await export(each)

    exports.export = late
    key = ext_key()
    try:
        await lab.ask020(EXT_KEYS_PATH, container(lab, key, targets=["dora"]))
        await going.wait()
        await lab.ask020(VOID_PATH, void(lab, key["key_id"], targets=["dora"]))
        await lab.neighbour.told("voided", key["key_id"])
        hurry.set()
        await eventually(lambda: further.voids)
        assert further.voids[0]["key_ids"] == [key["key_id"]]
        assert lab.neighbour.words(key["key_id"]) == {"voided"}
    finally:
        await further.close()


@pytest.mark.parametrize(("target", "operator"), [("dora", "d"), ("chris", "c")])
async def test_a_key_for_a_further_operator_goes_on_with_what_came_with_it(lab, target, operator):
    """D stands at the door of the same gateway, C at that of another site."""
    further = Neighbour(lab, operator)
    await further.start()
    stated = write_pedigree(Pedigree(1e-8, Origin.MEASURED, Proof("Lim", "coherent", True)))
    key = ext_key(E99_color={"red": 1}, E32473_haris_pedigree=stated)
    optional = {"E99_route": ["x", None, 1.5], "E98_more": "y"}
    body = container(lab, key, targets=[target, "bob"], extension_optional=optional)
    try:
        assert (await lab.ask020(EXT_KEYS_PATH, body)).status == 202
        await lab.neighbour.told("relayed", key["key_id"])
        (went,) = further.keys
        assert went["extension_optional"] == optional
        assert (went["initiator_sae_id"], went["target_sae_ids"]) == ("alice", [target])
        assert went["keys"][0]["value"] == key["value"]
        assert went["keys"][0]["extension"]["E99_color"] == {"red": 1}
        pedigree = went["keys"][0]["extension"]["E32473_haris_pedigree"]
        assert any("as operator A states it" in each for each in pedigree["haris_proof"]["assumptions"])
        assert (await fetch(lab, key))["key"] == key["value"]
        assert (await lab.ask020(VOID_PATH, void(lab, key["key_id"], targets=[target, "bob"]))).status == 202
        await lab.neighbour.told("failed to void", key["key_id"])  # bob has it
        assert [each["key_ids"] for each in further.voids][:1] == [[key["key_id"]]]
    finally:
        await further.close()


# Repeated, lost, restarted


async def test_the_same_container_again_is_acknowledged_again_and_delivered_once(lab):
    body = container(lab, ext_key())
    key, n_ready = body["keys"][0], lab.sites["b1"].store.count_ready("b2", "b1")
    for _ in range(3):
        assert (await lab.ask020(EXT_KEYS_PATH, body)).status == 202
        await lab.neighbour.told("relayed", key["key_id"])
        lab.neighbour.acks.clear()
    assert lab.sites["b1"].store.count_ready("b2", "b1") == n_ready - 2
    assert await fetch(lab, key) is not None
    assert (await lab.ask020(EXT_KEYS_PATH, body)).status == 202
    await lab.neighbour.told("relayed", key["key_id"])
    assert await fetch(lab, key) is None


@pytest.mark.parametrize("change", ["value", "targets", "pedigree"])
async def test_a_key_id_that_comes_again_with_something_else(lab, change):
    key = ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, key, synchronous=True))
    other = {
        "value": container(lab, ext_key(key_id=key["key_id"])),
        "targets": container(lab, key, targets=["bella"]),
        "pedigree": container(lab, {**key, "extension": {"E99_haris_pedigree": write_pedigree(STATED)}}),
    }[change]
    require_problem(await lab.ask020(EXT_KEYS_PATH, other), 400, "invalid-parameter")


async def test_a_key_id_of_our_own_stock_is_refused(lab):
    taken = lab.sites["b1"].store.reserve("b2", "b1", 1, "delivery")[0].key_id
    for key_id in (taken, UUID(int=taken.int)):
        answer = await lab.ask020(EXT_KEYS_PATH, container(lab, ext_key(key_id=str(key_id))))
        require_problem(answer, 400, "invalid-parameter")


@pytest.mark.parametrize("refusal", [503, 500, 0])
async def test_a_lost_acknowledgement_is_told_until_it_is_heard(lab, refusal):
    lab.spoilt = True  # its alarm
    if refusal:
        lab.neighbour.refusal = refusal
    else:
        await lab.neighbour.close()
    key = ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, key))
    await eventually(lambda: lab.sites["b1"].alarms)
    assert "cannot be told" in lab.sites["b1"].alarms[0].text
    lab.neighbour.refusal = 0
    if not refusal:
        await lab.neighbour.start()
    await lab.neighbour.told("relayed", key["key_id"])
    await eventually(lambda: not lab.sites["b1"].alarms[-1].active)
    assert lab.sites["b1"].store.acks_owed("A") == ()


@pytest.mark.parametrize("status", [400, 401])
async def test_an_acknowledgement_that_is_refused_voids_the_key(lab, status):
    """The other side has no such key, so that nobody may have it here."""
    lab.neighbour.refusal = status
    key = ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, key))
    store = lab.sites["b1"].store
    await eventually(lambda: store.foreign_states("A", [UUID(key["key_id"])]) == {UUID(key["key_id"]): "voided"})
    assert await fetch(lab, key) is None


async def test_a_gateway_killed_between_202_and_its_acknowledgement_still_tells(lab):
    await lab.neighbour.close()
    key = ext_key()
    assert (await lab.ask020(EXT_KEYS_PATH, container(lab, key))).status == 202
    await lab.kill("b1")
    await lab.neighbour.start()
    await lab.start("b1")
    states = lab.sites["b1"].store.foreign_states
    await eventually(lambda: states("A", [UUID(key["key_id"])])[UUID(key["key_id"])] in ("relayed", "failed"))
    status = states("A", [UUID(key["key_id"])])[UUID(key["key_id"])]
    await lab.neighbour.told(status, key["key_id"])
    assert (await fetch(lab, key) is not None) == (status == "relayed")


async def test_a_gateway_killed_while_it_carries_fails_the_key_everywhere(lab):
    """b2 holds the key, and b1 dies before it knows: the key is taken back before `failed` is said."""
    lab.spoilt = True
    peers = lab.sites["b1"].kme.peers
    held, ask = asyncio.Event(), peers.ask

    async def hang(*args):
        await ask(*args)
        held.set()
        await asyncio.sleep(0.5)
        raise OSError("dead")

    peers.ask = hang
    key = ext_key()
    assert (await lab.ask020(EXT_KEYS_PATH, container(lab, key))).status == 202
    await held.wait()
    await lab.kill("b1")
    await lab.start("b1")
    await lab.neighbour.told("failed", key["key_id"])
    assert await fetch(lab, key) is None


# ack


async def sent(lab, *targets):
    """A key of brian's on its way to A."""
    key_id = uuid4()
    lab.sites["b1"].store.note_departures(Parties("A", "brian", targets), [key_id])
    return str(key_id), key_id


def brians(*acks):
    return [{**each, "initiator_sae_id": "brian"} for each in acks]


async def test_an_acknowledgement_of_a_key_that_was_sent(lab):
    text, key_id = await sent(lab, "alice", "anna")
    store = lab.sites["b1"].store
    body = brians(*ack(text, targets=["anna"]))
    assert (await lab.ask020(ACK_PATH, body)).items is None
    assert store.departures("A", [key_id]) == {key_id: "sent"}  # one of two targets
    assert (await lab.ask020(ACK_PATH, brians(*ack(text, targets=["alice"])))).status == 200
    assert store.departures("A", [key_id]) == {key_id: "relayed"}
    assert (await lab.ask020(ACK_PATH, body)).status == 200  # once more


async def test_one_target_that_failed_voids_the_key_for_the_others(lab):
    text, key_id = await sent(lab, "alice", "anna")
    await lab.ask020(ACK_PATH, brians(*ack(text, targets=["anna"])))
    await lab.ask020(ACK_PATH, brians(*ack(text, targets=["alice"], status="failed")))
    await eventually(lambda: lab.neighbour.voids)
    assert lab.neighbour.voids[0]["key_ids"] == [text]
    await eventually(lambda: lab.sites["b1"].store.departures("A", [key_id]) == {key_id: "voided"})


async def test_an_acknowledgement_of_a_key_that_was_never_sent(lab):
    text, key_id = await sent(lab, "alice")
    for body in (
        ack(str(uuid4()), targets=["anna"]),
        brians(*ack(text, targets=["anna"])),
        ack(text, targets=["bob"]),
        brians(*ack(text, targets=["alice"]), *ack(str(uuid4()), targets=["alice"])),
    ):
        require_problem(await lab.ask020(ACK_PATH, body), 400, "key-not-present", "key_not_present")
    assert lab.sites["b1"].store.departures("A", [key_id]) == {key_id: "sent"}


async def test_an_acknowledgement_that_is_not_understood(lab):
    for body in (b"", b"[]", [{"ack_status": "x"}], {}):
        answer = await lab.ask020(ACK_PATH, body)
        assert answer.status == 400
        kind = answer.items["type"].removeprefix(PROBLEMS)
        assert kind in ("ack-not-understood", "missing-parameters")


# void


async def test_void_of_a_relayed_key_before_it_is_fetched(lab):
    key = ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, key, targets=["bob", "brian"], synchronous=True))
    answer = await lab.ask020(VOID_PATH, void(lab, key["key_id"], targets=["brian", "bob"]))
    assert (answer.status, answer.items) == (202, None)
    await lab.neighbour.told("voided", key["key_id"])
    assert await fetch(lab, key) is None
    assert await fetch(lab, key, "brian") is None


async def test_void_in_its_answer(lab):
    kept, gone, unknown = ext_key(), ext_key(), str(uuid4())
    await lab.ask020(EXT_KEYS_PATH, container(lab, kept, gone, synchronous=True))
    assert await fetch(lab, kept) is not None
    answer = await lab.ask020(VOID_PATH, void(lab, kept["key_id"], gone["key_id"], unknown, synchronous=True))
    assert answer.status == 200
    words = {each["ack_status"]: each["key_id_container"] for each in answer.items}
    assert words == {
        "failed to void": [{"key_id": kept["key_id"]}],
        "voided": [{"key_id": gone["key_id"]}],
        "key not present": [{"key_id": unknown}],
    }


async def test_a_key_that_was_voided_before_it_came_is_refused_for_ever(lab):
    key = ext_key()
    await lab.ask020(VOID_PATH, void(lab, key["key_id"]))
    await lab.neighbour.told("key not present", key["key_id"])
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, key))
    assert answer.status == 202
    await lab.neighbour.told("voided", key["key_id"])
    answer = await lab.ask020(EXT_KEYS_PATH, container(lab, key, synchronous=True))
    assert answer.items[0]["ack_status"] == "voided"
    assert await fetch(lab, key) is None


async def test_void_while_the_key_is_carried(lab):
    lab.spoilt = True
    peers, ask = lab.sites["b1"].kme.peers, lab.sites["b1"].kme.peers.ask
    asked, voided = asyncio.Event(), asyncio.Event()

    async def late(site, verb, *rest):
        if verb == "assign":
            asked.set()
            await voided.wait()
        return await ask(site, verb, *rest)

    peers.ask = late
    key = ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, key))
    await asked.wait()
    await lab.ask020(VOID_PATH, void(lab, key["key_id"]))
    await lab.neighbour.told("voided", key["key_id"])
    voided.set()
    await asyncio.sleep(0.2)
    assert await fetch(lab, key) is None
    assert lab.neighbour.words(key["key_id"]) == {"voided"}


async def test_void_of_another_set_of_saes_leaves_the_key_alone(lab):
    key = ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, key, synchronous=True))
    for parties in ({"targets": ["bella"]}, {"initiator": "anna"}, {"targets": ["bob", "bella"]}):
        answer = await lab.ask020(VOID_PATH, void(lab, key["key_id"], synchronous=True, **parties))
        assert answer.items[0]["ack_status"] == "key not present"
    assert await fetch(lab, key) is not None


async def test_void_of_every_key_needs_confirmation(lab):
    await lab.ask020(VOID_PATH, void(lab, all_confirmation=True, synchronous=True))  # those of other tests
    keys = [ext_key() for _ in range(3)]
    other = ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, *keys, synchronous=True))
    await lab.ask020(EXT_KEYS_PATH, container(lab, other, targets=["bella"], synchronous=True))
    for more in ({}, {"all_confirmation": False}):
        answer = await lab.ask020(VOID_PATH, void(lab, **more))
        require_problem(answer, 400, "no-key-ids-or-confirmation", "no_key_ids_or_confirmation")
    answer = await lab.ask020(VOID_PATH, void(lab, all_confirmation=True, synchronous=True))
    assert {each["key_id"] for each in answer.items[0]["key_id_container"]} == {key["key_id"] for key in keys}
    assert answer.items[0]["ack_status"] == "voided"
    assert await fetch(lab, other, "bella") is not None
    require_problem(await lab.ask020(VOID_PATH, void(lab, all_confirmation=True)), 400, "key-not-present")


async def test_void_of_named_keys_with_all_confirmation_voids_those_alone(lab):
    gone, kept = ext_key(), ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, gone, kept, synchronous=True))
    await lab.ask020(VOID_PATH, void(lab, gone["key_id"], all_confirmation=True, synchronous=True))
    assert await fetch(lab, gone) is None
    assert await fetch(lab, kept) is not None


async def test_void_while_a_target_s_site_is_away_is_told_when_it_is_back(lab):
    key = ext_key()
    await lab.ask020(EXT_KEYS_PATH, container(lab, key, synchronous=True))
    await lab.stop("b2")
    lab.hasten("b1")
    require_problem(await lab.ask020(VOID_PATH, void(lab, key["key_id"], synchronous=True)), 408, "timeout")
    await lab.start("b2")
    await lab.ask020(VOID_PATH, void(lab, key["key_id"]))
    await lab.neighbour.told("voided", key["key_id"])
    assert await fetch(lab, key) is None


async def test_void_that_is_not_understood(lab):
    require_problem(await lab.ask020(VOID_PATH, b"[]"), 400, "void-request-not-understood")
    body = void(lab, str(uuid4()))
    del body["target_sae_ids"]
    require_problem(await lab.ask020(VOID_PATH, body), 400, "missing-parameters")
    answer = await lab.ask020(VOID_PATH, void(lab, str(uuid4()), initiator="brian"))
    require_problem(answer, 401, "unauthorized")


async def test_the_receiver_of_keys_may_give_them_up(lab):
    """Void in the opposite direction: A cannot acknowledge a key of ours, and voids it."""
    for relayed, word in ((False, "voided"), (True, "failed to void")):
        text, _ = await sent(lab, "alice")
        if relayed:
            await lab.ask020(ACK_PATH, brians(*ack(text, targets=["alice"])))
        body = void(lab, text, initiator="brian", targets=["alice"], synchronous=True)
        assert (await lab.ask020(VOID_PATH, body)).items[0]["ack_status"] == word


async def test_the_description_has_every_method():
    assert set(OPENAPI["paths"]) == {VERSIONS_PATH, EXT_KEYS_PATH, ACK_PATH, VOID_PATH}
