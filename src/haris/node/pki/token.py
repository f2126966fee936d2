"""A PKCS#11 token: keys that never leave it, and what they do there. Needs the package python-pkcs11."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from haris.nouns.errors import ParameterError, StoreError

NONCE_OCTETS = 12
_TAG_BITS = 128


class Token:
    """An open session with one token. Made by open_token."""

    def __init__(self, session: Any, where: str) -> None:
        self._session, self._where = session, where

    def make_sealing_key(self, label: str) -> None:
        """A fresh AES-256 key in the token, which cannot be taken out. ParameterError when the label is taken."""
        pkcs11 = _library()
        if list(self._session.get_objects({pkcs11.Attribute.LABEL: label})):
            raise ParameterError(f"{self._where} holds an object {label} already")
        with self._refusing(f"cannot make the key {label}"):
            self._session.generate_key(
                pkcs11.KeyType.AES,
                256,
                store=True,
                label=label,
                template={pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True},
            )

    def seal(self, label: str, secret: bytes, row: bytes, entropy: Callable[[int], bytes]) -> bytes:
        """Nonce, ciphertext and tag (AES-256-GCM) of secret under the key `label`; row is authenticated beside it."""
        nonce = entropy(NONCE_OCTETS)
        with self._refusing(f"cannot seal under {label}"):
            sealed: bytes = self._secret_key(label).encrypt(secret, **_gcm(nonce, row))
        return nonce + sealed

    def unseal(self, label: str, sealed: bytes, row: bytes) -> bytes:
        """The secret. StoreError when it was sealed under another key or changed since."""
        pkcs11 = _library()
        key = self._secret_key(label)
        try:
            secret: bytes = key.decrypt(sealed[NONCE_OCTETS:], **_gcm(sealed[:NONCE_OCTETS], row))
        except pkcs11.PKCS11Error as error:
            raise StoreError(f"{self._where} does not open what is sealed under {label}: {_said(error)}") from None
        return secret

    def make_signing_key(self, label: str) -> None:
        """A fresh key pair on P-256 in the token. ParameterError when the label is taken."""
        pkcs11 = _library()
        if list(self._session.get_objects({pkcs11.Attribute.LABEL: label})):
            raise ParameterError(f"{self._where} holds an object {label} already")
        with self._refusing(f"cannot make the key {label}"):
            from pkcs11.util.ec import encode_named_curve_parameters

            curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
            parameters = self._session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
            hidden = {pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True}
            parameters.generate_keypair(store=True, label=label, id=label.encode(), private_template=hidden)

    def public_key(self, label: str) -> bytes:
        """The public key of a pair, DER (SubjectPublicKeyInfo). ParameterError when there is none."""
        pkcs11 = _library()
        from pkcs11.util.ec import encode_ec_public_key

        with self._refusing(f"has no key pair {label}"):
            der: bytes = encode_ec_public_key(self._session.get_key(pkcs11.ObjectClass.PUBLIC_KEY, label=label))
        return der

    def sign(self, label: str, digest: bytes) -> bytes:
        """An ECDSA signature of a digest by the private key `label`, DER."""
        pkcs11 = _library()
        from pkcs11.util.ec import encode_ecdsa_signature

        with self._refusing(f"cannot sign with {label}"):
            key = self._session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, label=label)
            signature: bytes = encode_ecdsa_signature(key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))
        return signature

    def _secret_key(self, label: str) -> Any:
        pkcs11 = _library()
        with self._refusing(f"has no AES key {label}"):
            return self._session.get_key(pkcs11.ObjectClass.SECRET_KEY, pkcs11.KeyType.AES, label=label)

    @contextmanager
    def _refusing(self, what: str) -> Iterator[None]:
        try:
            yield
        except _library().PKCS11Error as error:
            raise ParameterError(f"{self._where} {what}: {_said(error)}") from None


@contextmanager
def open_token(module: Path, label: str, pin: bytes) -> Iterator[Token]:
    """A session with the token that bears label, through a PKCS#11 module (a shared library).

    Raises ParameterError when the module, the token or the PIN is not what it should be.
    """
    pkcs11 = _library()
    where = f"token {label}"
    try:
        token = pkcs11.lib(str(module)).get_token(token_label=label)
        session = token.open(user_pin=pin.decode(), rw=True)
    except pkcs11.PKCS11Error as error:
        raise ParameterError(f"{where} through {module}: {_said(error)}") from None
    except (RuntimeError, OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{module}: no PKCS#11 module: {error}") from None
    with session:
        yield Token(session, where)


def _gcm(nonce: bytes, row: bytes) -> dict[str, Any]:
    pkcs11 = _library()
    return {
        "mechanism": pkcs11.Mechanism.AES_GCM,
        "mechanism_param": pkcs11.GCMParams(nonce, aad=row, tag_bits=_TAG_BITS),
    }


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _library() -> Any:
    try:
        import pkcs11
    except ImportError:
        raise ParameterError("tokens need the package python-pkcs11: pip install 'haris[pkcs11]'") from None
    return pkcs11
