"""haris store: back a site's store up, restore it, move it to another place."""

from __future__ import annotations

import argparse
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haris.node.configuration.node_toml import NodeConfiguration
    from haris.node.store.store import Store

    Act = Callable[[Store, Callable[[int], bytes]], object]

DESCRIPTION = (
    "backup: copy the store of a site, running or not, into FILE (a PostgreSQL database by pg_dump). restore: put FILE "
    "where the site's store belongs (for PostgreSQL: after pg_restore, without FILE); its keys and pads are void, at "
    "the other sites too, for some were used since; the audit log, alarms, accounts and quotas live on. copy: move the "
    "store of a stopped site from where NODE.toml says to where another file says, a SQLite file or a PostgreSQL "
    "database; every row is compared, and the old one cannot be opened any more."
)
EXAMPLE = (
    "haris store backup bank.toml bank.backup\n  haris store restore bank.toml bank.backup\n"
    "  haris store copy bank.toml bank-postgresql.toml"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    backup = commands.add_parser("backup", description="Copy the store of a site, running or not.")
    backup.add_argument("configuration", type=Path, metavar="NODE.toml", help="the site's configuration")
    backup.add_argument("file", type=Path, metavar="FILE", help="the new file")
    restore = commands.add_parser("restore", description="Put a back-up where the site's store belongs.")
    restore.add_argument("configuration", type=Path, metavar="NODE.toml", help="the site's configuration")
    restore.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the back-up; none for PostgreSQL")
    copy = commands.add_parser("copy", description="Move the store of a stopped site.")
    copy.add_argument("configuration", type=Path, metavar="NODE.toml", help="the site's configuration as it was")
    copy.add_argument("target", type=Path, metavar="NEW.toml", help="as it will be: another [store], the same key")


def run(args: argparse.Namespace) -> int:
    """Do it, and say what was done."""
    from haris.node.configuration.node_toml import read_configuration

    configuration = read_configuration(args.configuration)
    if args.action == "backup":
        return _backup(args, configuration)
    if args.action == "restore":
        return _restore(args, configuration)
    return _copy(configuration, read_configuration(args.target))


def _backup(args: argparse.Namespace, configuration: NodeConfiguration) -> int:
    import getpass
    import json

    from haris.node.operation.admin_client import AdminClient
    from haris.nouns.errors import ParameterError

    socket = configuration.admin.socket
    if args.file.exists():
        raise ParameterError(f"{args.file} exists already")
    if configuration.store.path is None:
        raise ParameterError("[store] is a PostgreSQL database: back it up by pg_dump")
    if socket is None or not socket.exists():
        _opened(configuration, "backup", lambda store, entropy: store.back_up(args.file))
    else:
        import asyncio

        async def ask() -> bytes:
            async with AdminClient(str(socket), None, None, None) as client:
                return await client.post("/haris/v1/backup", {"operator": getpass.getuser()})

        shutil.move(json.loads(asyncio.run(ask()))["path"], args.file)
    print(f"{args.file}: {args.file.stat().st_size} octets")
    return 0


def _restore(args: argparse.Namespace, configuration: NodeConfiguration) -> int:
    from haris.node.store.backup import put_back
    from haris.nouns.errors import ParameterError

    path = configuration.store.path
    if (path is None) != (args.file is None):
        raise ParameterError("a SQLite store is restored from FILE; a PostgreSQL one by pg_restore, then without FILE")
    if path is not None:
        put_back(args.file, path)
    peers = [entry.site for entry in configuration.peer]

    def void(store: Store, entropy: Callable[[int], bytes]) -> None:
        n_keys = store.restored(entropy(16), peers)
        print(f"restored: {n_keys} keys and all pads are void; start the site, and recommission its links")

    _opened(configuration, "restore", void)
    return 0


def _copy(old: NodeConfiguration, new: NodeConfiguration) -> int:
    from haris.node.entropy.site_randomness import entropy_of_command
    from haris.node.store.copy import copy_store
    from haris.node.store.key_encryption_key import read_key_encryption_key
    from haris.node.store.store import open_store
    from haris.nouns.errors import ParameterError

    keys = [read_key_encryption_key(each.store.key_encryption_key, each.store.unlock) for each in (old, new)]
    if keys[0] != keys[1]:
        raise ParameterError("the two files name different key-encryption keys: a store moves as it is sealed")
    name, numbered = str(new.store.path or new.store.postgresql), new.store.path is None
    with contextlib.ExitStack() as opened:
        entropy = opened.enter_context(entropy_of_command(new.randomness, new.site.laboratory))
        source = open_store(old.store.place(), keys[0], entropy, f"{old.site.name}/copy")
        opened.callback(source.close)
        target = open_store(new.store.place(), keys[1], entropy, f"{new.site.name}/copied")
        opened.callback(target.close)
        copied = copy_store(source, target, name, numbered=numbered)
    for table, n_rows in copied.n_rows.items():
        print(f"{table:20} {n_rows:10} rows")
    print(f"{name}: the same, SHA-256 {copied.digest}; {old.store.path or old.store.postgresql} is left")
    return 0


def _opened(configuration: NodeConfiguration, what: str, act: Act) -> None:
    from haris.node.entropy.site_randomness import entropy_of_command
    from haris.node.store.key_encryption_key import read_key_encryption_key
    from haris.node.store.store import open_store

    table = configuration.store
    key = read_key_encryption_key(table.key_encryption_key, table.unlock)
    with entropy_of_command(configuration.randomness, configuration.site.laboratory) as entropy:
        store = open_store(table.place(), key, entropy, f"{configuration.site.name}/{what}")
        try:
            act(store, entropy)
        finally:
            store.close()
