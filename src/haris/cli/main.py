"""The command line: finds the command's file, and turns errors into the three exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from haris.nouns.errors import HarisError, KeyUnavailable, ParameterWarning
from haris.nouns.lines import one_line

COMMANDS = {
    "demo": "the whole way on this machine, in five acts",
    "rate": "secret key rate of links against distance",
    "pass": "passes of satellites over stations, with predicted key",
    "season": "key of a season: stations, pairs, constellations, weather, conflicts",
    "fly": "fly a pass: its light distilled while it comes, over a line that breaks",
    "attack": "what an attack on a link leaves secret, and what its users see",
    "noise": "excess noise of continuous variables from their hardware",
    "protocols": "what each protocol assumes, and where its proof is printed",
    "node": "run one site of the network",
    "light": "run one emulated fibre",
    "entropy": "random numbers of a noise source, and what they are worth",
    "distill": "stored or live light to final keys, and where the time goes",
    "coincidences": "two recordings of photon pairs to offset, QBER and key",
    "key": "ask a key manager for keys (ETSI GS QKD 014, 004, 020, SKIP)",
    "doctor": "examine a key manager, haris's or another's",
    "shadow": "run beside an incumbent key manager, and compare",
    "source": "release a key source from quarantine",
    "tunnel": "carry a TCP stream under quantum keys",
    "vpn": "key strongSwan or WireGuard from a key manager",
    "pki": "a laboratory's authority: make, sign and revoke certificates",
    "certificate": "request a certificate from your own authority, show and verify",
    "status": "the whole network as one site sees it",
    "alarm": "list and acknowledge the alarms of a site",
    "purge": "burn the keys that a pair of applications has",
    "site": "trust another site no more, or again",
    "account": "who used how much key",
    "audit": "verify, export and show who got which keys",
    "link": "commission a link by a secret that two people carry",
    "store": "back up, restore or move the store of a site",
    "kek": "make or reseal the key under which a store is kept",
    "papers": "published numbers computed anew, beside ours",
    "bench": "measure haris against its peers",
}
"""Each name is a module haris.cli.NAME with DESCRIPTION, EXAMPLE, add_arguments(parser), run(args) -> exit code."""

EXIT_INPUT = 2
EXIT_NO_KEY = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, 2 (input) or 3 (no key)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="haris",
        description="From light to a protected transaction.",
        epilog="haris COMMAND --help shows an example of each.",
    )
    parser.add_argument("--version", action="version", version=f"haris {version('haris')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((a for a in arguments if not a.startswith("-")), None)
    for name, summary in COMMANDS.items():
        if name != chosen:  # only the chosen command is imported: the others' libraries are slow to load
            commands.add_parser(name, help=summary, add_help=False)
            continue
        module = importlib.import_module(f"haris.cli.{name}")
        command = commands.add_parser(
            name,
            help=summary,
            description=module.DESCRIPTION,
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    try:
        with _warnings_told(parsed.command):
            return int(parsed.run(parsed))
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyUnavailable as error:
        return _report(parsed.command, error, EXIT_NO_KEY)
    except (HarisError, OSError) as error:
        return _report(parsed.command, error, EXIT_INPUT)
    except KeyboardInterrupt:
        return 130


@contextmanager
def _warnings_told(command: str) -> Iterator[None]:
    """A parameter that means nothing is told in a line of ours; other warnings as ever."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, ParameterWarning):
                print(one_line(f"haris {command}: warning: {message}"), file=sys.stderr)
            else:
                others(message, category, *place, **more)

        warnings.showwarning = show
        warnings.simplefilter("always", ParameterWarning)
        yield


def _report(command: str, error: Exception, code: int) -> int:
    text = str(error)
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        text = f"{error.filename}: {error.strerror}"  # without Python's "[Errno 2]"
    print("\n".join(map(one_line, f"haris {command}: {text}".split("\n"))), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
