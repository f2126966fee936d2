"""Keys at rest under a file, a passphrase and a token. Witness for scrypt: RFC 7914; for the token: SoftHSM2."""

import os
import stat
import subprocess
import sys

import pytest
from softhsm import LABEL, MODULE, PIN, make_token, needs_softhsm

from haris.cli.main import main
from haris.crypto.passphrase import Hardness, key_of_passphrase
from haris.node.store.key_encryption_key import read_key_encryption_key, seal_under_passphrase
from haris.node.system.secret_file import write_secret_file
from haris.node.system.unlocking import read_unlocking
from haris.nouns.errors import ParameterError

KEY = bytes(range(32))
QUICK = Hardness(n=16)


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    write_secret_file(path, b"correct horse battery staple\n")
    return path


def sealed(tmp_path):
    path = tmp_path / "site.kek"
    write_secret_file(path, seal_under_passphrase(KEY, b"correct horse battery staple", os.urandom, QUICK))
    return path


def test_scrypt_is_that_of_rfc_7914():  # section 12, third vector, its first 32 octets
    salt = b"SodiumChloride"
    with pytest.raises(ParameterError, match="salt"):
        key_of_passphrase(b"pleaseletmein", salt, Hardness(16384, 8, 1))
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    vector = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    assert Scrypt(salt, 32, 16384, 8, 1).derive(b"pleaseletmein").hex() == vector
    long = salt + b"\0\0"
    assert key_of_passphrase(b"pleaseletmein", long, QUICK) == Scrypt(long, 32, 16, 8, 1).derive(b"pleaseletmein")


def test_a_passphrase_opens_what_it_sealed(tmp_path, passphrase):
    path = sealed(tmp_path)
    assert KEY.hex() not in path.read_text()
    assert read_key_encryption_key(path, f"file:{passphrase}") == KEY
    passphrase.write_bytes(b"correct horse battery stable")
    with pytest.raises(ParameterError, match="does not open"):
        read_key_encryption_key(path, f"file:{passphrase}")


@pytest.mark.parametrize(
    ("item", "other"), [("n", "32,"), ("salt", '"AAAAAAAAAAAAAAAAAAAAAA==",'), ("sealed", '"AAAA"')]
)
def test_a_changed_file_does_not_open(tmp_path, passphrase, item, other):
    path = sealed(tmp_path)
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if f'"{item}"' in line)
    lines[at] = f'"{item}": {other}'
    path.write_text("\n".join(lines))
    with pytest.raises(ParameterError, match="does not open"):
        read_key_encryption_key(path, f"file:{passphrase}")


@pytest.mark.parametrize(
    "text",
    ["{}" + 40 * " ", "x" * 33, '{"sealed_under":"passphrase","n":1073741824,"r":8,"p":1,"salt":"AAAA","sealed":""}'],
)
def test_what_is_no_key_is_refused(tmp_path, passphrase, text):
    path = tmp_path / "kek"
    write_secret_file(path, text.encode())
    with pytest.raises(ParameterError):
        read_key_encryption_key(path, f"file:{passphrase}")
    path.chmod(0o644)
    with pytest.raises(ParameterError, match="open to others"):
        read_key_encryption_key(path, f"file:{passphrase}")


def test_a_passphrase_comes_from_where_it_is_said_to(tmp_path, passphrase, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_unlocking("it", "credential:passphrase") == b"correct horse battery staple"
    reader, writer = os.pipe()
    os.write(writer, b"through a pipe")
    os.close(writer)
    assert read_unlocking("it", f"fd:{reader}") == b"through a pipe"
    passphrase.chmod(0o640)
    with pytest.raises(ParameterError, match="open to others"):
        read_unlocking("it", f"file:{passphrase}")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    for source in ("credential:passphrase", "credential:../x", "fd:x", "secret", "prompt", f"file:{tmp_path}/absent"):
        with pytest.raises(ParameterError):
            read_unlocking("it", source)


def test_the_command_makes_keys_and_seals_them_anew(tmp_path, passphrase, capsys):
    plain, under, again = tmp_path / "plain.kek", tmp_path / "under.kek", tmp_path / "again.kek"
    assert main(["kek", str(plain)]) == 0
    assert len(plain.read_bytes()) == 32
    assert stat.S_IMODE(plain.stat().st_mode) == 0o600
    assert main(["kek", str(under), "--from", str(plain), "--passphrase", f"file:{passphrase}"]) == 0
    assert read_key_encryption_key(under, f"file:{passphrase}") == plain.read_bytes()
    assert main(["kek", str(again), "--from", str(under), "--unlock", f"file:{passphrase}"]) == 0
    assert again.read_bytes() == plain.read_bytes()
    assert main(["kek", str(plain)]) == 2
    assert "exists" in capsys.readouterr().err


@needs_softhsm
def test_a_token_seals_the_key_and_its_own_key_stays_inside(tmp_path):
    environment = make_token(tmp_path)
    pin = tmp_path / "pin"
    write_secret_file(pin, PIN)
    script = f"""
import sys, os
from pathlib import Path
from haris.cli.main import main
from haris.node.store.key_encryption_key import read_key_encryption_key
from haris.node.pki.token import open_token
from haris.nouns.errors import HarisError
os.chdir({str(tmp_path)!r})
token = ["--token", {LABEL!r}, "--module", {str(MODULE)!r}, "--pin", "file:pin"]
assert main(["kek", "plain.kek"]) == 0
assert main(["kek", "token.kek", "--from", "plain.kek", *token]) == 0
assert main(["kek", "twice.kek", *token]) == 2  # its label is taken
key = Path("plain.kek").read_bytes()
assert read_key_encryption_key(Path("token.kek"), "file:pin") == key
with open_token(Path({str(MODULE)!r}), {LABEL!r}, {PIN!r}) as opened:
    import pkcs11
    (inside,) = opened._session.get_objects({{pkcs11.Attribute.LABEL: "haris-kek"}})
    assert not inside[pkcs11.Attribute.EXTRACTABLE]
    try:
        inside[pkcs11.Attribute.VALUE]
        raise SystemExit("the key left the token")
    except pkcs11.PKCS11Error:
        pass
sealed = Path("token.kek").read_text()
at = sealed.index('"sealed": "') + 20
Path("token.kek").write_text(sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1:])
for path, source in (("token.kek", "file:pin"), ("token.kek", "file:plain.kek")):
    try:
        read_key_encryption_key(Path(path), source)
        raise SystemExit(f"{{path}} opened with {{source}}")
    except HarisError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "does not open" in done.stdout


def test_a_token_that_is_not_there_is_told_in_words(tmp_path):
    pin = tmp_path / "pin"
    write_secret_file(pin, PIN)
    arguments = ["--token", "x", "--module", str(tmp_path / "absent.so"), "--pin", f"file:{pin}"]
    assert main(["kek", str(tmp_path / "kek"), *arguments]) == 2
