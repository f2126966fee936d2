"""haris pki: make a laboratory's certificates."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from haris.node.pki import VALID_DAYS, make_laboratory
from haris.nouns.errors import ParameterError

DESCRIPTION = (
    "Make an authority and certificates for the mutual TLS of key managers (EC P-256), and another authority "
    "and certificates for the ends of tunnels (ML-DSA-65). For laboratories: the authorities' keys lie beside."
)
EXAMPLE = "haris pki lab --site bank --site relay --site exchange"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris pki."""
    many: dict[str, Any] = {"action": "append", "default": [], "metavar": "NAME"}
    parser.add_argument("directory", type=Path, metavar="DIR", help="where the files go; made if it is missing")
    parser.add_argument("--site", **many, help="short for --kme kme-NAME --sae sae-NAME --signer NAME")
    parser.add_argument("--kme", **many, help="a key manager: server and client certificate, CN = its KME ID")
    parser.add_argument("--sae", **many, help="an application entity: client certificate, CN = its SAE ID")
    parser.add_argument("--signer", **many, help="an end of a tunnel: ML-DSA certificate NAME.mldsa.crt")
    parser.add_argument("--host", **many, help="another host name or address of the key managers")
    parser.add_argument("--days", type=int, default=VALID_DAYS, help=f"validity in days (default {VALID_DAYS})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Make the certificates and name the directory."""
    kmes = [*(f"kme-{name}" for name in args.site), *args.kme]
    saes = [*(f"sae-{name}" for name in args.site), *args.sae]
    signers = [*args.site, *args.signer]
    if not (kmes or saes or signers):
        raise ParameterError("name at least one --site, --kme, --sae or --signer")
    if args.days < 1:
        raise ParameterError(f"--days must be at least 1, got {args.days}")
    make_laboratory(args.directory, kmes, saes, signers, datetime.now(UTC), args.host, args.days)
    made = {"directory": str(args.directory), "kmes": kmes, "saes": saes, "signers": signers}
    if args.json:
        print(json.dumps(made))
    else:
        print(f"{args.directory}: {len(kmes)} KME, {len(saes)} SAE and {len(signers)} tunnel certificates")
    return 0
