"""Which other sites can be reached now: all, but for satellites that are reached in contacts only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from haris.node.configuration.node_toml import SpanEntry
from haris.node.spans.sky import LOOKS_AHEAD
from haris.nouns.errors import OutOfContact, ParameterError
from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.orbit.passes import Pass
from haris.quantum.space.contacts import Contacts, contacts_of
from haris.quantum.space.scenario import Scenario

EDGE_S = 10.0
"""The elements of the two ends differ: by so long, of the sky, one may see a contact begin or end before the other."""


class Windows:
    """Contacts of one satellite and one station, at our clock."""

    def __init__(self, contacts: Contacts, radio_elevation_deg: float, now_s: Callable[[], float] = time.time) -> None:
        self.clock, self._now_s = contacts.clock, now_s
        self._contacts = replace(contacts, least_elevation_deg=radio_elevation_deg)
        self._known: tuple[Pass, ...] = ()
        self._sought_s: float | None = None

    def first(self) -> Pass | None:
        """The contact that lasts, or the next; None when none comes soon. ParameterError when none can be foreseen."""
        sky_s, step_s = self.sky_s(), self._contacts.days * DAY_S / LOOKS_AHEAD
        if self._sought_s is None or not self._sought_s <= sky_s < self._sought_s + step_s:
            self._known, self._sought_s = self._contacts.coming(sky_s), sky_s
        return next((each for each in self._known if each.set_s > sky_s), None)

    @property
    def lasts(self) -> bool:
        """Whether a contact lasts. ParameterError when none can be foreseen."""
        first = self.first()
        return first is not None and first.rise_s <= self.sky_s()

    def sky_s(self) -> float:
        """The sky's time."""
        return self.clock.sky_s(self._now_s())

    def wait_s(self, sky_s: float) -> float:
        """Seconds of ours until then; 0 when it is past."""
        return self.clock.wait_s(self._now_s(), sky_s)


class Reach:
    """Of one site. now_s: our clock, seconds since 1970."""

    def __init__(self, spans: Sequence[SpanEntry] = (), now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self._windows: dict[str, Windows] = {}
        self.know(spans)

    def know(self, spans: Sequence[SpanEntry]) -> None:
        """These are the spans from now on. Raises ParameterError as a PASS.toml does."""
        for span in spans:
            if span.in_contacts and span.passes is not None and span.peer not in self._windows:
                contacts = contacts_of(Scenario.read(span.passes), span.station)
                self._windows[span.peer] = Windows(contacts, span.radio_elevation_deg, self._now_s)

    def is_open(self, site: str) -> bool:
        """Whether a site can be reached now."""
        return self._wait_s(site) == 0.0

    def is_sure(self, site: str) -> bool:
        """Whether it can be reached now by anybody's elements: its silence says something."""
        found = self._limits(site)
        if found is None:
            return True
        windows, contact = found
        return contact is not None and contact.rise_s + EDGE_S <= windows.sky_s() <= contact.set_s - EDGE_S

    def require(self, site: str) -> None:
        """OutOfContact when it cannot be reached now."""
        wait_s = self._wait_s(site)
        if wait_s is None:
            raise OutOfContact(f"{site} is out of contact, and no contact is foreseen soon")
        if wait_s > 0.0:
            at = write_time(round(self._now_s() + wait_s) * NS_PER_S)[:19]
            raise OutOfContact(f"{site} is out of contact until {at}Z", retry_after_s=math.ceil(wait_s))

    def require_sure(self, site: str) -> None:
        """OutOfContact when it cannot be reached now, or may be out of reach before it has answered."""
        self.require(site)
        if not self.is_sure(site):
            raise OutOfContact(f"the contact with {site} begins or ends now")

    def next_ns(self, site: str) -> int | None:
        """When a site can be reached next, nanoseconds since 1970; now, if it can; None: not soon."""
        wait_s = self._wait_s(site)
        return None if wait_s is None else round((self._now_s() + wait_s) * NS_PER_S)

    def left_s(self, site: str) -> float | None:
        """Seconds until a site that can be reached is out of reach; None: nothing ends it."""
        found = self._limits(site)
        if found is None:
            return None
        windows, contact = found
        return 0.0 if contact is None else windows.wait_s(contact.set_s)

    def _wait_s(self, site: str) -> float | None:
        """Seconds until it is in reach, 0 when it is; None: not soon."""
        found = self._limits(site)
        if found is None:
            return 0.0
        windows, contact = found
        return None if contact is None else windows.wait_s(contact.rise_s)

    def _limits(self, site: str) -> tuple[Windows, Pass | None] | None:
        """Its contacts, and the one that lasts or is next. None: nothing limits it, or nobody can say: it is tried."""
        windows = self._windows.get(site)
        try:
            return None if windows is None else (windows, windows.first())
        except ParameterError:  # elements that are too old: the span tells of them
            return None
