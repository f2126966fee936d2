"""haris key: ask a key manager for its status or for keys, as an application would."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from haris.cli import key_etsi004, key_etsi014, key_etsi020, key_skip
from haris.node.pki.credentials import client_context
from haris.nouns.errors import ParameterError

DESCRIPTION = (
    "Ask a key manager (ETSI GS QKD 014, 004, 020, or Cisco SKIP) over mutual TLS. status: what it can give for the "
    "keys shared with PEER. enc: fresh keys, for PEER as slave. dec: the keys that PEER took as master, by their "
    "key_IDs. With 004, enc and dec are the two ends of one key stream, and wait for each other. With 020 we stand in "
    "the place of a neighbour operator's gateway: enc hands trial keys over for PEER, which fetches them at its own "
    "key manager; void takes them back. The keys are printed on stdout: they are secrets. Exits with 3 when there is "
    "no key or nobody answers, and with 2 when certificates are not trusted or a request is wrong."
)
EXAMPLE = (
    "haris key enc exchange-sae --kme https://localhost:8443 --cert bank.crt --key bank.key --ca ca.crt --number 2\n"
    "  haris key dec bank-sae KEY_ID --kme https://localhost:9443 --cert exchange.crt --key exchange.key --ca ca.crt\n"
    "  haris key enc exchange-sae --interface 004 --kme localhost:25575 --cert bank.crt --key bank.key --ca ca.crt\n"
    "  haris key status exchange-sae --interface skip --kme https://localhost:8443 --cert bank.crt --key bank.key "
    "--ca ca.crt\n"
    "  haris key enc bob --interface 020 --kme https://localhost:9020 --cert kme-a2.crt --key kme-a2.key --ca b.crt "
    "--gateway-id kme-b1 --initiator alice"
)
_OPTIONS = {  # of enc or of one interface: (methods, interfaces)
    "number": (("enc", "dec"), ("014", "004", "020")),
    "size": (("enc", "dec"), ("014", "004", "020", "skip")),
    "also": (("enc",), ("014",)),
    "stream": (("enc", "dec"), ("004",)),
    "wait_s": (("enc", "dec"), ("004",)),
    "dialect": (("enc", "dec"), ("004",)),
    "gateway_id": (("status", "enc", "void"), ("020",)),
    "initiator": (("enc", "void"), ("020",)),
    "callback_url": (("enc", "void"), ("020",)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris key."""
    parser.add_argument("method", choices=("status", "enc", "dec", "void"), help="what to ask for")
    parser.add_argument("peer", metavar="PEER", help="SAE ID of the other application; its system ID for SKIP")
    parser.add_argument("key_ids", nargs="*", metavar="KEY_ID", help="dec: the keys to fetch; void: to take back")
    parser.add_argument("--interface", choices=("014", "004", "020", "skip"), default="014", help="what to speak (014)")
    parser.add_argument(
        "--kme", required=True, metavar="URL", help="https://HOST:PORT of the key manager; 004: HOST:PORT"
    )
    parser.add_argument("--cert", required=True, type=Path, metavar="FILE", help="our certificate, CN = our SAE ID")
    parser.add_argument("--key", required=True, type=Path, metavar="FILE", help="its private key")
    parser.add_argument("--ca", required=True, type=Path, metavar="FILE", help="the key manager's authority")
    parser.add_argument("--number", type=int, metavar="N", help="enc: how many keys; 004: how many chunks")
    parser.add_argument("--size", type=int, metavar="BITS", help="enc: size of each key in bits; 004: of each chunk")
    parser.add_argument("--also", action="append", default=[], metavar="SAE", help="enc: a further slave of each key")
    parser.add_argument("--stream", type=UUID, metavar="UUID", help="004: the Key_stream_ID; without it a fresh one")
    parser.add_argument("--wait-s", type=float, metavar="SECONDS", help="004: how long to wait for the peer (30)")
    parser.add_argument("--dialect", choices=tuple(key_etsi004.DIALECTS), help="004: how the mimetype is sent (fixed)")
    parser.add_argument("--gateway-id", metavar="KME", help="020: the KME ID in the other gateway's certificate")
    parser.add_argument("--initiator", metavar="SAE", help="020: the application in whose name keys are handed over")
    parser.add_argument("--callback-url", metavar="URL", help="020: where to acknowledge; without it, in the answer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Ask once and print the answer."""
    key_ids = _key_ids(args.method, args.interface, args.key_ids)
    _refuse_others(args)
    if args.interface == "020":
        asyncio.run(key_etsi020.ask(args, key_ids))
        return 0
    context = client_context(args.cert, args.key, args.ca, datetime.now(UTC))
    if args.interface == "004":
        asyncio.run(key_etsi004.ask(args, context))
    elif args.interface == "skip":
        asyncio.run(key_skip.ask(args, context, key_ids))
    else:
        asyncio.run(key_etsi014.ask(args, context, key_ids))
    return 0


def _key_ids(method: str, interface: str, texts: Sequence[str]) -> tuple[UUID, ...]:
    if interface == "004" and texts:
        raise ParameterError("004 names no keys: both ends take the chunks of a stream in their order")
    if interface == "020" and method == "dec":
        raise ParameterError("nothing is fetched over 020: the target fetches its key from its own key manager")
    if method == "void" and interface != "020":
        raise ParameterError("void belongs to 020")
    if interface != "004" and bool(texts) != (method in ("dec", "void")):
        raise ParameterError("dec and void take one KEY_ID or more, status and enc take none")
    try:
        return tuple(UUID(text) for text in texts)
    except ValueError:
        raise ParameterError(f"a KEY_ID is a UUID, got {' '.join(texts)}") from None


def _refuse_others(args: argparse.Namespace) -> None:
    for name, (methods, interfaces) in _OPTIONS.items():
        if args.interface != "004":
            methods = tuple(method for method in methods if method != "dec")
        if getattr(args, name) not in (None, []) and not (args.method in methods and args.interface in interfaces):
            raise ParameterError(
                f"--{name.replace('_', '-')} belongs to {' and '.join(methods)} of {' and '.join(interfaces)}"
            )
