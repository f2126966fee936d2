"""What of NODE.toml may change while a site runs: its applications, the other sites, who may have what; spans may join.

Everything else holds from the start of a process to its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from haris.keys.admission import Admission
from haris.keys.directory import Directory
from haris.keys.policy import Policy, Rule
from haris.keys.supply import Limits, narrowed
from haris.node.configuration.node_toml import NodeConfiguration
from haris.node.supply.peers import KmePeers
from haris.nouns.errors import ParameterError

RELOADED = ("sae", "peer", "allow")
JOINED = ("span", "edge", "source")
"""Tables whose entries hold to the end, and that more may join."""


def directory_of(configuration: NodeConfiguration) -> Directory:
    """Who lives where, in mappings of its own. ParameterError for names that collide."""
    name = configuration.site.name
    kmes = {name: configuration.kme.id} | {entry.site: entry.kme for entry in configuration.peer}
    saes = {entry.id: entry.site for entry in configuration.sae}
    foreign = {entry.id: entry.operator for entry in configuration.sae if entry.operator is not None}
    return Directory(name, kmes, saes, foreign)


def systems_of(configuration: NodeConfiguration) -> dict[str, str]:
    """The system ID of each SAE that has another than its SAE ID."""
    return {entry.id: entry.system for entry in configuration.sae if entry.system}


def require_rules(limits: Limits, rules: Iterable[Rule]) -> None:
    """ParameterError for a rule that leaves no size of key."""
    for number, rule in enumerate(rules, 1):
        try:
            narrowed(limits, rule)
        except ParameterError as error:
            raise ParameterError(f"[[allow]] {number} leaves no size of key: {error}") from None


@dataclass(frozen=True, slots=True)
class Reloadable:
    """What a change reaches. systems: as systems_of gives them, and shared with the face of SKIP.

    joined: tables of JOINED as they are since the last change.
    """

    directory: Directory
    systems: dict[str, str]
    limits: Limits
    admission: Admission
    peers: KmePeers
    joined: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def wanting(self, old: NodeConfiguration, new: NodeConfiguration) -> tuple[str, ...]:
        """The tables of new that want a restart; those of JOINED when an entry was changed or taken away."""
        others = [each.name for each in fields(NodeConfiguration) if each.name not in RELOADED + JOINED]
        differ = [name for name in others if getattr(old, name) != getattr(new, name)]
        kept = {name: self.joined.get(name, getattr(old, name)) for name in JOINED}
        return (*differ, *(name for name, entries in kept.items() if not set(entries) <= set(getattr(new, name))))

    def take(self, old: NodeConfiguration, new: NodeConfiguration) -> tuple[str, ...]:
        """Use the new tables from now on, those of JOINED all or none. Returns the names of those that want a restart.

        Raises ParameterError, with all as before, for what cannot be.
        """
        directory = directory_of(new)
        require_rules(self.limits, new.allow)
        self.peers.know(directory, {entry.site: entry.urls for entry in new.peer})  # the last that may be refused
        self.directory.become(directory)
        self.systems.clear()
        self.systems.update(systems_of(new))
        self.admission.govern(Policy(new.allow))
        wanting = self.wanting(old, new)
        if not set(JOINED) & set(wanting):
            self.joined.update({name: getattr(new, name) for name in JOINED})
        return wanting
