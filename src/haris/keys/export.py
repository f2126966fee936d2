"""ETSI GS QKD 020 V1.1.1 at a gateway: keys of this network for applications of another operator.

An application of another operator has its place in the directory at our gateway to that operator. A master's key is
assigned to it there like any key; the gateway takes it in the application's name, hands it over, and says that it holds
the assignment only once every target has the key. So the master has its answer only then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from haris.keys.directory import Directory
from haris.keys.foreign import Departure, GatewayStore, Parties
from haris.keys.store import Fetch
from haris.nouns.assignments import Assignment
from haris.nouns.errors import HarisError, PeerError
from haris.nouns.keys import DeliveredKey, Origin, Pedigree, Proof
from haris.wire.etsi020 import ExtKey, ExtKeyContainer
from haris.wire.etsi020_problem import invalid
from haris.wire.etsi020_values import Extension
from haris.wire.pedigree import read_pedigree, write_pedigree

EXAMPLE_ENTERPRISE_NUMBER = 32473
"""The private enterprise number that RFC 5612 sets aside for examples."""

MAX_PEDIGREE_OCTETS = 1 << 14
"""Of what another operator states of one key."""

_PEDIGREE = "haris_pedigree"
_PEDIGREE_NAME = re.compile(rf"E[0-9]+_{_PEDIGREE}")


@dataclass(frozen=True, slots=True)
class Export:
    """Keys of the same parties for one operator. passed_on: JSON, the same for all in its `container` part."""

    parties: Parties
    keys: tuple[DeliveredKey, ...]
    passed_on: tuple[str, ...]

    @property
    def key_ids(self) -> tuple[UUID, ...]:
        """The keys' names."""
        return tuple(key.key_id for key in self.keys)


def pedigree_extension(pedigree: Pedigree, enterprise_number: int = EXAMPLE_ENTERPRISE_NUMBER) -> dict[str, Any]:
    """What we state of a key that goes to another operator."""
    return {f"E{enterprise_number}_{_PEDIGREE}": write_pedigree(pedigree)}


def stated_pedigree(operator: str, extension: Extension | None) -> Pedigree:
    """What another operator states of a key, said to be its word. A Problem for a statement in a wrong form."""
    stated = [value for name, value in (extension or {}).items() if _PEDIGREE_NAME.fullmatch(name)]
    try:
        pedigree = read_pedigree(stated[0]) if stated and isinstance(stated[0], dict) else None
    except PeerError as error:
        raise invalid(str(error)) from None
    if len(msgspec.json.encode(pedigree)) > MAX_PEDIGREE_OCTETS:
        raise invalid(f"a key's pedigree has at most {MAX_PEDIGREE_OCTETS} octets")
    if pedigree is not None and not (0 <= (pedigree.epsilon or 0) <= 1 and pedigree.hops >= 1):
        raise invalid("a key's epsilon lies between 0 and 1, and it crossed at least one link")
    if pedigree is None:
        reason = f"operator {operator} says nothing about it"
        return Pedigree(None, Origin.VENDOR, Proof("not stated", "not stated", False), epsilon_reason=reason)
    assumptions = (*pedigree.proof.assumptions, f"as operator {operator} states it, its gateway and ours trusted")
    return replace(pedigree, proof=replace(pedigree.proof, assumptions=assumptions))


def unchanged(key: Extension | None, container: Extension | None) -> str:
    """What is to go on with a key to a further operator as it came; its pedigree goes on as it will be then."""
    rest = {name: value for name, value in (key or {}).items() if not _PEDIGREE_NAME.fullmatch(name)}
    parts = {name: part for name, part in (("key", rest), ("container", container)) if part}
    return msgspec.json.encode(parts).decode() if parts else ""


def exports_of(directory: Directory, assigned: Iterable[tuple[Assignment, bytes]]) -> tuple[Export, ...]:
    """Keys assigned at this site, as they go to the operators of those slaves that are not ours."""
    groups: dict[tuple[Parties, str], list[tuple[DeliveredKey, str]]] = {}
    for word, secret in assigned:
        key = DeliveredKey(word.key_id, secret, word.pedigree)
        for operator, targets in _foreign_slaves(directory, word).items():
            parties = Parties(operator, word.master, targets)
            same = msgspec.json.encode(_passed_on(word.passed_on).get("container")).decode()
            groups.setdefault((parties, same), []).append((key, word.passed_on))
    return tuple(
        Export(parties, tuple(key for key, _ in items), tuple(passed_on for _, passed_on in items))
        for (parties, _), items in groups.items()
    )


@dataclass(frozen=True, slots=True)
class Exporting:
    """The sending side of one gateway. enterprise_number: names the extension that carries a key's pedigree."""

    store: GatewayStore
    directory: Directory
    enterprise_number: int = EXAMPLE_ENTERPRISE_NUMBER

    def take(self, assignments: Sequence[Assignment]) -> tuple[Export, ...]:
        """Take keys assigned here in the names of foreign slaves: from now on they are only in the exports.

        Repeated after the keys were relayed: nothing. Raises KeyNotFound for keys that were taken and not relayed.
        """
        taken: list[tuple[Assignment, bytes]] = []
        for word in assignments:
            foreign = _foreign_slaves(self.directory, word)
            if not foreign or self._is_relayed(word, foreign):
                continue
            slaves = [slave for slaves in foreign.values() for slave in slaves]
            keys = [self._fetch(word, slave) for slave in slaves]
            taken.append((replace(word, pedigree=keys[0].pedigree), keys[0].secret))
        return exports_of(self.directory, taken)

    def begin(self, export: Export) -> None:
        """Keep in mind that the keys are sent, before they are. PeerError for a key that was sent before."""
        new = self.store.note_departures(export.parties, export.key_ids)
        if len(new) != len(export.keys):
            self.store.void_departures(new)
            raise PeerError(f"a key for {export.parties.operator} was sent before")

    def container(self, export: Export, ack_callback_url: str | None) -> ExtKeyContainer:
        """The request that hands the keys over. It is the same each time that it is made."""
        passed_on = [_passed_on(each) for each in export.passed_on]
        keys = tuple(
            ExtKey(key.key_id, key.secret, {**each.get("key", {}), **self._stated(key.pedigree)})
            for key, each in zip(export.keys, passed_on, strict=True)
        )
        parties = export.parties
        optional = passed_on[0].get("container")
        return ExtKeyContainer(keys, parties.initiator, parties.targets, ack_callback_url, None, optional)

    def is_relayed(self, export: Export) -> bool | None:
        """Whether every key reached every target; None while that is open."""
        states = self.store.departures(export.parties.operator, export.key_ids).values()
        if all(state is Departure.RELAYED for state in states):
            return True
        return None if all(state in (Departure.SENT, Departure.RELAYED) for state in states) else False

    def _fetch(self, word: Assignment, slave: str) -> DeliveredKey:
        """The key, on record as one that slave has: from here on it is on its way to it."""
        (outcome,) = self.store.serve([Fetch(word.master, slave, word.key_id.bytes, "020")])
        if isinstance(outcome, HarisError):
            raise outcome
        keys = [key for batch in outcome for key in batch.each()]
        for batch in outcome:
            batch.wipe()
        return keys[0]

    def _is_relayed(self, word: Assignment, foreign: Mapping[str, Sequence[str]]) -> bool:
        states = [self.store.departures(operator, [word.key_id]).get(word.key_id) for operator in foreign]
        return all(state is Departure.RELAYED for state in states)

    def _stated(self, pedigree: Pedigree) -> dict[str, Any]:
        return pedigree_extension(pedigree, self.enterprise_number)


def _foreign_slaves(directory: Directory, word: Assignment) -> dict[str, tuple[str, ...]]:
    """The slaves that another operator serves, by operator."""
    slaves: dict[str, tuple[str, ...]] = {}
    for slave in word.slaves:
        if slave in directory.foreign and directory.saes[slave] == directory.site:
            operator = directory.foreign[slave]
            slaves[operator] = (*slaves.get(operator, ()), slave)
    return slaves


def _passed_on(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any]) if text else {}
