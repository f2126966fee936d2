"""A gateway as a site has it: from its tables, with certificates that change while it runs; and the client of it."""

import asyncio
import shutil
import ssl
from pathlib import Path
from uuid import uuid4

import pytest
from operators_lab import OperatorsLab

from haris.node.configuration.interworking import InterworkingTable, OperatorEntry
from haris.node.configuration.node_toml import read_configuration
from haris.node.operators.etsi020_client import Etsi020Client, interworking_context
from haris.node.operators.site import GatewaySite
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.system.free_ports import free_ports
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.wire.etsi020 import AckContainer, AckedKey, AckStatus, ExtKey, ExtKeyContainer, VoidContainer
from haris.wire.etsi020_problem import Problem, ProblemType

EXAMPLE = Path(__file__).parents[3] / "examples/networks/two_operators"


@pytest.fixture
async def lab(tmp_path):
    lab = OperatorsLab(tmp_path)
    await lab.start_network("B")
    lab.seed("b1", "b2", 8)
    yield lab
    await lab.close()


@pytest.mark.parametrize("site", ["a1", "a2", "b1", "b2"])
def test_the_example_is_read(site):
    configuration = read_configuration(EXAMPLE / f"{site}.toml")
    assert (configuration.interworking is None) == (site in ("a1", "b2"))
    assert [entry.id for entry in configuration.sae if entry.operator] == ["bob" if site[0] == "a" else "alice"]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('operator = "B"', 'operator = "C"', "no [[operator]] here"),
        ("[[operator]]", "[[sae]]\nid = 'x'\nsite = 'a2'\n[other]", "other"),
        ('url = "https://127.0.0.1:8546"', 'url = "http://127.0.0.1:8546"', "https URI"),
        ('kme = "kme-b1"', 'kme = "kme b1"', "kme must be"),
        ('url = "https://127.0.0.1:9546"', 'url = "https://127.0.0.1:9546"\ncallback_url = "ftp://x"', "https URI"),
        ('listen = "127.0.0.1:8546"', 'listen = "127.0.0.1:8546"\ntimeout_s = 5.0', "timeout_s lies between"),
    ],
)
def test_a_table_that_cannot_be(tmp_path, old, new, text):
    written = (EXAMPLE / "a2.toml").read_text()
    assert old in written
    (tmp_path / "a2.toml").write_text(written.replace(old, new))
    with pytest.raises(ParameterError) as caught:
        read_configuration(tmp_path / "a2.toml")
    assert text in str(caught.value)


async def test_the_client_says_what_the_other_key_manager_does(lab):
    key = ExtKey(uuid4(), bytes(32))
    async with lab.client("a2", "B") as there:
        assert "v1" in (await there.versions()).versions
        (ack,) = await there.ext_keys(ExtKeyContainer((key,), "alice", ("bob",)))
        assert ack == AckContainer((AckedKey(key.key_id),), AckStatus.RELAYED, "alice", ("bob",))
        (ack,) = await there.void(VoidContainer((key.key_id,), "alice", ("bob",)))
        assert ack.status is AckStatus.VOIDED
        with pytest.raises(Problem) as caught:
            await there.ack([ack])
        assert (caught.value.kind, caught.value.status) == (ProblemType.KEY_NOT_PRESENT, 400)
        await lab.stop("b1")
        with pytest.raises(KeyUnavailable):
            await there.versions()


async def test_the_client_wants_the_one_key_manager_that_it_was_told(lab):
    """b2's name in place of b1's: refused within the handshake, before a key is sent."""
    context = interworking_context(lab.interworking_tls("a2"), "kme-b2")
    async with Etsi020Client(lab.url("b1"), context) as there:
        with pytest.raises(PeerError, match="kme-b1"):
            await there.versions()
    with pytest.raises(ParameterError):
        Etsi020Client("http://127.0.0.1", context)


async def test_certificates_change_while_the_gateway_runs(lab, tmp_path):
    """A new certificate for connections to come; one that is no good changes nothing."""
    site, (port,) = lab.sites["b2"], free_ports(1)
    files = [tmp_path / name for name in ("own.crt", "own.key")]
    for name, path in zip(("kme-b1.crt", "kme-b1.key"), files, strict=True):
        shutil.copy(lab.folder / name, path)
    url = f"https://127.0.0.1:{port}"
    table = InterworkingTable(f"127.0.0.1:{port}", url, lab.folder / "operators.crt", *files)
    entries = [OperatorEntry("A", "kme-a2", lab.url("a2"))]
    gateway = GatewaySite(table, entries, lab.files["kme-b2"], site.supply, site.store, site.alarms.append)
    assert await gateway.start(site.kme.peers) == port
    try:
        first = await serial(lab, port)
        files[0].write_bytes(b"no certificate")
        with pytest.raises(ParameterError):
            gateway.renew()
        assert await serial(lab, port) == first
        renewed = lab.authorities["B"].issue("kme-b1", stem="renewed")
        shutil.copy(renewed.private_key, files[1])
        shutil.copy(renewed.certificate, files[0])
        gateway.renew()
        assert await serial(lab, port) != first
    finally:
        await gateway.close()


async def serial(lab, port):
    context = ssl.create_default_context(cafile=lab.folder / "operators.crt")
    files: TlsFiles = lab.files["kme-a2"]
    context.load_cert_chain(files.certificate, files.private_key)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    await writer.wait_closed()
    return found
