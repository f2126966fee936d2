"""SKIP between two key managers: every method of Table 2 and every status of Tables 3, 7 and 9 of the draft."""

import os
import ssl
from dataclasses import replace
from uuid import UUID

import aiohttp
import pytest
from kme_lab import MEASURED, SAES, Lab

from haris.keys.policy import Policy, Rule
from haris.keys.skip import MAX_ENTROPY_BITS, Systems
from haris.node.supply.skip_client import SkipClient
from haris.node.supply.skip_face import skip_routes
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError, StoreError
from haris.nouns.keys import Origin

SYSTEMS = Systems({"alice": "KP_ALICE", "bob": "KP_BOB"}, tuple(SAES))


class SkipLab(Lab):
    def routes(self, site, supply):
        return skip_routes(supply, SYSTEMS, lambda: self.sites[site].kme.deliveries, os.urandom)

    def context(self, sae):
        context = ssl.create_default_context(cafile=self.files[sae].authority)
        context.load_cert_chain(self.files[sae].certificate, self.files[sae].private_key)
        return context

    def client(self, sae):
        return SkipClient(self.url(SAES[sae]), self.context(sae))

    async def get(self, sae, path, method="GET", site=None):
        connector, url = aiohttp.TCPConnector(ssl=self.context(sae)), self.url(site or SAES[sae]) + path
        async with aiohttp.ClientSession(connector=connector) as session, session.request(method, url) as answer:
            assert answer.content_type == "application/json"
            return answer.status, await answer.json(), answer.headers


@pytest.fixture
async def lab(tmp_path):
    lab = SkipLab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    lab.seed("bank", "exchange", 4)
    yield lab
    await lab.close()


async def test_the_flow_of_figure_2(lab):
    async with lab.client("alice") as alice, lab.client("bob") as bob:
        offered = await alice.capabilities()
        assert (offered.local_system, offered.entropy, offered.key) == ("KP_ALICE", True, True)
        assert set(offered.remote_systems) == {"KP_BOB", "bella", "carol"}
        assert len(offered.algorithm) <= 16
        key = await alice.fresh_key("KP_BOB")
        assert len(key.octets) == 32
        assert await bob.known_key(key.key_id, "KP_ALICE") == key
        with pytest.raises(ParameterError, match="400"):
            await bob.known_key(key.key_id, "KP_ALICE")


async def test_the_octets_of_an_answer(lab):
    status, key, headers = await lab.get("alice", "/key?remoteSystemID=KP_BOB&size=128")
    assert (status, set(key), len(key["keyId"]), len(key["key"])) == (200, {"keyId", "key"}, 32, 32)
    assert int(key["keyId"] + key["key"], 16)
    assert headers["Cache-Control"] == "no-store"
    path = f"/key/{key['keyId'].upper()}?remoteSystemID=KP_ALICE"
    assert (await lab.get("bob", path))[1] == key
    status, entropy, _ = await lab.get("alice", "/entropy")
    assert (status, entropy["minentropy"], len(entropy["randomStr"])) == (200, 256, 64)
    assert (await lab.get("alice", "/entropy?minentropy=9"))[1]["minentropy"] == 16


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/key/", 400),
        ("/key/1/2", 404),
        ("/keys", 404),
        ("/key", 400),
        ("/key?remoteSystemID=nobody", 400),
        ("/key?remoteSystemID=alice", 400),  # its system ID is another
        ("/key?remoteSystemID=KP_ALICE", 400),
        ("/key?remoteSystemID=anna", 400),  # at the same site
        ("/key?remoteSystemID=KP_*", 400),
        ("/key?remoteSystemID=KP_BOB&size=12", 400),
        ("/key?remoteSystemID=KP_BOB&size=0", 400),
        ("/key?remoteSystemID=KP_BOB&size=56", 400),
        ("/key?remoteSystemID=KP_BOB&size=8192", 400),
        ("/key?remoteSystemID=KP_BOB&size=4096", 503),
        ("/key?remoteSystemID=KP_BOB&number=2", 400),
        ("/key/00?remoteSystemID=KP_BOB", 400),
        (f"/key/{'0' * 32}?remoteSystemID=KP_BOB", 400),
        (f"/key/{UUID(int=1)}?remoteSystemID=KP_BOB", 400),
        (f"/key/{'0' * 32}", 400),
        ("/entropy?minentropy=0", 400),
        (f"/entropy?minentropy={MAX_ENTROPY_BITS + 1}", 400),
    ],
)
async def test_requests_that_are_refused(lab, path, status):
    found, body, headers = await lab.get("alice", path)
    assert found == status
    assert set(body) == {"message"}
    assert ("Retry-After" in headers) == (status == 503)
    assert lab.sites["bank"].supply.stored_key_count("exchange", "alice", "bob") == 4


@pytest.mark.parametrize("path", ["/capabilities", "/key?remoteSystemID=KP_BOB", "/key/00", "/entropy"])
async def test_get_is_the_only_method(lab, path):
    status, _, headers = await lab.get("alice", path, "POST")
    assert (status, headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("path", ["/capabilities", "/key?remoteSystemID=KP_BOB", "/entropy"])
async def test_strangers_get_nothing(lab, path):
    for sae in ("mallory", "bob"):
        assert (await lab.get(sae, path, site="bank"))[0] in (400, 401)


async def test_somebody_elses_key_is_refused(lab):
    async with lab.client("alice") as alice, lab.client("bella") as bella:
        key = await alice.fresh_key("KP_BOB")
        with pytest.raises(ParameterError, match="401"):
            await bella.known_key(key.key_id, "KP_ALICE")
        with pytest.raises(ParameterError, match="400"):
            await alice.known_key(key.key_id, "KP_BOB")


async def test_a_store_out_of_order_is_an_internal_error(lab, monkeypatch):
    def torn(*arguments):
        raise StoreError("torn")

    monkeypatch.setattr(lab.sites["exchange"].store.__class__, "serve", torn)
    status, body, _ = await lab.get("bob", f"/key/{'0' * 32}?remoteSystemID=KP_ALICE")
    assert (status, body) == (500, {"message": "the key store is out of order"})
    async with lab.client("bob") as bob:
        with pytest.raises(KeyUnavailable, match="500"):
            await bob.known_key(UUID(int=0), "KP_ALICE")


async def test_emulated_keys_stay_in_the_laboratory(lab):
    lab.seed("bank", "exchange", 20, replace(MEASURED, origin=Origin.EMULATED))
    assert (await lab.get("alice", "/key?remoteSystemID=KP_BOB&size=4096"))[0] == 503
    assert "emulated" in str(lab.sites["bank"].alarms)


async def test_rules_narrow_the_capabilities(lab):
    lab.sites["bank"].supply.admission.policy = Policy((Rule(("alice",), ("bob",)),))
    async with lab.client("alice") as alice, lab.client("anna") as anna:
        assert (await alice.capabilities()).remote_systems == ("KP_BOB",)
        assert (await anna.capabilities()).remote_systems == ()


async def test_a_provider_that_breaks_the_protocol(lab, monkeypatch):
    async with lab.client("alice") as alice:
        with monkeypatch.context() as patch:
            patch.setattr("haris.wire.skip.write_key", lambda key_id, secret: b'{"keyId":"x"}')
            with pytest.raises(PeerError):
                await alice.fresh_key("KP_BOB")
        with monkeypatch.context() as patch:
            patch.setattr("haris.wire.skip.write_entropy", lambda octets: b'{"randomStr":"00","minentropy":8}')
            with pytest.raises(PeerError, match="less entropy"):
                await alice.entropy()
        await lab.stop("bank")
        with pytest.raises(KeyUnavailable, match="cannot be reached"):
            await alice.capabilities()
    with pytest.raises(ParameterError, match="https"):
        SkipClient("http://localhost", lab.context("alice"))


def test_systems_have_distinct_names():
    with pytest.raises(ParameterError, match="share an ID"):
        Systems({"alice": "bob"}, ("alice", "bob"))
    with pytest.raises(ParameterError, match="a system ID"):
        Systems({"alice": "KP ALICE"}, ("alice",))
