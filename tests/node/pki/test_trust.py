"""Whom a key manager lets in: an operator's own authority, chains, revocation by list and by responder, reload.

Witness for certificates, lists and OCSP answers: the openssl command.
"""

import asyncio
import shutil
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from kme_lab import KMES, SAES, Lab

from haris.node.pki import ocsp as asking
from haris.node.pki.authority import Terms, add_intermediate, add_to_laboratory, make_laboratory, open_authority
from haris.node.pki.credentials import read_certificates
from haris.node.pki.identity import IdentityTable
from haris.node.pki.making import CLIENT, OCSP, Wish, issue
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.pki.ocsp_responder import answer, serve
from haris.node.pki.revocation import Revocation, RevocationTable, read_crls
from haris.node.pki.revoked import revoke, write_crls
from haris.node.supply.tls_watch import Pace, TlsWatch
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError

NOW = datetime.now(UTC)
ME = "alice"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")


class Operator(Lab):
    """A lab whose certificates come from an operator's authority: a root, and `edge` below it that issues them all."""

    def __init__(self, folder: Path, crls: bool = False) -> None:
        super().__init__(folder)
        self.pki = folder / "pki"
        make_laboratory(self.pki, [], [], [], NOW)
        add_intermediate(self.pki, "edge", "ca", NOW, Terms())
        add_to_laboratory(self.pki, list(KMES.values()), list(SAES), [], NOW, issuer="edge")
        write_crls(self.pki, NOW)
        lists = (self.pki / "ca.crl", self.pki / "edge.crl") if crls else ()
        self.files = {name: self.file(name, lists if name in KMES.values() else ()) for name in self.files}
        self.table = RevocationTable(crls=lists)

    def file(self, name: str, crls=(), stem: str = "") -> TlsFiles:
        stem = stem or name
        return TlsFiles(self.pki / f"{stem}.crt", self.pki / f"{stem}.key", self.pki / "ca.crt", tuple(crls))

    def revoking(self, **options) -> Revocation:
        found = Revocation(RevocationTable(self.table.crls, **options), self.pki / "ca.crt")
        self.options["revocation"] = found
        return found

    async def status(self, sae: str = ME) -> int:
        try:
            return (await self.ask(sae, "bob/status", site="bank")).status
        except aiohttp.ClientError as error:
            raise ConnectionError(str(error)) from None


@asynccontextmanager
async def running(operator: Operator, *sites: str):
    try:
        for site in sites or ("bank",):
            await operator.start(site)
        yield operator
    finally:
        await operator.close()


@asynccontextmanager
async def responding(operator: Operator):
    asked = []

    def now():
        asked.append(1)
        return datetime.now(UTC)

    runner = await serve(operator.pki, "127.0.0.1", 0, now)
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/", asked
    finally:
        await runner.cleanup()


async def test_a_chain_with_an_intermediate_is_accepted_at_both_faces(tmp_path):
    operator = Operator(tmp_path)
    async with running(operator, "bank", "exchange"):
        operator.seed("bank", "exchange", 2)
        taken = await operator.ask("alice", "bob/enc_keys?number=1")
        key_id = taken.items["keys"][0]["key_ID"]
        fetched = await operator.ask("bob", f"alice/dec_keys?key_ID={key_id}")
        assert taken.items["keys"] == fetched.items["keys"]


async def test_a_chain_without_its_intermediate_and_another_operators_are_refused(tmp_path):
    operator = Operator(tmp_path)
    leaf = operator.pki / "alice.crt"
    leaf.write_text(leaf.read_text().partition("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n")
    make_laboratory(tmp_path / "other", [], ["anna"], [], NOW)
    (tmp_path / "other" / "root.crt").write_bytes((operator.pki / "ca.crt").read_bytes())
    operator.files["anna"] = TlsFiles(*(tmp_path / "other" / name for name in ("anna.crt", "anna.key", "root.crt")))
    async with running(operator):
        for sae in ("alice", "anna"):
            with pytest.raises(ConnectionError):
                await operator.status(sae)


async def test_an_expired_certificate_is_refused(tmp_path):
    operator = Operator(tmp_path)
    add_to_laboratory(tmp_path / "pki", [], ["late"], [], NOW - timedelta(days=9), terms=Terms(days=8), issuer="edge")
    operator.files["alice"] = operator.file("late")
    async with running(operator):
        with pytest.raises(ConnectionError):
            await operator.status()


async def test_headers_and_paths_claim_nothing(tmp_path):
    operator = Operator(tmp_path)
    claims = {"X-SAE-ID": "alice", "X-Forwarded-Client-Cert": "Subject=CN=alice", "X-SSL-Client-S-DN": "CN=alice"}
    async with running(operator):
        answer = await operator.ask("carol", "bob/status", site="bank", headers=claims)
        assert answer.status == 401
        assert "carol" in answer.message


@pytest.mark.parametrize("field", ["uri-san", "serial"])
async def test_identities_are_taken_from_the_configured_field(tmp_path, field):
    operator = Operator(tmp_path)
    table = IdentityTable(saes=field, uri="last-part")
    operator.options["identity"] = table
    serial = f"{read_certificates(operator.pki / 'alice.crt')[0].serial_number:x}"
    async with running(operator):
        answer = await operator.ask("alice", "bob/status", site="bank")
        if field == "uri-san":
            assert answer.items["master_SAE_ID"] == "alice"
        else:
            assert (answer.status, serial in answer.message) == (401, True)


async def test_a_revoked_certificate_is_refused_by_list_within_the_handshake(tmp_path):
    operator = Operator(tmp_path, crls=True)
    revoke(operator.pki, "alice", NOW)
    operator.revoking()
    async with running(operator):
        with pytest.raises(ConnectionError):
            await operator.status()
        assert await operator.status("anna") == 200


async def test_a_list_that_is_missing_or_out_of_date_refuses_everybody(tmp_path):
    operator = Operator(tmp_path, crls=True)
    files = operator.files["kme-bank"]
    operator.files["kme-bank"] = TlsFiles(files.certificate, files.private_key, files.authority, files.crls[:1])
    async with running(operator):
        with pytest.raises(ConnectionError):
            await operator.status()
    write_crls(operator.pki, NOW - timedelta(days=8), crl_days=7)
    operator.files["kme-bank"] = files
    operator._sessions.clear()
    async with running(operator):
        with pytest.raises(ConnectionError):
            await operator.status()


async def test_a_responder_is_asked_before_the_first_request_is_answered_and_once(tmp_path):
    operator = Operator(tmp_path)
    async with responding(operator) as (url, asked):
        operator.revoking(ocsp_responder=url)
        async with running(operator):
            assert await operator.status() == 200
            assert len(asked) == 2  # the leaf, and the authority below the root
            assert await operator.status("anna") == 200
            assert len(asked) == 3
            await operator._sessions.pop("alice").close()
            assert await operator.status() == 200  # a new connection, and what is known serves
            assert len(asked) == 3
        revoke(operator.pki, "alice", NOW)
        operator._sessions.clear()
        operator.revoking(ocsp_responder=url)
        async with running(operator):
            refused = await operator.ask("alice", "bob/status")
            assert (refused.status, "revoked on" in refused.message) == (401, True)
            assert await operator.status("anna") == 200


async def test_the_responder_that_a_certificate_names_is_asked(tmp_path):
    plain = Operator(tmp_path)
    async with responding(plain) as (url, asked):
        (plain.pki / "alice.crt").unlink()
        (plain.pki / "alice.key").unlink()
        add_to_laboratory(plain.pki, [], ["alice"], [], NOW, terms=Terms(ocsp_url=url), issuer="edge")
        plain.revoking(ocsp="hard")  # edge itself names none, and is not asked about
        async with running(plain):
            assert await plain.status() == 200
            assert len(asked) == 1
            revoke(plain.pki, "alice", NOW)
            await plain._sessions.pop("alice").close()
            assert await plain.status() == 200  # until the answer's nextUpdate


async def test_without_an_answer_hard_refuses_and_soft_lets_pass_with_an_alarm(tmp_path):
    operator = Operator(tmp_path)
    alarms = []
    for mode, status in (("hard", 401), ("soft", 200)):
        table = RevocationTable(ocsp=mode, ocsp_responder="http://127.0.0.1:1/")
        operator.options["revocation"] = Revocation(table, operator.pki / "ca.crt", alarms.append)
        operator._sessions.clear()
        async with running(operator):
            assert await operator.status() == status
        assert "cannot be found out" in alarms[-1].text


async def test_a_key_manager_does_not_speak_to_a_revoked_one(tmp_path):
    operator = Operator(tmp_path)

    async def speak():
        await operator.sites["bank"].kme.peers.ask("exchange", "no verb", b"{}")

    async with responding(operator) as (url, _):
        operator.revoking(ocsp_responder=url)
        async with running(operator, "bank", "exchange"):
            with pytest.raises(PeerError, match="no verb"):
                await speak()
        revoke(operator.pki, "kme-exchange", NOW)
        operator.revoking(ocsp_responder=url)
        async with running(operator, "exchange"):
            operator.revoking(ocsp_responder=url)
            await operator.start("bank")
            with pytest.raises(KeyUnavailable, match=r"kme-exchange.*revoked on"):
                await speak()


async def test_files_are_read_anew_while_connections_live(tmp_path):
    operator = Operator(tmp_path, crls=True)
    operator.revoking()
    async with running(operator):
        site = operator.sites["bank"]
        alarms = []
        watch = TlsWatch(site.kme, site.config, alarms.append, pace=Pace(look_s=0.02))
        watching = asyncio.create_task(watch.run())
        try:
            assert await operator.status("alice") == 200
            assert await operator.status("anna") == 200
            first = served_serial(operator)
            for kind in ("crt", "key"):
                (operator.pki / f"kme-bank.{kind}").unlink()
            add_to_laboratory(operator.pki, ["kme-bank"], [], [], NOW, issuer="edge")
            await until(lambda: served_serial(operator) not in (None, first))
            assert await operator.status("alice") == 200  # on the old connection
            revoke(operator.pki, "alice", NOW)
            await until(lambda: site.kme.faces[0].n_connections == 1)
            assert await operator.status("anna") == 200
            with pytest.raises(ConnectionError):
                await operator.status("alice")

            good = (operator.pki / "kme-bank.crt").read_bytes()
            (operator.pki / "kme-bank.crt").write_bytes(b"nonsense")
            await until(lambda: any("no good" in alarm.text for alarm in alarms))
            await operator._sessions.pop("anna").close()
            assert await operator.status("anna") == 200  # the old one stays in use
            (operator.pki / "kme-bank.crt").write_bytes(good)
            await until(lambda: not alarms[-1].active)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def until(condition):
    for _ in range(500):
        if await asyncio.to_thread(condition):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not within ten seconds")


def served_serial(operator: Operator) -> int | None:
    """The number of the certificate that a new connection is shown; None while there is none."""
    files = operator.files["anna"]
    context = ssl.create_default_context(cafile=files.authority)
    context.load_cert_chain(files.certificate, files.private_key)
    try:
        with (
            socket.create_connection(("127.0.0.1", operator.sites["bank"].kme.port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            return int(connection.getpeercert()["serialNumber"], 16)
    except OSError:
        return None


# What the responder and its readers say to each other


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    pki = tmp_path_factory.mktemp("signed")
    make_laboratory(pki, [], ["alice", "bob"], ["bank"], NOW)
    return pki


def certificate(pki: Path, stem: str) -> x509.Certificate:
    return read_certificates(pki / f"{stem}.crt")[0]


def test_an_answer_must_be_about_this_certificate_recent_and_signed(signed):
    alice, bob, ca = (certificate(signed, stem) for stem in ("alice", "bob", "ca"))
    octets = answer(signed, asking.question(alice, ca), NOW)
    assert asking.read_answer(octets, alice, ca, NOW).good
    with pytest.raises(PeerError, match="another certificate"):
        asking.read_answer(octets, bob, ca, NOW)
    for when in (NOW - timedelta(hours=1), NOW + timedelta(hours=2)):
        with pytest.raises(PeerError, match="out of date"):
            asking.read_answer(octets, alice, ca, when)
    spoilt = bytearray(octets)
    spoilt[-1] ^= 1
    for bad in (bytes(spoilt), b"", b"\x30\x00", answer(signed, b"nonsense", NOW)):
        with pytest.raises(PeerError):
            asking.read_answer(bad, alice, ca, NOW)


def test_only_an_appointed_signer_may_answer_in_the_issuers_place(signed):
    alice, ca, holder = certificate(signed, "alice"), certificate(signed, "ca"), open_authority(signed, "ca")
    for usages, accepted in (((OCSP,), True), ((CLIENT,), False)):
        key = ec.generate_private_key(ec.SECP256R1())
        signer = issue(holder, key.public_key(), NOW, Wish("responder", usages=usages))
        builder = ocsp.OCSPResponseBuilder().add_response(
            alice, ca, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, NOW, NOW + timedelta(hours=1), None, None
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer).certificates([signer])
        octets = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
        if accepted:
            assert asking.read_answer(octets, alice, ca, NOW).good
        else:
            with pytest.raises(PeerError, match="not signed"):
                asking.read_answer(octets, alice, ca, NOW)


@needs_openssl
async def test_openssl_asks_our_responder_and_reads_our_lists(tmp_path):
    operator = Operator(tmp_path)
    revoke(operator.pki, "bob", NOW)
    async with responding(operator) as (url, _):
        for name, said in (("alice", "good"), ("bob", "revoked")):
            command = ["openssl", "ocsp", "-issuer", "edge.crt", "-cert", f"{name}.crt", "-url", url]
            command += ["-CAfile", "ca.crt", "-verify_other", "edge.crt"]
            done = await asyncio.to_thread(
                subprocess.run, command, cwd=operator.pki, capture_output=True, text=True, check=False
            )
            assert "Response verify OK" in done.stderr, done.stderr
            assert f"{name}.crt: {said}" in done.stdout
    joined = operator.pki / "all.crl"
    joined.write_bytes((operator.pki / "ca.crl").read_bytes() + (operator.pki / "edge.crl").read_bytes())
    for name, code in (("alice", 0), ("bob", 2)):
        command = ["openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", "ca.crt", "-CRLfile", "all.crl"]
        command += ["-untrusted", "edge.crt", f"{name}.crt"]
        assert subprocess.run(command, cwd=operator.pki, capture_output=True, check=False).returncode == code


def test_a_file_may_hold_several_lists(tmp_path):
    operator = Operator(tmp_path)
    joined = operator.pki / "all.crl"
    joined.write_bytes(
        b"# root and edge\n" + b"".join((operator.pki / f"{n}.crl").read_bytes() for n in ("ca", "edge"))
    )
    assert [each.issuer.rfc4514_string() for each in read_crls([joined])] == [
        "CN=haris laboratory CA",
        "CN=haris laboratory edge",
    ]


def test_a_list_or_responder_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.crl").write_text("nonsense")
    with pytest.raises(ParameterError, match="not a revocation list"):
        Revocation(RevocationTable((tmp_path / "x.crl",)), tmp_path / "ca.crt")
    with pytest.raises(ParameterError, match="http URL"):
        RevocationTable(ocsp_responder="ldap://x")


async def test_dates_that_come_near_raise_an_alarm_each_once(tmp_path):
    operator = Operator(tmp_path, crls=True)
    async with running(operator):
        site, alarms = operator.sites["bank"], []
        then = NOW + timedelta(days=6, hours=12)  # the lists are valid for seven days, the certificates for a year
        watch = TlsWatch(site.kme, site.config, alarms.append, lambda: then, Pace(look_s=0.01, expiry_s=0.02))
        watching = asyncio.create_task(watch.run())
        await asyncio.sleep(0.3)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert sorted(Path(alarm.source).name for alarm in alarms) == ["ca.crl", "edge.crl"]
    assert all(alarm.active and "expires in" in alarm.text for alarm in alarms)
