"""What the commands for operators share: which site they ask, and as whom."""

from __future__ import annotations

import argparse
import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from haris.node.operation.admin_client import AdminClient

T = TypeVar("T")


def add_site(parser: argparse.ArgumentParser) -> None:
    """Declare the site, and the operator's certificate."""
    parser.add_argument(
        "site", metavar="SITE", help="NODE.toml or its Unix socket on this machine, or https://HOST:PORT"
    )
    add_certificate(parser)


def add_certificate(parser: argparse.ArgumentParser) -> None:
    """Declare the operator's certificate."""
    parser.add_argument("--cert", type=Path, metavar="FILE", help="the operator's certificate, for https")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its private key")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the key manager's authority")


def ask_site(args: argparse.Namespace, ask: Callable[[AdminClient], Awaitable[T]], site: str = "") -> T:
    """What a site answers; site: another than args.site. Raises ParameterError and PeerError."""

    async def asked() -> T:
        async with AdminClient(site or args.site, args.cert, args.key, args.ca) as client:
            return await ask(client)

    return asyncio.run(asked())


def add_operator(parser: argparse.ArgumentParser) -> None:
    """Declare who acts."""
    parser.add_argument("--operator", metavar="NAME", help="at a Unix socket: who you are (default: your login name)")


def act(args: argparse.Namespace, path: str) -> bytes:
    """What a site answers to an act of its operator. Raises ParameterError and PeerError."""
    who = {} if "://" in args.site else {"operator": args.operator or getpass.getuser()}
    return ask_site(args, lambda client: client.post(path, who))
