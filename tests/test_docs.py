"""The reference pages are what `make docs` makes of the code as it stands."""

import argparse
import dataclasses
import importlib.util
import typing
from pathlib import Path

import pytest

from haris.cli.main import COMMANDS
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def docs():
    spec = importlib.util.spec_from_file_location("docs", ROOT / "tools" / "docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_make_docs_would_change_nothing(docs):
    for path, text in docs.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run `make docs`"


def test_every_command_stands_there(docs):
    text = docs.commands_page()
    for name in COMMANDS:
        assert f"\n## haris {name}\n" in text
    assert "`--folder DIR`" in text
    assert "`NAME...`" in text
    assert "`listen\\|connect`" in text


def test_subcommands_stand_under_their_command(docs):
    parser = argparse.ArgumentParser(prog="haris key")
    inner = parser.add_subparsers()
    enc = inner.add_parser("enc", description="Fetch keys.")
    enc.add_argument("--number", type=int, default=3, required=True, help="how many (default %(default)s)")
    heading, description, table = docs.arguments(parser)
    assert (heading, description) == ("### haris key enc", "Fetch keys.")
    assert "| `--number NUMBER` | how many (default 3) (required) |" in table


def test_every_key_of_a_link_is_explained(docs):
    page = docs.link_page()
    for hint in typing.get_type_hints(Link).values():
        _, meanings = docs.parse(hint)
        assert set(meanings) == {field.name for field in dataclasses.fields(hint)}
        for name in meanings:
            assert f"| `{name}` |" in page


def test_a_docstring_is_cut_at_its_fields(docs):
    summary, meanings = docs.parse(Detector)
    assert summary == "Two equal gated threshold detectors, one for each bit value."
    assert meanings["gate_s"] == "Width of the gate (None: never cuts a pulse)."
    assert meanings["efficiency"] == "Probability that a photon at the detector starts an avalanche."
