"""Keys from an application of one operator to one of another, over both networks and their gateways."""

import asyncio
import base64
from uuid import UUID

import operators_lab
import pytest
from operators_lab import OperatorsLab, eventually

from haris.nouns.assignments import Void
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire import kme

EMULATED = Pedigree(1e-9, Origin.EMULATED, Proof("Lim et al. 2014", "coherent", True))


@pytest.fixture
async def lab(request, tmp_path):
    lab = OperatorsLab(tmp_path, synchronous=getattr(request, "param", False))
    await lab.start_network("A")
    await lab.start_network("B")
    lab.seed("a1", "a2", 8)
    for site in ("b2", "b3"):
        lab.seed("b1", site, 16)
    yield lab
    await lab.close()


BOTH_MODES = pytest.mark.parametrize("lab", [False, True], ids=["asynchronous", "synchronous"], indirect=True)


async def taken(lab, slave="bob", **body):
    answer = await lab.ask014("alice", f"{slave}/enc_keys", body or {"number": 1})
    assert answer.status == 200, answer.items
    return answer.items["keys"]


@BOTH_MODES
async def test_a_master_s_key_reaches_a_slave_of_the_other_operator(lab):
    (key,) = await taken(lab)
    answer = await lab.ask014("bob", f"alice/dec_keys?key_ID={key['key_ID']}")
    assert answer.status == 200
    (found,) = answer.items["keys"]
    assert (found["key_ID"], found["key"]) == (key["key_ID"], key["key"])
    again = await lab.ask014("bob", f"alice/dec_keys?key_ID={key['key_ID']}")
    assert again.status == 400


async def test_the_pedigree_crosses_and_grows(lab):
    (key,) = await taken(lab)
    (found,) = (await lab.ask014("bob", f"alice/dec_keys?key_ID={key['key_ID']}")).items["keys"]
    mine, theirs = key["key_extension"], found["key_extension"]
    assert (theirs["haris_origin"], theirs["haris_hops"]) == ("measured", 2)
    assert theirs["haris_epsilon"] == pytest.approx(mine["haris_epsilon"] + 2e-9)  # two pads: key and tag
    assert any("as operator A states it" in each for each in theirs["haris_proof"]["assumptions"])


async def test_a_greatest_epsilon_cannot_be_promised_beyond_the_gateway(lab):
    answer = await lab.ask014("alice", "bob/enc_keys", {"extension_mandatory": [{"haris_max_epsilon": 1e-6}]})
    assert (answer.status, answer.message) == (400, "not all extension_mandatory request options could be met")


@BOTH_MODES
async def test_many_keys_of_another_size_to_targets_at_three_sites(lab):
    keys = await taken(lab, number=3, size=512, additional_slave_SAE_IDs=["bella", "brian"])
    names = {"key_IDs": [{"key_ID": key["key_ID"]} for key in keys]}
    for slave in ("bob", "bella", "brian"):
        answer = await lab.ask014(slave, "alice/dec_keys", names)
        assert [key["key"] for key in answer.items["keys"]] == [key["key"] for key in keys], slave
        assert len(base64.b64decode(answer.items["keys"][0]["key"])) == 64


async def test_a_key_for_slaves_of_both_operators(lab):
    (key,) = await taken(lab, number=1, additional_slave_SAE_IDs=["gail", "anna"])
    for slave in ("bob", "gail", "anna"):
        answer = await lab.ask014(slave, f"alice/dec_keys?key_ID={key['key_ID']}")
        assert answer.items["keys"][0]["key"] == key["key"], slave


async def test_keys_flow_the_other_way(lab):
    lab.seed("b2", "b1", 2)
    lab.seed("a2", "a1", 4)
    answer = await lab.ask014("bob", "alice/enc_keys")
    key = answer.items["keys"][0]
    found = await lab.ask014("alice", f"bob/dec_keys?key_ID={key['key_ID']}")
    assert found.items["keys"][0]["key"] == key["key"]


async def test_an_application_of_another_operator_is_no_caller_here(lab):
    lab.files["alice-of-b"] = lab.authorities["B"].issue("alice")
    tls, lab.files["alice"] = lab.files["alice"], lab.files["alice-of-b"]
    operators_lab.HOME["alice"] = "b1"
    try:
        answer = await lab.ask014("alice", "brian/enc_keys")
    finally:
        operators_lab.HOME["alice"], lab.files["alice"] = "a1", tls
    assert answer.status == 401


async def test_no_stock_over_there_is_no_key_here(lab):
    lab.hasten("a2")
    lab.sites["b1"].store.reserve("b2", "b1", 15, "delivery")
    answer = await lab.ask014("alice", "bob/enc_keys")
    assert answer.status == 503
    assert "insufficient" in answer.message or "too few" in answer.message or "did not relay" in answer.message


@BOTH_MODES
async def test_a_target_that_the_other_operator_does_not_know(lab):
    there = lab.sites["b1"].supply.directory
    there.saes.pop("bob")
    answer = await lab.ask014("alice", "bob/enc_keys")
    assert answer.status == 503
    assert "target_sae_id_not_recognized" in answer.message


async def test_the_other_operator_is_away(lab):
    await lab.stop("b1")
    lab.hasten("a2")
    answer = await lab.ask014("alice", "bob/enc_keys")
    assert answer.status == 503
    await lab.start("b1")
    store = lab.sites["a2"].store
    await eventually(lambda: not store.departures_to_void("B"))
    assert store.count_ready("a1", "a1") == 7  # its key is burnt
    lab.hasten("a2", 4.0)
    await taken(lab)


async def test_a_target_s_site_is_away_so_that_the_key_is_void_everywhere(lab):
    await lab.stop("b2")
    answer = await lab.ask014("alice", "bob/enc_keys", {"number": 1, "additional_slave_SAE_IDs": ["brian"]})
    assert answer.status == 503
    await lab.start("b2")
    store = lab.sites["b1"].store
    await eventually(lambda: not store.voids_owed("b2") and not store.foreign_recalls())
    rows = store._database
    with rows.transaction() as tx:
        (state,) = tx.one("SELECT state FROM assigned")
        assert state == "spent"
        assert tx.one("SELECT secret FROM assigned") == (None,)


async def test_emulated_keys_are_refused_by_an_operator_that_is_no_laboratory(lab):
    for site in ("a1", "a2"):
        await lab.stop(site)
    await lab.start_network("A", laboratory=True)
    lab.sites["a1"].store.reserve("a2", "a1", 8, "delivery")
    lab.seed("a1", "a2", 2, EMULATED)
    answer = await lab.ask014("alice", "bob/enc_keys")
    assert answer.status == 503
    assert "laboratory" in answer.message


@BOTH_MODES
async def test_a_gateway_killed_while_it_hands_over_leaves_no_key(lab):
    """a2 dies after the other operator has taken the key and before a1 hears of it."""
    gateway = lab.sites["a2"].gateway.exports
    sent = asyncio.Event()

    async def die(export):
        sent.set()
        await asyncio.sleep(30)

    hand_over = gateway._hand_over

    async def hand_over_and_hang(export):
        await hand_over(export)
        await die(export)

    gateway._hand_over = hand_over_and_hang
    lab.hasten("a2", 1.0)
    asked = asyncio.create_task(lab.ask014("alice", "bob/enc_keys"))
    await sent.wait()
    await lab.kill("a2")
    assert (await asked).status == 503
    await lab.start("a2")
    store, there = lab.sites["a2"].store, lab.sites["b1"].store
    await eventually(lambda: not lab.sites["a1"].store.voids_owed("a2"))
    await eventually(lambda: not store.departures_to_void("B") and not there.foreign_recalls())
    with there._database.transaction() as tx:
        assert {state for (state,) in tx.all("SELECT state FROM arrivals")} <= {"voided", "absent"}
    with lab.sites["b2"].store._database.transaction() as tx:
        assert all(secret is None for (secret,) in tx.all("SELECT secret FROM assigned"))


async def test_keys_given_up_after_delivery_are_told_to_the_operator(lab):
    (key,) = await taken(lab)
    assert (await lab.ask014("bob", f"alice/dec_keys?key_ID={key['key_ID']}")).status == 200
    gateway = lab.sites["a2"].gateway
    body = await gateway.exports.void_assigned("a1", kme.write_void([Void(UUID(key["key_ID"]), ())]))
    assert kme.read_voided(body) == (UUID(key["key_ID"]),)
    assert any("delivered before" in alarm.text for alarm in lab.sites["a2"].alarms)
