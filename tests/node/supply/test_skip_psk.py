"""SKIP under pre-shared keys: the two TLS modes of Table 1, with OpenSSL's own client as witness."""

import asyncio
import contextlib
import json
import shutil
import subprocess

import pytest
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL
from test_skip import SkipLab

from haris.keys.directory import Directory
from haris.node.configuration.node_toml import SkipTable
from haris.node.http.tls_psk import PskKeys
from haris.node.supply.skip_face import read_psk_file, start_skip
from haris.nouns.errors import ParameterError
from haris.service.tls_psk import blank_session

KEY = bytes(range(32))
SITES = ({"bank": "kme-bank", "exchange": "kme-exchange"}, {"alice": "bank", "bob": "exchange", "anna": "bank"})
REQUEST = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_lib, _ffi = Binding().lib, Binding().ffi


@pytest.fixture
async def lab(tmp_path):
    lab = SkipLab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    lab.seed("bank", "exchange", 4)
    path = tmp_path / "psk"
    path.write_text(f"# encryptors\nalice:{KEY.hex()}\n")
    path.chmod(0o600)
    bank = lab.sites["bank"].supply
    table = SkipTable("127.0.0.1:0", path)
    (lab.psk,) = await start_skip(table, lab.routes("bank", bank), bank.directory, lambda error: None)
    yield lab
    await lab.psk.close()
    await lab.close()


async def tls_13(port, identity, key, path, suites=b"TLS_AES_256_GCM_SHA384"):
    """The answer to a GET over TLS 1.3 under an external key; b"" when the handshake is refused."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    _lib.SSL_CTX_set_ciphersuites(context._context, suites)
    name = _ffi.new("unsigned char[]", identity)

    def use_session(connection, digest, id_, n_id, session):
        id_[0], n_id[0] = name, len(identity)
        session[0] = blank_session(connection, key)
        return 1

    kind = "int(SSL *, const EVP_MD *, const unsigned char **, size_t *, SSL_SESSION **)"
    callback = _ffi.callback(kind, use_session, error=0)
    _lib.SSL_CTX_set_psk_use_session_callback(context._context, callback)
    tls = SSL.Connection(context, None)
    tls.set_connect_state()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer, asked = b"", False
    try:
        while True:
            try:
                if not asked:
                    tls.do_handshake()
                    asked = tls.send(REQUEST % path) > 0
                answer += tls.recv(1 << 16)
                continue
            except SSL.WantReadError:
                pass
            except SSL.ZeroReturnError:
                return answer
            except SSL.Error:
                return b""
            with contextlib.suppress(SSL.WantReadError):
                writer.write(tls.bio_read(1 << 16))
            octets = await reader.read(1 << 16)
            if not octets:
                return answer
            tls.bio_write(octets)
    finally:
        writer.close()


async def tls_12(port, identity, key, path, cipher):
    """What OpenSSL's client prints of a GET over TLS 1.2."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-cipher", cipher, "-ign_eof"]
    options = ["-psk_identity", identity, "-psk", key.hex(), "-quiet"]
    run = lambda: subprocess.run(command + options, input=REQUEST % path, capture_output=True, timeout=30)  # noqa: E731
    return (await asyncio.to_thread(run)).stdout


def body(answer):
    head, _, octets = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(octets)


async def test_tls_13(lab):
    assert body(await tls_13(lab.psk.port, b"alice", KEY, b"/capabilities"))[1]["localSystemID"] == "KP_ALICE"
    status, key = body(await tls_13(lab.psk.port, b"alice", KEY, b"/key?remoteSystemID=KP_BOB"))
    assert status == 200
    assert (await lab.get("bob", f"/key/{key['keyId']}?remoteSystemID=KP_ALICE"))[1] == key


async def test_requests_one_after_the_other(lab):
    first = b"/entropy HTTP/1.1\r\nHost: localhost\r\n\r\nGET /capabilities"
    answers = await tls_13(lab.psk.port, b"alice", KEY, first)
    assert answers.count(b"HTTP/1.1 200") == 2
    assert answers.index(b"randomStr") < answers.index(b"localSystemID")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command line tool")
@pytest.mark.parametrize("cipher", ["DHE-PSK-AES256-CBC-SHA384", "DHE-PSK-AES256-CBC-SHA", "DHE-PSK-AES256-GCM-SHA384"])
async def test_tls_12_with_the_suites_of_table_1(lab, cipher):
    answer = await tls_12(lab.psk.port, "alice", KEY, b"/capabilities", cipher)
    assert body(answer)[1]["localSystemID"] == "KP_ALICE"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command line tool")
async def test_what_is_no_key_of_ours_is_refused(lab):
    suite = "DHE-PSK-AES256-CBC-SHA384"
    assert await tls_12(lab.psk.port, "alice", bytes(32), b"/capabilities", suite) == b""
    assert await tls_12(lab.psk.port, "bob", KEY, b"/capabilities", suite) == b""
    assert await tls_12(lab.psk.port, "alice", KEY, b"/capabilities", "DHE-PSK-AES128-CBC-SHA256") == b""
    assert await tls_13(lab.psk.port, b"alice", bytes(32), b"/capabilities") == b""
    assert await tls_13(lab.psk.port, b"anna", KEY, b"/capabilities") == b""
    assert body(await tls_13(lab.psk.port, b"alice", KEY, b"/capabilities"))[0] == 200


async def test_no_certificate_and_no_tls_get_in(lab):
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.psk.port)
    writer.write(REQUEST % b"/capabilities")
    assert b"HTTP" not in await reader.read()
    writer.close()
    with pytest.raises(OSError, match=r"(?i)ssl|handshake|reset"):
        await asyncio.open_connection("127.0.0.1", lab.psk.port, ssl=lab.context("alice"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("alice", "psk:1: a line is SAE_ID:KEY"),
        ("bob:" + KEY.hex(), "psk:1: a line is"),
        ("alice:xyz", "psk:1: a line is"),
        (f"alice:{KEY.hex()}\nalice:{KEY.hex()}", "psk:2: SAE alice has a key before"),
        ("alice:00", "has 1 octets, not 32 to 64"),
    ],
)
def test_a_file_of_keys_that_is_wrong(tmp_path, text, words):
    path = tmp_path / "psk"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ParameterError, match=words):
        read_psk_file(path, Directory("bank", *SITES))
    path.chmod(0o644)
    with pytest.raises(ParameterError, match="open to others"):
        read_psk_file(path, Directory("bank", *SITES))
    with pytest.raises(ParameterError, match="No such file"):
        read_psk_file(tmp_path / "none", Directory("bank", *SITES))


def test_keys_never_show():
    assert KEY.hex() not in repr(PskKeys({"alice": KEY}))
    with pytest.raises(ParameterError, match="belong together"):
        SkipTable("127.0.0.1:1")
