"""haris kek: make the key-encryption key of a store, or seal one in another way."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

DESCRIPTION = (
    "Make the key under which a store keeps its keys at rest: in a file of 32 octets, or sealed under a passphrase or "
    "in a PKCS#11 token. With --from, an existing key is sealed anew (the store stays as it is)."
)
EXAMPLE = (
    "haris kek bank.kek --passphrase prompt\n"
    "  haris kek bank.kek --token bank --module /usr/lib/softhsm/libsofthsm2.so --pin prompt"
)
_SOURCES = "prompt, fd:N, credential:NAME or file:PATH"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the new file, readable by its owner only")
    parser.add_argument("--passphrase", metavar="SOURCE", help=f"seal under a passphrase from {_SOURCES}")
    parser.add_argument("--token", metavar="LABEL", help="seal under a fresh AES key in this PKCS#11 token")
    parser.add_argument("--module", type=Path, metavar="FILE", help="the token's PKCS#11 library")
    parser.add_argument("--label", default="haris-kek", help="of the AES key in the token (default %(default)s)")
    parser.add_argument("--pin", metavar="SOURCE", default="prompt", help=f"the token's PIN from {_SOURCES} (prompt)")
    parser.add_argument("--from", dest="old", type=Path, metavar="FILE", help="seal the key of this file, made earlier")
    parser.add_argument("--unlock", metavar="SOURCE", default="prompt", help="what opens that file (default prompt)")


def run(args: argparse.Namespace) -> int:
    """Write the file, and say what it takes to open it."""
    from haris.crypto.sealing import KEY_OCTETS
    from haris.node.store import key_encryption_key as kek
    from haris.node.system.secret_file import write_secret_file
    from haris.node.system.unlocking import read_unlocking
    from haris.nouns.errors import ParameterError

    if args.passphrase and args.token:
        raise ParameterError("a key is sealed under a passphrase or in a token, not both")
    if (args.token is None) != (args.module is None):
        raise ParameterError("--token and --module go together")
    if args.file.exists():
        raise ParameterError(f"{args.file} exists already")
    key = kek.read_key_encryption_key(args.old, args.unlock) if args.old else os.urandom(KEY_OCTETS)
    octets, needs = key, "anybody who can read it"
    if args.passphrase:
        octets = kek.seal_under_passphrase(key, _twice(args.passphrase), os.urandom)
        needs = "whoever knows the passphrase"
    elif args.token:
        pin = read_unlocking(f"PIN of token {args.token}", args.pin)
        octets = kek.seal_under_token(key, args.module, args.token, args.label, pin, os.urandom)
        needs = f"whoever has token {args.token} and its PIN"
    write_secret_file(args.file, octets)
    print(f"{args.file}: opened by {needs}")
    return 0


def _twice(source: str) -> bytes:
    """The passphrase; typed twice, for a mistake would lose the store."""
    from haris.node.system.unlocking import read_unlocking
    from haris.nouns.errors import ParameterError

    passphrase = read_unlocking("new passphrase", source)
    if source == "prompt" and read_unlocking("again", source) != passphrase:
        raise ParameterError("the two passphrases differ")
    return passphrase
