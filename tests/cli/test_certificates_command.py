"""An operator's own certificates, from request to handshake. Witness: the openssl command reads and verifies them."""

import json
import os
import shutil
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from haris.cli.main import main

sys.path.append(str(Path(__file__).parent.parent / "node"))
from softhsm import LABEL, MODULE, PIN, make_token, needs_softhsm

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["pki", "lab", "--kme", "kme-a", "--sae", "alice", "--signer", "bank"]) == 0
    assert main(["pki", "lab", "--issuer", "ca", "--intermediate", "edge"]) == 0
    assert main(["pki", "lab", "--issuer", "mldsa-ca", "--intermediate", "mldsa-edge"]) == 0
    return tmp_path


def signed(capsys, request: str, issuer: str = "edge") -> str:
    capsys.readouterr()
    assert main(["pki", "lab", "--issuer", issuer, "--sign", request]) == 0
    return capsys.readouterr().out


@needs_openssl
def test_from_a_request_to_a_certificate_with_its_chain(folder, capsys):
    command = ["certificate", "request", "kme-new", "--role", "kme", "--host", "kme.example", "--host", "10.0.0.7"]
    assert main([*command, "--uri", "urn:operator:kme-new"]) == 0
    assert stat.S_IMODE(Path("kme-new.key").stat().st_mode) == 0o600
    check = subprocess.run(["openssl", "req", "-in", "kme-new.csr", "-verify", "-noout", "-text"], capture_output=True)
    assert check.returncode == 0
    for said in (b"CN = kme-new", b"DNS:kme.example", b"IP Address:10.0.0.7", b"URI:urn:operator:kme-new"):
        assert said in check.stdout
    Path("kme-new.crt").write_text(signed(capsys, "kme-new.csr"))
    chain = x509.load_pem_x509_certificates(Path("kme-new.crt").read_bytes())
    assert len(chain) == 2
    usages = chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "lab/ca.crt"]
    assert subprocess.run([*command, "-untrusted", "kme-new.crt", "kme-new.crt"], capture_output=True).returncode == 0
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain("kme-new.crt", "kme-new.key")
    assert main(["certificate", "show", "kme-new.crt", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["authority"] for each in shown] == ["no", "yes"]
    assert "kme.example" in shown[0]["names"]


def test_verify_says_yes_or_why_not(folder, capsys):
    assert main(["certificate", "request", "bob", "--role", "sae"]) == 0
    Path("bob.crt").write_text(signed(capsys, "bob.csr"))
    assert main(["certificate", "verify", "bob.crt", "--authority", "lab/ca.crt"]) == 0
    assert main(["certificate", "verify", "bob.crt", "--authority", "lab/mldsa-ca.crt"]) == 2
    assert main(["pki", "lab", "--crl"]) == 0
    lists = ["--crl", "lab/ca.crl", "--crl", "lab/edge.crl"]
    assert main(["certificate", "verify", "bob.crt", "--authority", "lab/ca.crt", *lists]) == 0
    shutil.copy("bob.crt", "lab/bob.crt")
    assert main(["pki", "lab", "--revoke", "bob"]) == 0
    capsys.readouterr()
    assert main(["certificate", "verify", "bob.crt", "--authority", "lab/ca.crt", *lists]) == 2
    assert "revoked" in capsys.readouterr().err
    assert main(["pki", "lab", "--revoke", "bob"]) == 2  # once is enough


def test_ml_dsa_goes_the_same_way(folder, capsys):
    assert main(["certificate", "request", "exchange", "--role", "signer"]) == 0
    Path("exchange.crt").write_text(signed(capsys, "exchange.csr", "mldsa-edge"))
    assert main(["certificate", "verify", "exchange.crt", "--authority", "lab/mldsa-ca.crt"]) == 0


def test_what_a_laboratory_does_not_sign(folder, capsys):
    assert main(["certificate", "request", "x", "--role", "sae"]) == 0
    text = Path("x.csr").read_bytes()
    request = x509.load_pem_x509_csr(text)
    der = bytearray(request.public_bytes(x509_der()))
    der[-1] ^= 1
    Path("forged.csr").write_text(ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST"))
    Path("nonsense.csr").write_text("nonsense")
    for bad in ("forged.csr", "nonsense.csr", "absent.csr"):
        assert main(["pki", "lab", "--sign", bad]) == 2
    assert main(["pki", "lab", "--sign", "x.csr", "--issuer", "alice"]) == 2
    assert "no authority" in capsys.readouterr().err
    assert main(["pki", "lab", "--sign", "x.csr", "--crl"]) == 2
    assert main(["certificate", "request", "x", "--role", "sae"]) == 2  # nothing is overwritten
    assert main(["certificate", "request", "a/b", "--role", "sae"]) == 2


def x509_der():
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def provider() -> Path | None:
    """OpenSSL's provider pkcs11 (latchset), where it is installed for the OpenSSL of this Python."""
    if shutil.which("openssl") is None:
        return None
    said = subprocess.run(["openssl", "version", "-m"], capture_output=True, text=True, check=False).stdout
    path = Path(said.partition('"')[2].rstrip('"\n')) / "pkcs11.so"
    return path if path.is_file() else None


@needs_softhsm
def test_a_key_in_a_token_signs_its_request(folder, capsys):
    environment = make_token(folder)
    request_in_token(folder, environment)
    request = x509.load_pem_x509_csr(Path("kme-t.csr").read_bytes())
    assert request.is_signature_valid
    assert b"PKCS#11 PROVIDER URI" in Path("kme-t.key").read_bytes()


@needs_softhsm
@pytest.mark.skipif(provider() is None, reason="needs OpenSSL's provider pkcs11 (Debian 13: pkcs11-provider)")
def test_tls_with_a_key_that_stays_in_its_token(folder, capsys):
    environment = make_token(folder)
    request_in_token(folder, environment)
    Path("kme-t.crt").write_text(signed(capsys, "kme-t.csr"))
    Path("openssl.cnf").write_text(
        f"""openssl_conf = start
[start]
providers = providers
[providers]
default = the_default
pkcs11 = the_token
[the_default]
activate = 1
[the_token]
module = {provider()}
pkcs11-module-path = {MODULE}
pkcs11-module-token-pin = file:{folder / "pin"}
activate = 1
"""
    )
    script = """
from datetime import UTC, datetime
from pathlib import Path
import socket, threading
from haris.node.pki.credentials import client_context
from haris.node.pki.mutual_tls import TlsFiles, server_context
context = server_context(TlsFiles(Path("kme-t.crt"), Path("kme-t.key"), Path("lab/ca.crt")))
server = socket.create_server(("127.0.0.1", 0))
def serve():
    with context.wrap_socket(server.accept()[0], server_side=True) as connection:
        connection.send(connection.recv(16))
threading.Thread(target=serve).start()
client = client_context(Path("lab/alice.crt"), Path("lab/alice.key"), Path("lab/ca.crt"), datetime.now(UTC))
with client.wrap_socket(socket.create_connection(server.getsockname()), server_hostname="kme.example") as connection:
    connection.send(b"hello")
    print(connection.version(), connection.recv(16))
"""
    environment["OPENSSL_CONF"] = str(folder / "openssl.cnf")
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "TLSv1.3 b'hello'\n", done.stderr


def test_without_the_provider_the_error_says_what_is_missing(folder):
    from haris.node.pki.mutual_tls import TlsFiles, server_context
    from haris.node.pki.request import token_key_pem
    from haris.nouns.errors import ParameterError

    Path("t.key").write_bytes(token_key_pem("bank", "kme a"))
    with pytest.raises(ParameterError, match="OPENSSL_CONF"):
        server_context(TlsFiles(Path("lab/kme-a.crt"), Path("t.key"), Path("lab/ca.crt")))


def request_in_token(folder: Path, environment: dict[str, str]) -> None:
    (folder / "pin").write_bytes(PIN)
    (folder / "pin").chmod(0o600)
    command = [sys.executable, "-m", "haris.cli.main", "certificate", "request", "kme-t", "--role", "kme"]
    command += ["--host", "kme.example", "--token", LABEL, "--module", str(MODULE), "--pin", "file:pin"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_list_is_valid_for_as_long_as_is_said(folder):
    assert main(["pki", "lab", "--crl", "--crl-days", "3"]) == 0
    crl = x509.load_pem_x509_crl(Path("lab/ca.crl").read_bytes())
    assert timedelta(days=2) < crl.next_update_utc - datetime.now(UTC) < timedelta(days=3)
    assert os.listdir("lab").count("edge.crl") == 1
