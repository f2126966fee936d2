"""An alarm as a value: rooms below the shell return alarms, the node files them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much an operator should care."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something an operator should know. source: the link, pool or peer it is about."""

    severity: Severity
    source: str
    text: str
