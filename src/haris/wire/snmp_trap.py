"""The notifications of HARIS-MIB (docs/reference/HARIS-MIB.txt): objects and their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from haris.nouns.errors import ParameterError
from haris.wire.syslog import ENTERPRISE

Oid = tuple[int, ...]

HARIS: Oid = (1, 3, 6, 1, 4, 1, ENTERPRISE, 14)
NOTIFICATIONS: dict[str, Oid] = {
    "harisAlarmRaised": (*HARIS, 0, 1),
    "harisAlarmCleared": (*HARIS, 0, 2),
    "harisAlarmAcknowledged": (*HARIS, 0, 3),
}
OBJECTS: dict[str, Oid] = {
    name: (*HARIS, 1, number, 0)
    for number, name in enumerate(
        (
            "harisSite",
            "harisAlarmId",
            "harisAlarmKind",
            "harisAlarmResource",
            "harisAlarmSeverity",
            "harisAlarmText",
            "harisAlarmCount",
            "harisAlarmOperator",
        ),
        1,
    )
}
SEVERITIES = {"cleared": 1, "critical": 3, "major": 4, "minor": 5, "warning": 6, "info": 2}
"""Values of ItuPerceivedSeverity (ITU-ALARM-TC-MIB, RFC 3877); what haris calls info is `indeterminate` there."""


@dataclass(frozen=True, slots=True)
class Trap:
    """One notification. name: of NOTIFICATIONS. values: by the names of OBJECTS, whole numbers or text, in order."""

    name: str
    values: Sequence[tuple[str, int | str]]

    def __post_init__(self) -> None:
        if self.name not in NOTIFICATIONS or any(name not in OBJECTS for name, _ in self.values):
            raise ParameterError(f"{self.name} with {[name for name, _ in self.values]} is not of HARIS-MIB")


def engine_id(name: str) -> bytes:
    """The SNMP engine ID of a site: our enterprise, then its name as text (RFC 3411, SnmpEngineID, format 4)."""
    return (0x8000_0000 | ENTERPRISE).to_bytes(4) + b"\x04" + name.encode()[:27]
