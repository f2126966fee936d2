"""haris pki: a laboratory's authority."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from haris.node.pki.authority import Terms, add_intermediate, add_to_laboratory, make_laboratory, sign_request
from haris.node.pki.making import VALID_DAYS
from haris.node.pki.revoked import CRL_DAYS, revoke, write_crls
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError

DESCRIPTION = (
    "Make an authority and certificates for the mutual TLS of key managers (EC P-256), and another authority "
    "and certificates for the ends of tunnels and spans (ML-DSA-65). For laboratories: the authorities' keys lie "
    "beside. An authority that is there already (--issuer) can issue more, sign requests, revoke, and be asked."
)
EXAMPLE = (
    "haris pki lab --site bank --site relay --site exchange\n"
    "  haris pki lab --issuer ca --intermediate edge\n"
    "  haris pki lab --issuer edge --sign kme-new.csr > kme-new.crt\n"
    "  haris pki lab --revoke sae-bank"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris pki."""
    many: dict[str, Any] = {"action": "append", "default": [], "metavar": "NAME"}
    parser.add_argument("directory", type=Path, metavar="DIR", help="where the files go; made if it is missing")
    parser.add_argument("--site", **many, help="short for --kme kme-NAME --sae sae-NAME --signer NAME")
    parser.add_argument("--kme", **many, help="a key manager: server and client certificate, CN = its KME ID")
    parser.add_argument("--sae", **many, help="an application entity: client certificate, CN = its SAE ID")
    parser.add_argument("--signer", **many, help="an end of a tunnel or span: ML-DSA certificate NAME.mldsa.crt")
    parser.add_argument("--host", **many, help="another host name or address of the key managers")
    parser.add_argument("--days", type=int, default=VALID_DAYS, help=f"validity in days (default {VALID_DAYS})")
    parser.add_argument("--issuer", default="", metavar="NAME", help="issue from this authority of DIR, such as ca")
    parser.add_argument("--intermediate", metavar="NAME", help="make an authority below --issuer (default ca)")
    parser.add_argument("--sign", type=Path, metavar="FILE.csr", help="sign a request; the certificate goes to stdout")
    parser.add_argument("--revoke", **many, help="revoke NAME.crt, and write its authority's list, STEM.crl, anew")
    parser.add_argument("--crl", action="store_true", help="write every authority's list anew")
    parser.add_argument("--crl-days", type=int, default=CRL_DAYS, help=f"validity of a list (default {CRL_DAYS})")
    parser.add_argument("--ocsp", metavar="HOST:PORT", help="answer OCSP there until interrupted")
    parser.add_argument("--crl-url", default="", metavar="URL", help="where certificates say that the list is")
    parser.add_argument("--ocsp-url", default="", metavar="URL", help="where certificates say that OCSP is answered")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Do the one thing that is asked for."""
    if args.days < 1 or args.crl_days < 1:
        raise ParameterError("--days and --crl-days must be at least 1")
    names = args.site or args.kme or args.sae or args.signer
    asked = [bool(each) for each in (names, args.intermediate, args.sign, args.revoke, args.crl, args.ocsp)]
    if not any(asked):
        raise ParameterError("name at least one --site, --kme, --sae or --signer")
    if sum(asked) > 1:
        raise ParameterError("--intermediate, --sign, --revoke, --crl, --ocsp and making certificates go one at a time")
    now, terms = datetime.now(UTC), Terms(args.days, args.crl_url, args.ocsp_url)
    if names:
        return _make(args, now, terms)
    if args.sign:
        print(sign_request(args.directory, _read_request(args.sign), args.issuer or "ca", now, terms).decode(), end="")
    elif args.intermediate:
        add_intermediate(args.directory, args.intermediate, args.issuer or "ca", now, terms)
        print(f"{args.directory}: authority {args.intermediate} below {args.issuer or 'ca'}")
    elif args.ocsp:
        return asyncio.run(_answer(args.directory, args.ocsp))
    else:
        if not args.directory.is_dir():
            raise ParameterError(f"{args.directory}: no such directory")
        lists = [revoke(args.directory, name, now, args.crl_days) for name in args.revoke]
        lists = lists or write_crls(args.directory, now, args.crl_days)
        print(f"{args.directory}: {', '.join(f'{stem}.crl' for stem in dict.fromkeys(lists))}")
    return 0


def _make(args: argparse.Namespace, now: datetime, terms: Terms) -> int:
    kmes = [*(f"kme-{name}" for name in args.site), *args.kme]
    saes = [*(f"sae-{name}" for name in args.site), *args.sae]
    signers = [*args.site, *args.signer]
    if args.issuer:
        add_to_laboratory(args.directory, kmes, saes, signers, now, args.host, terms, args.issuer)
    else:
        make_laboratory(args.directory, kmes, saes, signers, now, args.host, terms=terms)
    made = {"directory": str(args.directory), "kmes": kmes, "saes": saes, "signers": signers}
    if args.json:
        print(json.dumps(made))
    else:
        print(f"{args.directory}: {len(kmes)} KME, {len(saes)} SAE and {len(signers)} tunnel certificates")
    return 0


def _read_request(path: Path) -> Any:
    from cryptography import x509

    try:
        return x509.load_pem_x509_csr(path.read_bytes())
    except ValueError:
        raise ParameterError(f"{path}: not a request (CSR) in PEM form") from None


async def _answer(directory: Path, where: str) -> int:
    from haris.node.pki.ocsp_responder import serve

    host, port = read_endpoint("--ocsp", where)
    runner = await serve(directory, host, port, lambda: datetime.now(UTC))
    print(f"answers OCSP for {directory} at http://{where}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
    return 0
