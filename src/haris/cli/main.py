"""The command line: finds the command's file, and turns errors into the three exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from haris.nouns.errors import HarisError, KeyUnavailable

COMMANDS = {
    "demo": "the whole way on this machine, in five acts",
    "rate": "secret key rate of a link against distance",
    "node": "run one site of the network",
    "light": "run one emulated fibre",
    "key": "ask a key manager for keys (ETSI GS QKD 014 client)",
    "tunnel": "carry a TCP stream under quantum keys",
    "pki": "make a laboratory's certificates",
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


def _report(command: str, error: Exception, code: int) -> int:
    text = str(error)
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        text = f"{error.filename}: {error.strerror}"  # without Python's "[Errno 2]"
    print(f"haris {command}: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
