"""Sends SNMP notifications (traps) of version 2c or 3 to one receiver, over pysnmp."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    NotificationType,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    send_notification,
    usmAesCfb128Protocol,
    usmHMAC192SHA256AuthProtocol,
)
from pysnmp.proto.rfc1902 import Integer32, OctetString

from haris.node.configuration.operation import SnmpTable
from haris.node.operation.outbox import Outbox
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError
from haris.wire.snmp_trap import NOTIFICATIONS, OBJECTS, Trap, engine_id

_EPOCH_S = 1_600_000_000
_MIN_PASS_PHRASE = 8  # RFC 3414, 11.2


class Snmp:
    """The way to one receiver. box: what waits for it."""

    def __init__(self, table: SnmpTable, site: str) -> None:
        """Raises ParameterError for pass phrases that cannot be used."""
        self._address, self._user = read_endpoint("address", table.address), _user(table, site)
        self._engine = _engine(engine_id(site))
        self._target: UdpTransportTarget | None = None
        self.box: Outbox[Trap] = Outbox(self._send)

    def close(self) -> None:
        """Close the socket."""
        self._engine.close_dispatcher()

    async def _send(self, trap: Trap) -> None:
        if self._target is None:
            self._target = await UdpTransportTarget.create(self._address)
        notification = NotificationType(ObjectIdentity(NOTIFICATIONS[trap.name])).add_varbinds(
            *(ObjectType(ObjectIdentity(OBJECTS[name]), _value(value)) for name, value in trap.values)
        )
        problem, *_ = await send_notification(
            self._engine, self._user, self._target, ContextData(), "trap", notification, lookupMib=False
        )
        if problem:
            raise OSError(str(problem))
        await asyncio.sleep(0)


def _value(value: int | str) -> Integer32 | OctetString:
    return Integer32(value) if isinstance(value, int) else OctetString(value.encode()[:255])


def _engine(name: bytes) -> SnmpEngine:
    """An engine of this ID whose number of boots only grows, without a file: seconds since 2020 (RFC 3414, 2.2).

    pysnmp would keep the number in a temporary directory when it is given the ID, and begin anew when that is emptied:
    receivers would refuse what we send.
    """
    engine = SnmpEngine()
    symbols = engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots")
    for symbol, value in zip(symbols, (name, int(time.time()) - _EPOCH_S), strict=True):
        symbol.syntax = symbol.syntax.clone(value)
    engine.snmpEngineID = symbols[0].syntax
    return engine


def _user(table: SnmpTable, site: str) -> CommunityData | UsmUserData:
    if table.version == "2c":
        return CommunityData(table.community, mpModel=1)
    assert table.auth_key is not None
    assert table.priv_key is not None
    return UsmUserData(
        table.user,
        authKey=_pass_phrase(table.auth_key),
        privKey=_pass_phrase(table.priv_key),
        authProtocol=usmHMAC192SHA256AuthProtocol,
        privProtocol=usmAesCfb128Protocol,
    )


def _pass_phrase(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"the SNMP pass phrase {path} cannot be read: {error}") from None
    if len(text) < _MIN_PASS_PHRASE:
        raise ParameterError(f"the SNMP pass phrase {path} is shorter than {_MIN_PASS_PHRASE} characters")
    if path.stat().st_mode & 0o077:
        raise ParameterError(f"the SNMP pass phrase {path} is open to others: chmod 600 {path}")
    return text
