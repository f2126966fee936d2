"""Whatever befalls the line of a pass: both ends have one key or none, what leaked is charged, nothing hangs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from broken_lines import Case, Wire, renumbered
from lit_in_memory import ROLES, STRETCH_PULSES, World

from haris.node.spans import pass_maker
from haris.node.spans.block_maker import Made
from haris.wire import distillation, span
from haris.wire.distillation import Done
from haris.wire.stretches import Noted


@pytest.mark.parametrize("seed", [*range(12), 41, 75])
async def test_lines_that_are_cut_and_sites_that_are_ended(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await Case(seed, monkeypatch).run()


@pytest.mark.parametrize("seed", range(10))
async def test_lines_on_which_somebody_changes_words(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await Case(seed, monkeypatch, tampered=True).run()


def key_of(case: Case) -> Made:
    """The one key of a case."""
    alice, bob = (case.sites[role] for role in ROLES)
    (block,) = alice.keys
    assert alice.store.states[block] == bob.store.states[block] == "ready"
    case.check(alice.keys[block], bob.keys[block])
    return alice.keys[block]


def stretches_of(made: Made) -> float:
    return made.figures.light_s * 1e9 / STRETCH_PULSES


async def test_what_alice_noted_is_in_the_block_though_her_answer_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next session is in a later contact: nothing hurries then, and the rest is told of, too."""
    case = Case(0, monkeypatch, world=World(4))
    await case.session(Wire(carries=5))  # Begin, Shine, a stretch and its answer, and another
    await case.light_is_over()
    await case.session()
    assert stretches_of(key_of(case)) == 4


async def test_a_light_ends_before_the_stretch_that_alice_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(0, monkeypatch, world=World(4, fails=("alice", 2)))
    await case.session()
    assert stretches_of(key_of(case)) == 2


async def test_bob_whose_telescope_points_elsewhere_says_so_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block without light, and the next one has it."""
    monkeypatch.setattr(pass_maker, "LIGHT_S", -4.8)  # with a stretch's light, 0.2 s
    case = Case(0, monkeypatch, world=World(3))
    async with case.sites["bob"].pointing.held("another span", within_s=1.0):
        session = asyncio.create_task(case.session())
        while case.kinds != ["Unmade", "Unmade"]:
            await asyncio.sleep(0.01)
    await session
    assert case.kinds[-2:] == ["Made", "Made"]
    assert stretches_of(key_of(case)) >= 2


async def test_a_light_of_which_words_were_changed_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be refused in every later session, and each costs pad."""

    def forged(role: str, message: Any) -> list[Any]:
        if isinstance(message, span.Distil) and distillation.decode(message.body) == Noted(1) and case.kinds == []:
            return [span.Distil(message.number, distillation.encode(Noted(2)))]
        return [message]

    case = Case(0, monkeypatch, world=World(6))
    await case.session(Wire(mangle=forged))
    assert case.kinds == ["Unmade", "Unmade", "Made", "Made"]
    assert stretches_of(key_of(case)) < 6


async def test_a_block_has_one_number_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """By it they know whose the keys are, and its light may bear the name of another session's block."""
    case = Case(0, monkeypatch, world=World(4))
    await case.session(Wire(carries=3))
    await case.light_is_over()
    await case.session(Wire(mangle=renumbered))
    assert "ForgedMessage" in case.kinds
    assert not case.sites["alice"].keys


async def test_bobs_last_word_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def swallowed(role: str, message: Any) -> list[Any]:
        if isinstance(message, span.Distil) and isinstance(distillation.decode(message.body), Done):
            line.cut.set()
        return [] if line.cut.is_set() else [message]

    case, line = Case(0, monkeypatch, world=World(3)), Wire()
    line.mangle = swallowed
    await case.session(line)
    assert not case.sites["alice"].keys
    await case.session()
    assert stretches_of(key_of(case)) >= 2
