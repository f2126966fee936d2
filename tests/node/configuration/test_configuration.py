"""NODE.toml: what would let two things share what belongs to one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from haris.node.configuration.node_toml import read_configuration
from haris.nouns.errors import ParameterError

HEAD = """
[site]
name = "a"
[kme]
id = "kme-a"
listen = "127.0.0.1:8443"
listen_peers = "127.0.0.1:8444"
certificate = "a.crt"
private_key = "a.key"
authority = "ca.crt"
[store]
path = "a.db"
key_encryption_key = "a.kek"
"""
PEER = """
[[peer]]
site = "{site}"
kme = "kme-{site}"
address = "127.0.0.1:8445"
"""
SPAN = """
[[span]]
name = "{name}"
peer = "{peer}"
role = "alice"
link = "link.toml"
light = "light"
secret = "secret"
connect = "127.0.0.1:9000"
"""
B, C = PEER.format(site="b"), PEER.format(site="c")
TO_B, TO_C = SPAN.format(name="ab", peer="b"), SPAN.format(name="ac", peer="c")


def read(directory: Path, text: str) -> None:
    (directory / "node.toml").write_text(text)
    read_configuration(directory / "node.toml")


def test_two_spans_to_two_peers_are_read(tmp_path: Path) -> None:
    read(tmp_path, HEAD + B + C + TO_B + TO_C)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (B + C + TO_B + SPAN.format(name="ab", peer="c"), "span: a name stands twice"),
        (B + TO_B + SPAN.format(name="other", peer="b"), "span: a peer stands twice"),
        (B + B + TO_B, "peer: a site stands twice"),
        ("[pools]\nauth_octets = 1024\n", "auth_octets must be at least 2048"),
    ],
)
def test_what_would_share_ledgers_or_starve_them_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ParameterError, match=complaint):
        read(tmp_path, HEAD + text)


FOLDER = """
[[source]]
name = "box"
kind = "folder"
folder = "keys"
"""
FED = TO_B.replace('link = "link.toml"\nlight = "light"\n', 'source = "box"\n')


def test_a_span_may_be_fed_by_a_source(tmp_path: Path) -> None:
    read(tmp_path, HEAD + B + FED + FOLDER)
    lit = '[[source]]\nname = "box"\nkind = "light"\nlink = "link.toml"\nlight = "light"\n'
    read(tmp_path, HEAD + B + FED + lit)


def test_a_span_may_be_fed_by_passes(tmp_path: Path) -> None:
    passes = 'passes = "pass.toml"\nstation = "Jinan"\n'
    read(tmp_path, HEAD + B + TO_B.replace('link = "link.toml"\n', passes))
    (span,) = read_configuration(tmp_path / "node.toml").span
    assert (span.passes, span.station, span.link) == (tmp_path / "pass.toml", "Jinan", None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (B + FED, "source box feeds a span and is no"),
        (B + TO_B.replace('light = "light"\n', ""), "either link and light, or passes and light, or source"),
        (B + TO_B + 'source = "box"\n' + FOLDER, "either link and light, or passes and light, or source"),
        (B + TO_B + 'passes = "pass.toml"\n', "either link and light, or passes and light, or source"),
        (B + TO_B + 'station = "Jinan"\n', "station of span ab is one of its passes, and it has none"),
        (B + TO_B + 'reachable = "contacts"\n', "contacts are of its passes, and it has none"),
        (B + TO_B + 'reachable = "never"\n', "reachable"),
        (B + TO_B + "radio_elevation_deg = 90.0\n", "must lie in"),
        (B + C + FED + FED.replace('"ab"', '"ac"').replace('"b"', '"c"') + FOLDER, "span: a source stands twice"),
        (B + FED + FOLDER + FOLDER, "source: a name stands twice"),
        (B + FED + FOLDER.replace('folder = "keys"', ""), "kind folder needs folder"),
        (B + FED + FOLDER + 'url = "https://box"\n', "kind folder takes no url"),
        (B + FED + FOLDER + "key_bits = 100\n", "key_bits must be a multiple of 8"),
        (B + FED + FOLDER + "stall_s = 0\n", "stall_s must be finite and above 0"),
        (B + FED + FOLDER.replace('"folder"', '"floppy"'), "kind must be 'light' or 'etsi014'"),
    ],
)
def test_an_inventory_that_cannot_work_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ParameterError, match=complaint):
        read(tmp_path, HEAD + text)
