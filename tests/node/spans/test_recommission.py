"""A span that begins anew by hand: after its pad was used up, was out of step, or was void since a store went back."""

import os
import time

import pytest
from test_span import Rig, connected, running

from haris.cli import main
from haris.crypto.ledger import span_ledgers
from haris.keys.commissioning import auth_ledgers, start_of
from haris.keys.store import BlockShares, PadAppend
from haris.node.events import AlarmEvent
from haris.node.spans.commissioning import SECRET_OCTETS, make_halves, recommission
from haris.nouns.alarms import AlarmKind
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire import kme

MEASURED = Pedigree(1e-9, Origin.MEASURED, Proof("t", "coherent", True))
NOW_S = int(time.time())


def carried(rig, made_s=NOW_S, folder="carried"):
    """Two people carry halves to both sites, which begin anew."""
    (rig.directory / folder).mkdir()
    made = list(make_halves(rig.directory / folder, "ab", (1, 2), ("a", "b"), os.urandom))
    for site in ("a", "b"):
        halves = [path for path in made if path.suffix == f".{site}"]
        recommission(rig.stores[site], "ab", halves, made_s)
        assert not any(path.exists() for path in halves)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", ["exhausted", "out-of-step", "doubt"])
async def test_a_span_begins_anew(tmp_path, how):
    rig = Rig(tmp_path)
    for site, store in rig.stores.items():
        for ledger in auth_ledgers("ab"):
            _, end = store.ledger_bounds(ledger)
            if how == "exhausted":
                store.ledger_burn_to(ledger, end)
            elif how == "out-of-step":
                store.ledger_append([PadAppend(ledger, os.urandom(64 if site == "a" else 128), MEASURED)])
        if how == "doubt" and site == "a":
            pads = tuple(PadAppend(name, bytes(32), MEASURED) for name in span_ledgers("ab"))
            store.hold_block(BlockShares(b"d" * 16, "ab", 0, (), pads))
    carried(rig)
    bounds = [{name: store.ledger_bounds(name) for name in span_ledgers("ab")} for store in rig.stores.values()]
    assert bounds[0] == bounds[1]
    start = start_of(NOW_S)
    assert set(bounds[0].values()) == {(start, start + SECRET_OCTETS // 2), (start, start)}
    assert rig.stores["a"].blocks_in_doubt("ab") == ()
    async with running(rig):
        await rig.until(lambda: any(block.aborted is None for block in rig.blocks()))
    for store in rig.stores.values():
        store.close()


@pytest.mark.timeout(60)
async def test_a_void_span_asks_for_an_operator_and_no_tag_is_made(tmp_path):
    rig = Rig(tmp_path)
    rig.stores["a"].reset_by("b", b"r" * 16, ["ab"], "b went back")
    async with connected(rig):
        await rig.until(lambda: any(isinstance(event, AlarmEvent) for event in rig.events))
    (alarm,) = {event.kind for event in rig.events if isinstance(event, AlarmEvent)}
    assert alarm is AlarmKind.PAD_LOW
    for store in rig.stores.values():
        store.close()


@pytest.mark.timeout(60)
async def test_a_reset_told_late_leaves_what_was_carried_since(tmp_path):
    rig = Rig(tmp_path)
    a, b = rig.stores["a"], rig.stores["b"]
    assert a.restored(b"r" * 16, ["b"]) == 0
    (early,) = a.words_owed("b")
    carried(rig)
    (late,) = a.words_owed("b")
    assert kme.read_reset(early.body).begun == {}
    before = b.ledger_bounds(span_ledgers("ab")[0])
    word = kme.read_reset(late.body)
    assert word.begun == {"ab": start_of(NOW_S)}
    assert b.reset_by("a", word.name, ["ab"], word.reason, word.begun)
    assert b.ledger_bounds(span_ledgers("ab")[0]) == before != (before[1], before[1])
    async with running(rig):
        await rig.until(lambda: any(block.aborted is None for block in rig.blocks()))
    a.word_told("b", late)
    assert not a.is_owed("b", kme.RESET)
    for store in rig.stores.values():
        store.close()


def test_a_reset_voids_pad_from_before_a_span_was_begun_anew(tmp_path):
    rig = Rig(tmp_path)
    b = rig.stores["b"]
    head, end = b.ledger_bounds(span_ledgers("ab")[0])
    assert head < end
    assert b.reset_by("a", b"r" * 16, ["ab"], "a went back", {"ab": end - 1, "cd": 0})
    assert b.ledger_bounds(span_ledgers("ab")[0]) == (end, end)  # no segment begins there
    for store in rig.stores.values():
        store.close()


def test_ledgers_never_go_back(tmp_path):
    rig = Rig(tmp_path)
    carried(rig)
    with pytest.raises(ParameterError, match="cannot begin anew"):
        carried(rig, NOW_S - 1, "older")
    with pytest.raises(ParameterError, match="after 1970"):
        start_of(-1)
    for store in rig.stores.values():
        store.close()


def test_the_command_names_a_span_of_the_site(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main.main(["link", "recommission", "ab", "none.toml", "--secret", "x", "--made", "2026-01-01"]) == 2
    assert "none.toml" in capsys.readouterr().err
    assert main.main(["link", "secret", "ab", "--site", "a", "--site", "b"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("made 20")
