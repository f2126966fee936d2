"""haris certificate: requests to an operator's own authority, and what certificates say."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from haris.node.pki.request import Role

DESCRIPTION = (
    "request: make a key, in a file or in a PKCS#11 token, and a request (CSR) for your own authority to sign. "
    "show: what certificates say. verify: whether a certificate and its chain lead to an authority."
)
EXAMPLE = (
    "haris certificate request kme-bank --role kme --host kme.bank.example\n"
    "  haris certificate verify kme-bank.crt --authority root.crt --crl root.crl --crl edge.crl"
)
_SOURCES = "prompt, fd:N, credential:NAME or file:PATH"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    request = commands.add_parser("request", description="Write NAME.csr, and NAME.key unless there is a key.")
    request.add_argument("name", metavar="NAME", help="the KME ID, SAE ID or signer's name: the common name")
    request.add_argument("--role", choices=("kme", "sae", "signer"), required=True, help="what it is to be used for")
    request.add_argument("--host", action="append", default=[], metavar="NAME", help="host name or address of a KME")
    request.add_argument("--uri", default="", help="the ID as a URI among the alternative names")
    request.add_argument("--key", type=Path, metavar="FILE", help="an existing private key")
    request.add_argument("--token", metavar="LABEL", help="make the key in this PKCS#11 token")
    request.add_argument("--module", type=Path, metavar="FILE", help="the token's PKCS#11 library")
    request.add_argument("--pin", metavar="SOURCE", default="prompt", help=f"the token's PIN from {_SOURCES} (prompt)")
    request.add_argument("--folder", type=Path, default=Path(), metavar="DIR", help="where the files go")
    show = commands.add_parser("show", description="Say what certificates say.")
    show.add_argument("files", nargs="+", type=Path, metavar="FILE", help="certificates, PEM")
    show.add_argument("--json", action="store_true", help="print one JSON array")
    verify = commands.add_parser("verify", description="Exit with 0 if the chain in FILE leads to an authority.")
    verify.add_argument("file", type=Path, metavar="FILE", help="a certificate, its chain after it")
    verify.add_argument("--authority", type=Path, required=True, metavar="FILE", help="the trusted roots")
    verify.add_argument("--crl", type=Path, action="append", default=[], metavar="FILE", help="a revocation list")


def run(args: argparse.Namespace) -> int:
    """Do the one thing that is asked for."""
    if args.action == "request":
        return _request(args, args.role)
    from haris.node.pki.credentials import read_certificates
    from haris.node.pki.request import describe, require_verified

    if args.action == "verify":
        require_verified(args.file, args.authority, args.crl)
        print(f"{args.file}: leads to {args.authority}")
        return 0
    told: list[dict[str, Any]] = [
        {"file": str(path), **describe(certificate)} for path in args.files for certificate in read_certificates(path)
    ]
    if args.json:
        print(json.dumps(told))
        return 0
    for items in told:
        print("\n".join(f"{name + ':':<13}{value}" for name, value in items.items()), end="\n\n")
    return 0


def _request(args: argparse.Namespace, role: Role) -> int:
    from haris.node.pki import request as pki
    from haris.node.pki.authority import write_all
    from haris.node.pki.token import open_token
    from haris.node.system.unlocking import read_unlocking
    from haris.nouns.errors import ParameterError

    if (args.token is None) != (args.module is None) or (args.token and args.key):
        raise ParameterError("a key is in a file (--key), in a token (--token and --module), or made anew")
    request, name = args.folder / f"{args.name}.csr", args.name
    for path in (request, args.folder / f"{name}.key"):
        if path.exists() and path != args.key:
            raise ParameterError(f"{path} exists already")
    files: dict[str, bytes] = {}
    if args.token:
        pin = read_unlocking(f"PIN of token {args.token}", args.pin)
        with open_token(args.module, args.token, pin) as token:
            token.make_signing_key(name)
            files[request.name] = pki.make_request(name, role, pki.TokenKey(token, name), args.host, args.uri)
        files[f"{name}.key"] = pki.token_key_pem(args.token, name)
    else:
        key = pki.read_key(args.key) if args.key else pki.new_key(role)
        files[request.name] = pki.make_request(name, role, key, args.host, args.uri)
        if not args.key:
            files[f"{name}.key"] = pki.key_pem(key)
    write_all(args.folder, files)
    print(f"{request}: have it signed, and put the certificate, its chain after it, where NODE.toml names it")
    return 0
