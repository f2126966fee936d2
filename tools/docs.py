"""Writes docs/reference from the code: the commands from their parsers, the files' keys from their dataclasses."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.util
import inspect
import itertools
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from haris.cli.main import COMMANDS
from haris.node.configuration.node_toml import NodeConfiguration
from haris.node.doctor.shadow import ShadowConfiguration
from haris.node.entropy.supply_toml import DeviceTable, ListenerTable, SupplyTable
from haris.node.vpn.configuration import VpnConfiguration
from haris.nouns.document import describe
from haris.quantum.attacks.attacked import ATTACKS
from haris.quantum.entropy.source import Extraction
from haris.quantum.entropy.sources import SOURCES
from haris.quantum.link import FAMILIES, Link
from haris.quantum.orbit.station import Station
from haris.quantum.security.key_length import Security
from haris.quantum.space.channel import SpaceChannel
from haris.quantum.space.classical import ClassicalLink
from haris.quantum.space.motion import Motion
from haris.quantum.space.pass_link import FLYING, PassProtocol
from haris.quantum.space.scenario import Satellites, Search
from haris.quantum.space.season import Handover
from haris.quantum.space.weather import Weather

ROOT = Path(__file__).resolve().parent.parent
MADE = "<!-- Made by `make docs`: change the code, not this page. -->"
EXITS = "Every command exits with 0, with 2 on bad input, and with 3 when there is no key."
PASS_TABLES = {
    "[satellite]": Satellites,
    "[[station]]": Station,
    "[search]": Search,
    "[motion]": Motion,
    "[channel]": SpaceChannel,
    "[protocol]": PassProtocol,
    "[security]": Security,
    "[classical]": ClassicalLink,
    "[[weather]]": Weather,
    "[handover]": Handover,
}
STRICT = "An unknown key or a value of another type is refused, with its line."
UNITS = "Numbers are SI, and a key that has a dimension ends in its unit, such as `_m`, `_s` or `_hz`."


def pages() -> dict[Path, str]:
    """Each page of docs/reference by its path."""
    reference = ROOT / "docs" / "reference"
    return {
        reference / "commands.md": commands_page(),
        reference / "link.md": link_page(),
        reference / "pass.md": pass_page(),
        reference / "attacks.md": attacks_page(),
        reference / "source.md": source_page(),
        reference / "examples.md": examples_page(),
        reference / "node.md": tables_page("NODE.toml", NodeConfiguration, "One site of the network, for `haris node`"),
        reference / "supply.md": supply_page(),
        reference / "vpn.md": tables_page("VPN.toml", VpnConfiguration, "One end of a VPN, for `haris vpn`"),
        reference / "shadow.md": tables_page("SHADOW.toml", ShadowConfiguration, "Two systems, for `haris shadow`"),
        reference / "metrics.md": metrics_page(),
        reference / "alarms.md": alarms_page(),
    }


def commands_page() -> str:
    """Every command with its arguments."""
    parts = ["# Commands", MADE, EXITS]
    for name, summary in COMMANDS.items():
        parts.append(f"## haris {name}")
        module_name = f"haris.cli.{name}"
        if importlib.util.find_spec(module_name) is None:
            parts.append(f"Not in this version: {summary}.")
            continue
        module = importlib.import_module(module_name)
        parser = argparse.ArgumentParser(prog=f"haris {name}", add_help=False)
        module.add_arguments(parser)
        parts += [module.DESCRIPTION, _example(module.EXAMPLE), *arguments(parser)]
    return "\n\n".join(parts) + "\n"


def _example(text: str) -> str:
    """Command lines as they would be typed."""
    return "\n".join(["```", *(line.strip() for line in text.splitlines()), "```"])


def arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The table of a parser's arguments, then those of its subcommands."""
    rows, inner = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner += list(action.choices.values())
        elif action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
            # argparse's own layout differs from one Python to the next; the words do not.
            words = (action.help or "") % {**vars(action), "prog": parser.prog}
            rows.append(
                (f"`{_shape(action)}`", words + (" (required)" if action.option_strings and action.required else ""))
            )
    if rows:
        yield table(("argument", "meaning"), rows)
    for sub in inner:
        yield f"### {sub.prog}"
        if sub.description:
            yield sub.description
        yield from arguments(sub)


def _shape(action: argparse.Action) -> str:
    """How an argument is written: `--runs N`, `NAME...`, `listen|connect`."""
    value = "|".join(map(str, action.choices)) if action.choices else action.metavar or action.dest.upper()
    value = " ".join(value) if isinstance(value, tuple) else value
    if action.option_strings:
        return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}")
    return value + ("..." if action.nargs in ("*", "+") else "")


def link_page() -> str:
    """The tables of LINK.toml."""
    parts = ["# LINK.toml", MADE, f"One quantum link: the file form of `haris.Link`. {UNITS} {STRICT}"]
    parts += ["What [source] and [detector] hold follows from the protocol; `haris protocols` tells of its proofs."]
    parts += link_tables("source")
    parts += link_tables("channel")
    parts += link_tables("detector")
    for family in FAMILIES.values():
        parts += [f'## [protocol] with name = "{family.name}"', *fields_of(family.protocol)]
    parts += inner_tables("protocol")
    parts += ["## [security]", *fields_of(Security)]
    example = ROOT / "examples" / "links" / "metro_25km.toml"
    parts += ["## Example", f"```toml\n{example.read_text(encoding='utf-8').rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def pass_page() -> str:
    """The tables of PASS.toml."""
    parts = [
        "# PASS.toml",
        MADE,
        f"Satellites, stations and the light between them: read by `haris pass`. {UNITS} {STRICT}",
    ]
    parts += ["What [source] and [detector] hold follows from the protocol, as in [LINK.toml](link.md)."]
    for title, cls in PASS_TABLES.items():
        parts += [f"## {title}", *fields_of(cls)]
    for part in ("source", "detector"):
        names: dict[type, list[str]] = {}
        for family in FLYING.values():
            names.setdefault(getattr(family, part), []).append(family.name)
        for cls, of in names.items():
            parts += [f"## [{part}] of {', '.join(of)}", *fields_of(cls)]
    example = ROOT / "examples" / "space" / "micius_xinglong_2016.toml"
    parts += ["## Example", f"```toml\n{example.read_text(encoding='utf-8').rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def attacks_page() -> str:
    """Every attack with its settings."""
    words = (
        "What Eve may do to a link: settings of `haris attack`, by `--set` or in [attack] of a file "
        f"([how](../how-to/attack-a-link.md)). {UNITS} {STRICT}"
    )
    parts = ["# Attacks", MADE, words]
    for name, attack in ATTACKS.items():
        known = f"Of {', '.join(attack.FAMILIES)}. {attack.SOURCE}."
        parts += [f'## [attack] with name = "{name}"', *fields_of(attack), known]
    return "\n\n".join(parts) + "\n"


def source_page() -> str:
    """The tables of SOURCE.toml."""
    words = (
        "A source of random numbers, and how its raw samples are hashed: read by `haris entropy`; "
        f"`haris entropy sources` tells of their proofs. {UNITS} {STRICT}"
    )
    parts = ["# SOURCE.toml", MADE, words]
    for name, source in SOURCES.items():
        title = f"{source.title[:1].upper()}{source.title[1:]}."
        parts += [f'## [source] with name = "{name}"', title, *fields_of(source.parameters)]
    parts += ["## [extraction]", *fields_of(Extraction)]
    example = ROOT / "examples" / "entropy" / "vacuum.toml"
    parts += ["## Example", f"```toml\n{example.read_text(encoding='utf-8').rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def supply_page() -> str:
    """The tables of SUPPLY.toml."""
    words = (
        "A supply of random numbers, for `haris entropy serve`, `feed` and `watch` ([how]"
        f"(../how-to/supply-random-numbers.md)). Paths start at the file's folder. {UNITS} {STRICT}"
    )
    parts = ["# SUPPLY.toml", MADE, words, "## [device]", *fields_of(DeviceTable)]
    parts += ["## [source] and [extraction]", "As in [SOURCE.toml](source.md)."]
    parts += ["## [supply]", *fields_of(SupplyTable), "## [listener]", *fields_of(ListenerTable)]
    example = ROOT / "examples" / "supplies" / "emulated.toml"
    parts += ["## Example", f"```toml\n{example.read_text(encoding='utf-8').rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def examples_page() -> str:
    """Every link of examples/links, with what its head says and what it gives."""
    rows = []
    for path in sorted((ROOT / "examples" / "links").glob("*.toml")):
        link = Link.read(path)
        rate = link.rate()
        head = itertools.takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
        words = " ".join(line.lstrip("# ") for line in head)
        rows.append(
            (
                f"[{path.stem}](../../examples/links/{path.name})",
                link.family.name,
                f"{link.channel.length_m / 1e3:g} km",
                f"{float(rate.secret_bits_per_s):.2g} bit/s",
                link.security.bound,
                words,
            )
        )
    words = (
        "What `haris rate` says of them at their own length. Those that are named after a paper are of its experiment; "
        "which of their values are not printed there, each file marks."
    )
    head = ("link", "protocol", "length", "key", "bound", "what it is")
    return "\n\n".join(["# Links that run as they stand", MADE, words, table(head, rows)]) + "\n"


def link_tables(part: str) -> Iterator[str]:
    """A part of the link, once for each class that it may be of."""
    classes: dict[tuple[type, str], list[str]] = {}
    for family in FAMILIES.values():
        for cls, tag in classes_of(family, part):
            classes.setdefault((cls, tag), []).append(family.name)
    for (cls, tag), names in classes.items():
        yield f"## [{part}]{tag} of {', '.join(names)}"
        yield from fields_of(cls)
    yield from inner_tables(part)


def classes_of(family: Any, part: str) -> list[tuple[type, str]]:
    """What a part of a family's link may be, with what stands in its table besides the fields."""
    if part == "channel":
        return [(cls, f' with kind = "{kind}"') for kind, cls in family.media.items()]
    return [(getattr(family, part), "")]


def inner_tables(part: str) -> Iterator[str]:
    """The tables inside a part of the link, each once."""
    seen = set()
    for family in FAMILIES.values():
        for name, hint in _hints(family, part).items():
            for cls in filter(dataclasses.is_dataclass, typing.get_args(hint)):
                if cls not in seen:
                    seen.add(cls)
                    names = [each.name for each in FAMILIES.values() if hint in _hints(each, part).values()]
                    yield f"## [{part}.{name}] of {', '.join(names)}"
                    yield from fields_of(cls)


def _hints(family: Any, part: str) -> dict[str, Any]:
    return {name: hint for cls, _ in classes_of(family, part) for name, hint in typing.get_type_hints(cls).items()}


def tables_page(title: str, configuration: Any, words: str) -> str:
    """The tables of a file whose whole is the dataclass configuration."""
    parts = [f"# {title}", MADE, f"{words}. Paths start at the file's folder. {STRICT}"]
    for name, hint in typing.get_type_hints(configuration).items():
        many = typing.get_origin(hint) is tuple
        cls = typing.get_args(hint)[0] if typing.get_args(hint) else hint  # of tuple[X, ...] and of X | None
        parts += [f"## [[{name}]]" if many else f"## [{name}]", *fields_of(cls)]
    return "\n\n".join(parts) + "\n"


def metrics_page() -> str:
    """Every metric that Prometheus reads."""
    families = importlib.import_module("haris.node.operation.metrics").FAMILIES
    rows = [
        (f"`{name}`", family.kind, " ".join(f"`{label}`" for label in family.labels), family.help)
        for name, family in families.items()
    ]
    words = (
        "What `/metrics` of a site tells Prometheus ([admin] in [NODE.toml](node.md)), beside the `process_` metrics "
        "of its process. Neither key_IDs nor secrets are ever among them."
    )
    return "\n\n".join(["# Metrics", MADE, words, table(("metric", "kind", "labels", "meaning"), rows)]) + "\n"


def alarms_page() -> str:
    """Every kind of alarm with what to do."""
    kinds = importlib.import_module("haris.manage.alarm_kinds").KINDS
    rows = [
        (f"`{kind}`", each.meaning, each.action, f"{each.hold_on_s:g} s", _end(each), f"`{each.cause}`")
        for kind, each in kinds.items()
    ]
    words = (
        "An alarm is raised when its condition has lasted, and cleared when it has been gone, for these times. "
        "One raised five times within ten minutes comes and goes: it stays until it was quiet for ten minutes. "
        "`haris alarm ack` says that an operator has seen it. Severities are those of ITU-T X.733."
    )
    head = ("kind", "meaning", "what to do", "raised after", "cleared after", "probable cause")
    return "\n\n".join(["# Alarms", MADE, words, table(head, rows)]) + "\n"


def _end(kind: Any) -> str:
    """When an alarm is cleared."""
    return f"{kind.hold_off_s:g} s" if kind.quiet_s is None else f"{kind.quiet_s:g} s of silence"


def fields_of(cls: Any) -> Iterator[str]:
    """What a dataclass's docstring says of it, and a table of its fields."""
    summary, meanings = parse(cls)
    if summary:
        yield summary
    hints = typing.get_type_hints(cls)
    rows = []
    for field in dataclasses.fields(cls):
        rows.append((f"`{field.name}`", describe(hints[field.name]), _default(field), meanings.get(field.name, "")))
    if rows:
        yield table(("key", "value", "default", "meaning"), rows)


def parse(cls: Any) -> tuple[str, dict[str, str]]:
    """The first words of a docstring, and what it says of each field in `name: …` or `name, name: …`.

    A field's name begins a sentence; its words end where the next field's begin, at an empty line, or where the errors
    are told.
    """
    text = re.sub(r"^\[+\w+\]+ ", "", inspect.cleandoc(cls.__doc__))
    text = re.sub(r"\s*Raises \w+ [^.]*\.\s*$", "", text)
    names = "|".join(field.name for field in dataclasses.fields(cls))
    marks = list(re.finditer(rf"(?:\A|(?<=\.\s)|(?<=\n\n))((?:{names})(?:, (?:{names}))*): ", text))
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    meanings: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=False):
        words = " ".join(text[mark.end() : end].split("\n\n")[0].split())
        meanings |= dict.fromkeys(mark[1].split(", "), words[:1].upper() + words[1:])
    head = text[: marks[0].start()] if marks else text
    return " ".join(head.split()), meanings


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is None:
        return "none"
    if field.default is not dataclasses.MISSING:
        return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"
    return "required" if field.default_factory is dataclasses.MISSING else "empty"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def main() -> int:
    """Write every page whose text has changed, and name it."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
