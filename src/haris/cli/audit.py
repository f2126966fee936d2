"""haris audit: verify, export and show the log of who got which keys."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from haris.cli.operators import add_certificate, ask_site
from haris.manage.audit import Break, Entry, Head, read_records, record_items
from haris.manage.audit_export import Seal, Sign, read_head, verify_log, write_export, write_head
from haris.node.operation.admin_client import AdminClient
from haris.node.operation.audit_file import read_audit
from haris.node.operation.audit_pages import fetch_audit
from haris.node.operation.audit_signature import check_signature, signer
from haris.nouns.errors import StoreError
from haris.nouns.lines import one_line
from haris.nouns.times import read_time, write_time

DESCRIPTION = (
    "Read the audit log in FILE: the store of a node that is stopped, a backup of it, or an export; or that of a site "
    "that runs, from its operators' face. verify: every "
    "chain of hashes from its start to its head; exits with 2 and names the first entry that cannot be trusted. "
    "export: JSON lines with a seal on stdout, once the log is verified. show: the records, for a person."
)
EXAMPLE = (
    "haris audit verify bank.db --head bank:1042:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
    "  haris audit export bank.db --sign-key bank.mldsa.key > bank-2026-03.jsonl"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of haris audit."""
    parser.add_argument("what", choices=("verify", "export", "show"), help="what to do with the log")
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a store, a backup, an export; or a site that runs: NODE.toml, or https://HOST:PORT",
    )
    add_certificate(parser)
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="WRITER:NUMBER:HASH",
        help="a head that was noted elsewhere, such as in a syslog: the log must hold it",
    )
    parser.add_argument("--sign-key", type=Path, metavar="FILE", help="export: sign the seal (NAME.mldsa.key)")
    parser.add_argument("--signer", type=Path, metavar="FILE", help="verify: whose signature the seal must bear")
    parser.add_argument("--since", metavar="TIME", help="show: entries from this time on")
    parser.add_argument("--until", metavar="TIME", help="show: entries before this time")
    parser.add_argument("--about", metavar="NAME", help="show: records that name this SAE, operator or key_ID")
    parser.add_argument("--json", action="store_true", help="verify, show: JSON objects")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; ParameterError for a log that does not hold."""
    if args.what == "show":
        return _show(args)
    known = [read_head(text) for text in args.head]
    sealed = verify_log(_log(args), known)
    if isinstance(sealed, Break):
        raise StoreError(f"{args.file}: entry {sealed.number} of {sealed.writer!r}: {sealed.reason}")
    if args.what == "export":
        sign: Sign = signer(args.sign_key) if args.sign_key else lambda statement: b""
        chains = (part for part in _log(args) if isinstance(part, Head | Entry))
        for line in write_export(chains, sign):
            print(line)
        return 0
    if args.signer:
        check_signature(args.signer, sealed.statement, sealed.signature)
    heads = [write_head(head) for head in sealed.heads]
    if args.json:
        print(json.dumps({"entries": sealed.n_entries, "heads": heads, "signed": bool(args.signer)}))
    else:
        print(f"{args.file}: {sealed.n_entries} entries hold" + (", and so does the signature" if args.signer else ""))
        for head in heads:
            print(f"  head {head}")
        if not known and not sealed.signature:
            print("  no head noted elsewhere was given: whether the end was cut off cannot be seen", file=sys.stderr)
    return 0


def _show(args: argparse.Namespace) -> int:
    since = None if args.since is None else read_time("--since", args.since)
    until = None if args.until is None else read_time("--until", args.until)
    for entry in _between(_log(args), since, until):
        for record in read_records(entry.body):
            items = record_items(record)
            if args.about is not None and args.about not in json.dumps(items):
                continue
            if args.json:
                head = {"writer": entry.writer, "number": entry.number, "time": write_time(entry.time_ns)}
                print(json.dumps(head | items))
            else:
                print(f"{write_time(entry.time_ns)}  {entry.writer} {entry.number}  {_in_words(items)}")
    return 0


def _log(args: argparse.Namespace) -> Iterable[Head | Entry | Seal]:
    """The log in a file, or of a site that runs."""
    if "://" not in args.file and not args.file.endswith(".toml"):
        return read_audit(Path(args.file))

    async def fetched(client: AdminClient) -> list[Head | Entry]:
        return [part async for part in fetch_audit(client)]

    return ask_site(args, fetched, args.file)


def _between(parts: Iterable[object], since: int | None, until: int | None) -> Iterator[Entry]:
    for part in parts:
        if not isinstance(part, Entry) or (since is not None and part.time_ns < since):
            continue
        if until is None or part.time_ns < until:
            yield part


def _in_words(items: dict[str, object]) -> str:
    words = [str(items["record"])]
    for name, value in items.items():
        if name != "record" and value not in ("", []):
            words.append(f"{name}={json.dumps(value) if isinstance(value, list) else value}")
    return one_line(" ".join(words))
