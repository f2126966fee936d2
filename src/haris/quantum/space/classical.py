"""The classical link of a pass: two ways of limited bandwidth, light's travel, and breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError
from haris.quantum.orbit.passes import Pass
from haris.quantum.orbit.station import LIGHT_M_PER_S

LEAST_CYCLE_S = 1e-3
"""Of a link that breaks: what holds for less carries no message."""
MOST_BREAKS = 1_000_000
"""Of one contact."""


@dataclass(frozen=True, slots=True)
class ClassicalLink:
    """What carries the messages of distillation between a satellite and a station, while a pass lasts.

    down_bps, up_bps: bits a second from the satellite and to it. processing_s: between a message's arrival and the
    answer, beside light's travel. sifted_bps: sifted bits that an end reconciles and hashes in a second.
    up_s, break_s: how long it holds on average, and how long a break lasts, both exponential (a laser link that loses
    its lock, or a cloud); break_s 0: it never breaks.
    live: whether a block is closed while its last pass lasts, without the light that would come too late for that;
    otherwise it takes all light, and is closed in the next contact.
    Raises ParameterError on a value outside its range, or a link that breaks within LEAST_CYCLE_S.
    """

    down_bps: float = 10e6
    up_bps: float = 1e6
    processing_s: float = 0.01
    sifted_bps: float = 500e3
    up_s: float = 60.0
    break_s: float = 0.0
    live: bool = True

    def __post_init__(self) -> None:
        for name in ("down_bps", "up_bps", "sifted_bps", "up_s"):
            require_positive(name, getattr(self, name))
        for name in ("processing_s", "break_s"):
            require_not_negative(name, getattr(self, name))
        if self.break_s > 0.0 and self.up_s + self.break_s < LEAST_CYCLE_S:
            raise ParameterError(f"up_s and break_s must be at least {LEAST_CYCLE_S:g} together, got {self.up_s:g}")


@dataclass(frozen=True, slots=True)
class Window:
    """From start_s to stop_s the line holds."""

    start_s: float
    stop_s: float


class Line:
    """The link over several contacts, with its breaks drawn. windows: when it holds, ascending."""

    def __init__(self, link: ClassicalLink, contacts: Sequence[Pass], rng: np.random.Generator) -> None:
        self.link, self._contacts = link, contacts
        self.windows = tuple(window for each in contacts for window in _windows(link, each, rng))

    def delivered_s(self, sent_s: float, octets: int, down: bool) -> float | None:
        """When a message of so many octets that was ready at sent_s has arrived; None if no contact is left.

        What is cut off by a break goes on where it was when the line holds again.
        """
        left_s = 8.0 * octets / (self.link.down_bps if down else self.link.up_bps)
        for window in self.windows:
            start_s = max(sent_s, window.start_s)
            if start_s >= window.stop_s:
                continue
            if start_s + left_s <= window.stop_s:
                return start_s + left_s + self.travel_s(start_s) + self.link.processing_s
            left_s -= window.stop_s - start_s
        return None

    def travel_s(self, unix_s: float) -> float:
        """Light's way from one end to the other, in the contact that lasts at a time, or at the end of the last one."""
        begun = [each for each in self._contacts if each.rise_s <= unix_s]
        if not begun:
            raise ParameterError("no contact has begun")
        at_s = min(unix_s, begun[-1].set_s)
        return float(begun[-1].sight_at(np.array([at_s]), np.inf).range_m[0]) / LIGHT_M_PER_S


def _windows(link: ClassicalLink, contact: Pass, rng: np.random.Generator) -> list[Window]:
    if link.break_s == 0.0:
        return [Window(contact.rise_s, contact.set_s)]
    breaks = contact.duration_s / (link.up_s + link.break_s)
    if breaks > MOST_BREAKS:
        raise ParameterError(f"up_s of {link.up_s:g} breaks a contact {breaks:.2g} times: at most {MOST_BREAKS:,}")
    found, at_s = [], contact.rise_s
    while at_s < contact.set_s:
        stop_s = min(at_s + rng.exponential(link.up_s), contact.set_s)
        found.append(Window(at_s, stop_s))
        at_s = stop_s + rng.exponential(link.break_s)
    return found
