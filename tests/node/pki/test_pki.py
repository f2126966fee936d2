"""The laboratory's certificates. Witness: the openssl command line verifies the classical chain."""

import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.x509.oid import ObjectIdentifier

from haris.node.pki.authority import make_laboratory
from haris.nouns.errors import ParameterError

NOW = datetime.now(UTC)
ID_ML_DSA_65 = ObjectIdentifier("2.16.840.1.101.3.4.3.18")  # RFC 9881, section 2


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pki") / "new"
    make_laboratory(directory, ["kme-a"], ["sae-a"], ["bank"], NOW, ["kme.example", "10.0.0.1"], days=30)
    return directory


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_files_and_their_modes(laboratory):
    stems = ("ca", "kme-a", "sae-a", "mldsa-ca", "bank.mldsa")
    assert {path.name for path in laboratory.iterdir()} == {f"{s}.{kind}" for s in stems for kind in ("crt", "key")}
    for path in laboratory.glob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_the_certificates_say(laboratory):
    kme, sae = load(laboratory / "kme-a.crt"), load(laboratory / "sae-a.crt")
    assert kme.subject.rfc4514_string() == "CN=kme-a"
    assert sae.subject.rfc4514_string() == "CN=sae-a"
    names = kme.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "kme.example"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1", "10.0.0.1"]
    assert kme.not_valid_after_utc - NOW < timedelta(days=30)
    bank, authority = load(laboratory / "bank.mldsa.crt"), load(laboratory / "mldsa-ca.crt")
    assert bank.signature_algorithm_oid == ID_ML_DSA_65
    assert isinstance(bank.public_key(), MLDSA65PublicKey)
    bank.verify_directly_issued_by(authority)
    with pytest.raises((InvalidSignature, ValueError, TypeError)):
        bank.verify_directly_issued_by(load(laboratory / "ca.crt"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
@pytest.mark.parametrize(("name", "purpose"), [("kme-a", "sslserver"), ("kme-a", "sslclient"), ("sae-a", "sslclient")])
def test_openssl_verifies_the_classical_chain(laboratory, name, purpose):
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.crt", f"{name}.crt"]
    done = subprocess.run(command, cwd=laboratory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
def test_an_application_entity_is_no_server(laboratory):
    command = ["openssl", "verify", "-purpose", "sslserver", "-CAfile", "ca.crt", "sae-a.crt"]
    assert subprocess.run(command, cwd=laboratory, capture_output=True, check=False).returncode != 0


def test_nothing_is_overwritten_or_half_written(laboratory):
    before = {path: path.read_bytes() for path in laboratory.iterdir()}
    with pytest.raises(ParameterError, match=r"already holds ca\.crt"):
        make_laboratory(laboratory, ["kme-z"], [], [], NOW)
    assert {path: path.read_bytes() for path in laboratory.iterdir()} == before


@pytest.mark.parametrize(("kmes", "saes"), [(["a/b"], []), ([""], []), (["x"], ["x"]), (["ca"], [])])
def test_bad_and_repeated_names_are_refused(tmp_path, kmes, saes):
    with pytest.raises(ParameterError):
        make_laboratory(tmp_path / "new", kmes, saes, [], NOW)
    assert not (tmp_path / "new").exists()
