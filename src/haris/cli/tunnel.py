"""haris tunnel: carry a TCP stream under quantum keys."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from haris.node.pki.credentials import client_context, signing_credentials
from haris.node.supply.etsi014_client import KmeClient
from haris.node.tunnel.ends import Connector, Listener, TunnelSettings
from haris.node.tunnel.stream import TunnelEvent
from haris.nouns.endpoint import read_endpoint
from haris.nouns.ids import require_name
from haris.service.tunnel import RekeyPolicy

DESCRIPTION = (
    "Carry TCP streams in TLS 1.3 under keys of a key manager, beside an X25519MLKEM768 exchange, both ends signed "
    "with ML-DSA. `connect` stands where the application connects to, `listen` in front of its server."
)
EXAMPLE = (
    "haris tunnel connect --listen 127.0.0.1:9001 --to exchange.example:9100 --kme https://127.0.0.1:8443 "
    "--peer-sae sae-exchange --sae-cert sae-bank.crt --sae-key sae-bank.key --ca ca.crt "
    "--sign-cert bank.mldsa.crt --sign-key bank.mldsa.key --sign-ca mldsa-ca.crt --peer-name exchange"
)
_POLICY = RekeyPolicy()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris tunnel."""
    parser.add_argument("end", choices=("listen", "connect"), help="which end of the tunnel this is")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="where TCP connections are accepted")
    parser.add_argument("--to", required=True, metavar="HOST:PORT", help="where they are carried to")
    parser.add_argument("--kme", required=True, metavar="URL", help="our key manager, https://HOST:PORT")
    parser.add_argument("--peer-sae", required=True, metavar="ID", help="the SAE ID of the other end")
    parser.add_argument("--sae-cert", required=True, type=Path, metavar="FILE", help="our SAE certificate")
    parser.add_argument("--sae-key", required=True, type=Path, metavar="FILE", help="its private key")
    parser.add_argument("--ca", required=True, type=Path, metavar="FILE", help="the key manager's authority")
    parser.add_argument("--sign-cert", required=True, type=Path, metavar="FILE", help="our ML-DSA certificate")
    parser.add_argument("--sign-key", required=True, type=Path, metavar="FILE", help="its private key")
    parser.add_argument("--sign-ca", required=True, type=Path, metavar="FILE", help="the ML-DSA authority")
    parser.add_argument("--peer-name", required=True, metavar="NAME", help="common name of the other end")
    parser.add_argument(
        "--rekey-bytes",
        type=int,
        default=_POLICY.max_bytes,
        metavar="N",
        help=f"octets that one key may protect in each direction (default {_POLICY.max_bytes})",
    )
    parser.add_argument(
        "--rekey-seconds",
        type=float,
        default=_POLICY.max_seconds,
        metavar="S",
        help=f"age up to which a key may be used (default {_POLICY.max_seconds:g})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line for every event")


def run(args: argparse.Namespace) -> int:
    """Run one end until it is interrupted."""
    asyncio.run(_run(args))
    return 0


async def _run(args: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    listen, to = read_endpoint("--listen", args.listen), read_endpoint("--to", args.to)
    credentials = signing_credentials(args.sign_cert, args.sign_key, args.sign_ca, args.peer_name, now)
    context = client_context(args.sae_cert, args.sae_key, args.ca, now)
    policy = RekeyPolicy(args.rekey_bytes, args.rekey_seconds)
    report = _print_json if args.json else _print_line
    async with KmeClient(args.kme, context) as kme:
        settings = TunnelSettings(kme, credentials, require_name("--peer-sae", args.peer_sae), policy, report)
        end = (Connector if args.end == "connect" else Listener)(settings, to)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await end.start(listen)
        report(TunnelEvent("listening", text=f"{listen[0]}:{end.port}"))
        await stop.wait()
        await end.close()


def _print_json(event: TunnelEvent) -> None:
    print(json.dumps(asdict(event)), flush=True)


def _print_line(event: TunnelEvent) -> None:
    parts = [event.kind]
    if event.session:
        parts.append(f"session {event.session} epoch {event.epoch}")
    if event.kind == "epoch":
        parts.append(f"key {event.key_id}: {event.tls['version']}, {event.tls['group']}, PSK, signed")
    if event.sent_octets or event.delivered_octets:
        parts.append(f"{event.sent_octets} octets out, {event.delivered_octets} in")
    if event.text:
        parts.append(event.text)
    bad = event.kind in ("refused", "failed", "waiting")
    print("; ".join(parts), file=sys.stderr if bad else sys.stdout, flush=True)
