import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.checks import require_positive
from haris.nouns.document import parse_document, read_document
from haris.nouns.document_lines import find_lines
from haris.nouns.errors import ParameterError


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Channel:
    length_m: float
    lamps: int = 1
    weights: tuple[float, ...] = ()
    gate_s: float | None = None
    colour: Colour = Colour.RED
    mode: Literal["cold", "warm"] = "cold"
    secret: Path | None = None

    def __post_init__(self) -> None:
        require_positive("length_m", self.length_m)


@dataclass(frozen=True, slots=True)
class Span:
    peer: str
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    span: tuple[Span, ...] = ()


def test_a_table_becomes_its_dataclass():
    text = '[channel]\nlength_m = 25_000\nweights = [1, 0.5]\ngate_s = 1e-9\ncolour = "blue"\nsecret = "k.bin"\n'
    channel = parse_document(text, "link.toml", "/etc/haris").table("channel", Channel)
    assert channel == Channel(25e3, 1, (1.0, 0.5), 1e-9, Colour.BLUE, "cold", Path("/etc/haris/k.bin"))
    assert type(channel.length_m) is float


def test_lists_of_tables_and_their_subtables():
    text = 'name = "bank"\n[[span]]\npeer = "a"\n[[span]]\npeer = "b"\n[span.channel]\nlength_m = 1\n'
    document = parse_document(text)
    assert document.root(Site) == Site("bank", (Span("a"), Span("b", Channel(1.0))))
    assert [s.peer for s in document.tables("span", Span)] == ["a", "b"]
    assert document.tables("light", Span) == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "# a link\n[channel]\nlength_km = 25\n",
            "f:3: unknown key 'length_km' in [channel]; the unit is metres: length_m = 25000",
        ),
        (
            "[channel]\nlength = 25\n",
            "f:2: unknown key 'length' in [channel]; it bears its unit: length_m, in metres",
        ),
        ("[channel]\nlength_m = 1\nlamp = 2\n", "f:3: unknown key 'lamp' in [channel]; did you mean lamps?"),
        ("[channel]\nlength_m = 1\nlamps = 1e3\n", "f:3: lamps must be a whole number, got 1000.0: write 1000"),
        ("[channel]\nlength_m = 1\nlamps = true\n", "f:3: lamps must be a whole number, got True"),
        ('[channel]\nlength_m = "1"\n', "f:2: length_m must be a number, got '1'"),
        ("\n\n[channel]\nlamps = 1\n", "f:3: [channel] lacks length_m (a number)"),
        ("[channel]\nlamps = 1\nlength_m = -2\n", "f:3: [channel]: length_m must be finite and above 0, got -2.0"),
        ('[channel]\nlength_m = 1\ncolour = "green"\n', "f:3: colour must be 'red' or 'blue', got 'green'"),
        ('[channel]\nlength_m = 1\nmode = "hot"\n', "f:3: mode must be 'cold' or 'warm', got 'hot'"),
        ("[chanel]\nlength_m = 1\n", "f:1: table [channel] is missing"),
        ("channel = 3\n", "f:1: [channel] must be a table"),
        ("[channel\n", "f:1: not TOML: Expected ']' at the end of a table declaration"),
        ("[channel]\nlength_m = 1\nlength_m = 2\n", "f:3: not TOML: Cannot overwrite a value"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, wanted):
    with pytest.raises(ParameterError) as caught:
        parse_document(text, "f").table("channel", Channel)
    assert str(caught.value) == wanted


def test_errors_inside_a_list_of_tables_name_the_element():
    text = '[[span]]\npeer = "a"\n\n[[span]]\npear = "b"\n'
    with pytest.raises(ParameterError, match=r"^f:5: unknown key 'pear' in \[\[span\]\] 2; did you mean peer\?$"):
        parse_document(text, "f").tables("span", Span)
    with pytest.raises(ParameterError, match=r"f:1: \[span\] must be a list, each a table, got 3"):
        parse_document("span = 3", "f").tables("span", Span)


def test_unknown_tables_are_refused():
    with pytest.raises(ParameterError, match=r"f:2: unknown key 'sauce' in the document; did you mean source\?"):
        parse_document("[channel]\n[sauce]\n", "f").only("channel", "source")


def test_a_choice_takes_the_class_that_its_tag_names():
    text = '[channel]\nkind = "fibre"\nlength_m = 1\n'
    assert parse_document(text).choice("channel", "kind", {"fibre": Channel}) == Channel(1.0)
    with pytest.raises(ParameterError, match=r"f:2: \[channel\] needs kind = \"air\", got 'fibre'"):
        parse_document(text, "f").choice("channel", "kind", {"air": Channel})


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ParameterError, match="no\\.toml: cannot be read: No such file"):
        read_document(tmp_path / "no.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    with pytest.raises(ParameterError, match="not UTF-8"):
        read_document(tmp_path / "bad.toml")


def test_strings_comments_and_arrays_do_not_confuse_the_lines():
    text = 'a = """\n[no]\nb = 1\n""" # [c]\nd = [\n  1, # ]\n  2,\n]\ne.f = "#"\n["g h"]\n\'i\' = {j = 1}\n'
    lines = find_lines(text)
    assert tomllib.loads(text)["g h"] == {"i": {"j": 1}}
    assert lines == {(): 1, ("a",): 1, ("d",): 5, ("e",): 9, ("e", "f"): 9, ("g h",): 10, ("g h", "i"): 11}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3)), unique_by=lambda x: x[0]))
def test_every_key_has_the_line_it_was_written_on(entries):
    text, wanted = "", {(): 1}
    for key, gap in entries:
        text += "\n" * gap + f"{key} = 1\n"
        wanted[(key,)] = text.count("\n")
    assert find_lines(text) == wanted
