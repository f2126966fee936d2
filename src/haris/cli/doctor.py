"""haris doctor: examine a key manager, haris's or another's."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from haris.manage.findings import Findings, Weight, in_words
from haris.nouns.errors import ParameterError

DESCRIPTION = (
    "Examine a key manager that speaks ETSI GS QKD 014, 004 or SKIP, haris's or another's, as its application: TLS, "
    "certificates, whom it takes its callers for, clocks, status, wrong requests; and, given the other end as well, "
    "keys: a round trip, what must be refused afterwards, and over 014 many clients at once. Keys drawn so are thrown "
    "away. It says what is wrong "
    "and what to do. Exits with 0 when all is sound, with 1 for warnings or faults, and with 3 when the key manager "
    "cannot be reached or its lack of keys left something unexamined."
)
EXAMPLE = (
    "haris doctor https://kme-a:8443 --peer bob --cert alice.crt --key alice.key --ca ca.crt "
    "--peer-url https://kme-b:8443 --peer-cert bob.crt --peer-key bob.key"
)
EXIT_FOUND, EXIT_NO_KEY = 1, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("url", metavar="URL", help="https://HOST:PORT of the key manager; 004: HOST:PORT")
    parser.add_argument("--interface", choices=("014", "004", "skip"), default="014", help="what it speaks (014)")
    parser.add_argument("--peer", required=True, metavar="SAE", help="SAE ID of the other end; SKIP: its system ID")
    parser.add_argument("--cert", required=True, type=Path, metavar="FILE", help="our certificate, PEM")
    parser.add_argument("--key", required=True, type=Path, metavar="FILE", help="its private key")
    parser.add_argument("--ca", required=True, type=Path, metavar="FILE", help="the key manager's authority")
    parser.add_argument("--sae", metavar="ID", help="our SAE ID, if it is not the common name of our certificate")
    parser.add_argument("--peer-url", metavar="URL", help="the other end's key manager; then keys are drawn")
    parser.add_argument("--peer-cert", type=Path, metavar="FILE", help="the other end's certificate")
    parser.add_argument("--peer-key", type=Path, metavar="FILE", help="its private key")
    parser.add_argument("--peer-ca", type=Path, metavar="FILE", help="its key manager's authority, by default --ca")
    parser.add_argument("--clients", default="8,32", metavar="N,N", help="014: how many clients at once; 0: no trial")
    parser.add_argument("--brief", action="store_true", help="leave out what is sound")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Examine once and print what was found."""
    from haris.node.doctor.examination import Side, common_name, examine
    from haris.node.pki.mutual_tls import TlsFiles

    files = TlsFiles(args.cert, args.key, args.ca)
    near = Side(args.url, files, args.sae or common_name(args.cert))
    far = None
    if args.peer_url is not None:
        if args.peer_cert is None or args.peer_key is None:
            raise ParameterError("--peer-url needs --peer-cert and --peer-key")
        far = Side(args.peer_url, TlsFiles(args.peer_cert, args.peer_key, args.peer_ca or args.ca), args.peer)
    clients = _clients(args.clients)
    findings = asyncio.run(examine(near, args.peer, far, clients, interface=args.interface))
    if args.json:
        print(json.dumps(findings.as_json()))
    else:
        print(in_words(findings, set(Weight) - ({Weight.SOUND} if args.brief else set())))
    return exit_code(findings)


def exit_code(findings: Findings) -> int:
    """0 sound; 3 when there was no key or nobody, and that is the whole trouble; 1 for anything else."""
    serious = [finding for finding in findings.of(Weight.WARNING, Weight.FAULT) if finding.check != "tls.handshake"]
    if serious:
        return EXIT_FOUND
    return EXIT_NO_KEY if findings.dry else 0


def _clients(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = (-1,)
    if not all(0 <= n <= 256 for n in counts):
        raise ParameterError(f"--clients takes whole numbers up to 256, such as 8,32, got {text!r}")
    return tuple(n for n in counts if n)
