"""The reference pages are what `make docs` makes of the code as it stands."""

import argparse
import dataclasses
import importlib.util
from pathlib import Path

import pytest

from haris.cli.main import COMMANDS
from haris.quantum.link import FAMILIES
from haris.quantum.security.key_length import Security

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
    names = ("source", "channel", "detector")
    parts = {cls for family in FAMILIES.values() for name in names for cls, _ in docs.classes_of(family, name)}
    parts |= {family.protocol for family in FAMILIES.values()}
    for part in (*parts, Security):
        _, meanings = docs.parse(part)
        assert set(meanings) == {field.name for field in dataclasses.fields(part)}, part
        for name in meanings:
            assert f"| `{name}` |" in page


@dataclasses.dataclass
class Lamp:
    """[lamp] A lamp: it shines, even dimmed: always.

    power_w: what it takes. life_s, rest_s: how long it lasts, and
    how long it rests; about life_s nothing is sure.

    More on lamps. Raises ParameterError on a value outside its range.
    """

    power_w: float
    life_s: float = 1.0
    rest_s: float | None = None
    dimmed: bool = False


def test_a_docstring_is_cut_at_its_fields(docs):
    summary, meanings = docs.parse(Lamp)  # "dimmed" begins no sentence
    both = "How long it lasts, and how long it rests; about life_s nothing is sure."
    assert summary == "A lamp: it shines, even dimmed: always."
    assert meanings == {"power_w": "What it takes.", "life_s": both, "rest_s": both}
    _, rows = docs.fields_of(Lamp)
    assert rows.splitlines()[2] == "| `power_w` | a number | required | What it takes. |"
    assert rows.splitlines()[-1] == "| `dimmed` | true or false | `false` |  |"


def test_a_docstring_without_fields_is_a_summary(docs):
    @dataclasses.dataclass
    class Bare:
        """Nothing of a."""

        a: int

    assert docs.parse(Bare) == ("Nothing of a.", {})
