"""The signature under an exported audit log: ML-DSA-65 (FIPS 204), with keys and certificates as `haris pki` makes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from haris.node.pki.credentials import read_certificate, read_mldsa_key
from haris.nouns.errors import ParameterError

_CONTEXT = b"haris audit 1"  # FIPS 204 context: no signature made elsewhere verifies here


def signer(path: Path) -> Callable[[bytes], bytes]:
    """What signs with the private key in a file. ParameterError, naming the file, when it is none."""
    key = read_mldsa_key(path)
    return lambda statement: key.sign(statement, _CONTEXT)


def check_signature(certificate: Path, statement: bytes, signature: bytes) -> None:
    """Return if the holder of the certificate signed the statement. ParameterError otherwise."""
    public = read_certificate(certificate, datetime.now(UTC)).public_key()
    if not isinstance(public, MLDSA65PublicKey):
        raise ParameterError(f"{certificate}: not an ML-DSA-65 certificate (haris pki makes NAME.mldsa.crt)")
    if not signature:
        raise ParameterError("the log bears no signature")
    try:
        public.verify(signature, statement, _CONTEXT)
    except InvalidSignature:
        raise ParameterError(f"the log was not signed by the holder of {certificate}") from None
