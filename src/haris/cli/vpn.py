"""haris vpn: key a VPN from a key manager."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from haris.node.pki.credentials import client_context
from haris.node.supply.etsi014_client import KmeClient
from haris.node.vpn.agent import Daemon, Report, VpnAgent, VpnEvent
from haris.node.vpn.configuration import VpnConfiguration, read_vpn_configuration
from haris.nouns.errors import ParameterError

DESCRIPTION = (
    "Key one end of a VPN from a key manager (ETSI GS QKD 014), its own or another maker's; the same command runs at "
    "the other end. ipsec: strongSwan, each key an RFC 8784 PPK of an IKE SA of its own, made before the old one is "
    "ended. wireguard: each key the peer's preshared key. Both ends agree on each key by its key_ID; nothing passes "
    "before the first one, nor after the last one is too old."
)
EXAMPLE = "haris vpn ipsec bank.toml --json\n  haris vpn wireguard exchange.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris vpn."""
    parser.add_argument("kind", choices=("ipsec", "wireguard"), help="what is keyed")
    parser.add_argument("configuration", type=Path, metavar="VPN.toml", help="this end's configuration")
    parser.add_argument("--json", action="store_true", help="one JSON object a line for every event")


def run(args: argparse.Namespace) -> int:
    """Key until interrupted (SIGINT or SIGTERM)."""
    configuration = read_vpn_configuration(args.configuration)
    asyncio.run(_run(args.kind, configuration, _print_json if args.json else _print_line))
    return 0


async def _run(kind: str, configuration: VpnConfiguration, report: Report) -> None:
    kme = configuration.kme
    context = client_context(kme.certificate, kme.private_key, kme.authority, datetime.now(UTC))
    async with KmeClient(kme.url, context) as keys:
        agent = VpnAgent(kind, configuration, keys, _daemon(kind, configuration), report)
        running = asyncio.ensure_future(agent.run())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        try:
            await running
        except asyncio.CancelledError:
            if not running.cancelled():
                raise


def _daemon(kind: str, configuration: VpnConfiguration) -> Daemon:
    """The daemon of a kind, by its table."""
    name, role = configuration.vpn.name, configuration.vpn.role
    if kind == "ipsec" and configuration.ipsec:
        from haris.node.vpn.ipsec import IpsecDaemon

        return IpsecDaemon(role, name, configuration.ipsec, configuration.policy)
    if kind == "wireguard" and configuration.wireguard:
        from haris.node.vpn.wireguard import WireguardDaemon

        return WireguardDaemon(role, configuration.wireguard, os.urandom)
    raise ParameterError(f"haris vpn {kind} needs the table [{kind}]")


def _print_json(event: VpnEvent) -> None:
    print(msgspec.json.encode(event).decode(), flush=True)


def _print_line(event: VpnEvent) -> None:
    parts = [f"{event.vpn} ({event.role}): {event.what}"]
    if event.key_id:
        parts.append(f"key {event.key_id}")
    if event.what == "rotated":
        epsilon = "unknown" if event.epsilon is None else f"{event.epsilon:.1e}"
        parts.append(f"{event.origin or 'origin unknown'}, epsilon {epsilon}, number {event.count}")
    if event.text:
        parts.append(event.text)
    print("; ".join(parts), flush=True)
