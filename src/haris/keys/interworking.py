"""ETSI GS QKD 020 V1.1.1 at a gateway: keys that another operator hands over for applications of this network.

A key is kept durably before it is accepted, carried to the site of each target, and acknowledged once every target's
site holds it. To a site it travels under a one-time pad and a one-time tag from the stock that the gateway shares with
that site, as a key does for an additional slave. Methods are blocking; the network lies outside, behind Carry.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from haris.keys.assignment import stock_for_wrapping, wrap_key, wrapped_pedigree
from haris.keys.export import Export, exports_of, stated_pedigree, unchanged
from haris.keys.foreign import ACK_OF, Ack, ArrivalEvent, Crossing, ForeignKey, GatewayStore, Operator, Parties
from haris.keys.store import Grade
from haris.keys.supply import PeerReply, Supply
from haris.nouns.assignments import Assignment, Handover, Void
from haris.nouns.errors import HarisError, KeyNotFound, KeyUnavailable, PeerError, Unauthorised
from haris.nouns.keys import DeliveredKey, Origin, StoredKey
from haris.wire.etsi020 import (
    AckContainer,
    AckedKey,
    AckStatus,
    ExtKey,
    ExtKeyContainer,
    VoidContainer,
)
from haris.wire.etsi020_problem import Problem, ProblemType, invalid
from haris.wire.etsi020_values import MAX_ITEMS

MAX_PASSED_ON_CHARACTERS = 1 << 14
"""Of the extensions of one key that go on to a further operator."""


@dataclass(frozen=True, slots=True)
class Carry:
    """Have each site store its assignments, and each further operator take its keys; one PeerReply each, in order."""

    assignments: tuple[tuple[str, tuple[Assignment, ...]], ...]
    exports: tuple[Export, ...]


Carriage = Generator[Carry, tuple[PeerReply, ...], None]


@dataclass(frozen=True, slots=True)
class Interworking:
    """The receiving side of one gateway. operators: by name. supply: of this site."""

    supply: Supply
    store: GatewayStore
    operators: Mapping[str, Operator]

    def operator(self, kme: str) -> Operator:
        """The operator whose key manager bears this KME ID; a Problem for anybody else."""
        for operator in self.operators.values():
            if operator.kme == kme:
                return operator
        raise Problem(ProblemType.UNAUTHORIZED, {"unauthorized": f"{kme} is no neighbour operator's KME"})

    def receive(self, operator: Operator, container: ExtKeyContainer) -> Parties:
        """Accept keys: they are kept when this returns. Raises a Problem, and keeps nothing, for what is wrong.

        The same container again is no error: what became of its keys is acknowledged again.
        """
        self._require_callback(operator, container.ack_callback_url)
        if container.extension_mandatory:
            names = ", ".join(sorted(container.extension_mandatory))
            details = {"unsupported_mandatory_extension": f"{names} is not supported"}
            raise Problem(ProblemType.UNSUPPORTED_MANDATORY_EXTENSION, details)
        parties = Parties(operator.name, container.initiator_sae_id, container.target_sae_ids)
        self._require_initiator(operator, parties)
        self._require_route(operator, parties.targets)
        keys = [self._foreign_key(operator, parties, container, key) for key in container.keys]
        self._require_new_names(operator, keys)
        try:
            self.store.receive_foreign(keys, owed=container.ack_callback_url is not None)
        except PeerError as error:
            raise invalid(str(error)) from None
        return parties

    def waiting(self) -> tuple[tuple[Parties, tuple[UUID, ...]], ...]:
        """Keys that wait to be carried, by whose they are."""
        return by_parties(self.store.foreign_received())

    def carry(self, operator: str, key_ids: Sequence[UUID]) -> Carriage:
        """Carry received keys to their targets' sites, all or none, and settle what became of them."""
        keys = self.store.begin_carriage(operator, key_ids)
        if not keys:
            return
        settled = ArrivalEvent.FAIL
        try:
            if (yield from self._carry(keys)):
                settled = ArrivalEvent.RELAY
        except HarisError:
            pass  # dry pools and refusals are what `failed` stands for
        finally:
            key_ids = [key.key_id for key in keys]
            done = self.store.settle_carriage(operator, key_ids, settled)
            # What was voided on the way has been recalled, but may have gone on to a further operator since.
            self.store.void_departures([key_id for key_id in key_ids if key_id not in done])

    def outcomes(self, parties: Parties, key_ids: Sequence[UUID]) -> tuple[AckContainer, ...] | None:
        """The acknowledgements of received keys, None while one is not settled."""
        states = self.store.foreign_states(parties.operator, key_ids)
        words = {key_id: ACK_OF[states[key_id]] for key_id in key_ids if states.get(key_id) in ACK_OF}
        return ack_containers(parties, words) if len(words) == len(key_ids) else None

    def void(self, operator: Operator, container: VoidContainer) -> tuple[Parties, tuple[UUID, ...]]:
        """The operator takes keys back, or gives up keys that we sent. What it named is void when this returns, but
        what was carried is still to be recalled."""
        self._require_callback(operator, container.ack_callback_url)
        parties = Parties(operator.name, container.initiator_sae_id, container.target_sae_ids)
        foreign = self.supply.directory.foreign
        if operator.name not in (foreign.get(sae) for sae in (parties.initiator, *parties.targets)):
            raise Problem(ProblemType.UNAUTHORIZED, {"unauthorized": f"none of these SAEs is of {operator.name}"})
        key_ids = container.key_ids or self.store.foreign_of(parties)
        if not key_ids:
            raise Problem(ProblemType.KEY_NOT_PRESENT, {"key_not_present": "no key of these SAEs can be voided"})
        self.store.void_foreign(parties, key_ids, owed=container.ack_callback_url is not None)
        return parties, tuple(key_ids)

    def voided(self, parties: Parties, key_ids: Sequence[UUID]) -> tuple[AckContainer, ...] | None:
        """The acknowledgements of voided keys, None while one is not settled."""
        words = self.store.void_words(parties, key_ids)
        return ack_containers(parties, words) if len(words) == len(key_ids) else None

    def sites_of(self, parties: Parties) -> tuple[str, ...]:
        """Where a key of these parties is carried to, the gateway's own site included."""
        return tuple(dict.fromkeys(self.supply.directory.saes[target] for target in parties.targets))

    def recall_here(self, key_ids: Sequence[UUID]) -> tuple[UUID, ...]:
        """Void keys for slaves at this very site; those that one had fetched."""
        own = self.supply.directory.site
        fetched = self.store.void_assignments(own, [Void(key_id, ()) for key_id in key_ids])
        self.store.void_told(own, key_ids)
        return fetched

    def take_acks(self, operator: Operator, containers: Sequence[AckContainer]) -> None:
        """The operator tells what became of keys that we sent. A Problem, and nothing taken, for an unknown key."""
        try:
            self.store.take_acks([ack for container in containers for ack in _acks(operator.name, container)])
        except KeyNotFound as error:
            raise Problem(ProblemType.KEY_NOT_PRESENT, {"key_not_present": str(error)}) from None

    def _require_callback(self, operator: Operator, url: str | None) -> None:
        """Acknowledgements go to the one URL that is configured, so that nobody can make us call another."""
        if url is not None and url != operator.callback_url:
            raise invalid(f"ack_callback_url is not the one agreed with {operator.name}")

    def _require_initiator(self, operator: Operator, parties: Parties) -> None:
        if self.supply.directory.foreign.get(parties.initiator) != operator.name:
            text = f"{operator.name} may not speak for SAE {parties.initiator}"
            raise Problem(ProblemType.UNAUTHORIZED, {"unauthorized": text})
        try:
            self.supply.admission.require(parties.initiator, parties.targets)
        except Unauthorised as error:
            raise Problem(ProblemType.UNAUTHORIZED, {"unauthorized": str(error)}) from None

    def _require_route(self, operator: Operator, targets: Sequence[str]) -> None:
        directory, limits = self.supply.directory, self.supply.limits
        for target in targets:
            further = directory.foreign.get(target)
            if target not in directory.saes:
                raise _no_route("target_sae_id_not_recognized", f"SAE {target} is not known here")
            if further == operator.name:
                raise _no_route("invalid_routing", f"SAE {target} would be reached by passing the key back")
            if further and directory.saes[target] == directory.site and further not in self.operators:
                raise _no_route("no_known_route", f"SAE {target} is of {further}, which is not reached from here")
        if len(targets) > limits.max_sae_id_count + 1:
            raise _no_route("no_route_multiple_targets", f"at most {limits.max_sae_id_count + 1} targets a key")

    def _foreign_key(self, operator: Operator, parties: Parties, container: ExtKeyContainer, key: ExtKey) -> ForeignKey:
        limits, size_bits = self.supply.limits, 8 * len(key.octets)
        if not limits.min_key_size <= size_bits <= limits.max_key_size:
            raise invalid(f"value shall have {limits.min_key_size} to {limits.max_key_size} bits")
        pedigree = stated_pedigree(operator.name, key.extension)
        if pedigree.origin is Origin.EMULATED and not self.supply.laboratory:
            raise invalid(f"key {key.key_id} is emulated, and this node is no laboratory")
        goes_on = any(target in self.supply.directory.foreign for target in parties.targets)
        passed_on = unchanged(key.extension, container.extension_optional) if goes_on else ""
        if len(passed_on) > MAX_PASSED_ON_CHARACTERS:
            raise invalid(f"extensions that go on with a key have at most {MAX_PASSED_ON_CHARACTERS} characters")
        return ForeignKey(key.key_id, key.octets, parties, pedigree, passed_on)

    def _require_new_names(self, operator: Operator, keys: Sequence[ForeignKey]) -> None:
        """Keys that came before pass; others must bear no name of ours, and find stock to be carried with."""
        known = self.store.foreign_states(operator.name, [key.key_id for key in keys])
        new = [key for key in keys if key.key_id not in known]
        for key in new:
            if self.store.is_own_key(key.key_id):
                raise invalid(f"key_id {key.key_id} is taken")
        if not new:
            return
        own, needed = self.supply.directory.site, sum(stock_for_wrapping(8 * len(key.secret)) for key in new)
        for site in self.sites_of(new[0].parties):
            if site != own and self.store.count_ready(site, own, self._grade) < needed:
                text = f"too few keys are shared with site {site} to carry {len(new)} keys there"
                raise Problem(ProblemType.INSUFFICIENT_KEY_MATERIAL, {"insufficient_key_material": text})

    @property
    def _grade(self) -> Grade:
        return Grade(emulated=self.supply.laboratory)

    def _carry(self, keys: Sequence[ForeignKey]) -> Generator[Carry, tuple[PeerReply, ...], bool]:
        """Whether every target's site, and every further operator, has taken every key."""
        own, key_ids = self.supply.directory.site, [key.key_id for key in keys]
        words = self._words(keys)
        at_home = words.get(own, ())
        exports = exports_of(self.supply.directory, zip(at_home, [key.secret for key in keys], strict=False))
        carried = False
        try:
            for site, assignments in words.items():
                self.store.record_assignments(site, assignments)
            for word, key in zip(self._kept(at_home), keys, strict=False):
                self.store.keep_foreign(own, word, key.secret)
            replies = yield Carry(tuple((site, word) for site, word in words.items() if site != own), exports)
            carried = all(reply.accepted for reply in replies)
        finally:
            parties, size_bits = keys[0].parties, 8 * len(keys[0].secret)
            handover = Handover("ext_keys", "020", parties.operator, parties.initiator, parties.targets, size_bits)
            self.store.close_assignments(key_ids, delivered=carried, handover=handover)
            if at_home and not carried:
                self.recall_here(key_ids)
        return carried

    def _kept(self, at_home: Sequence[Assignment]) -> tuple[Assignment, ...]:
        """What this site keeps for slaves of its own: one assignment a key, or none."""
        foreign = self.supply.directory.foreign
        kept = [replace(word, slaves=tuple(s for s in word.slaves if s not in foreign)) for word in at_home]
        return tuple(word for word in kept if word.slaves)

    def _words(self, keys: Sequence[ForeignKey]) -> dict[str, tuple[Assignment, ...]]:
        """What each site is told, this one included, which needs no pads."""
        own, sites = self.supply.directory.site, self.sites_of(keys[0].parties)
        pads = self._pads(keys, [site for site in sites if site != own])
        carried = [_carried(key, [stock[number] for stock in pads.values()]) for number, key in enumerate(keys)]
        words = {
            site: tuple(self._word(key, site, stock[number]) for number, key in enumerate(carried))
            for site, stock in pads.items()
        }
        return words | ({own: tuple(self._word(key, own, ()) for key in carried)} if own in sites else {})

    def _word(self, key: ForeignKey, site: str, pads: Sequence[StoredKey]) -> Assignment:
        """The assignment of a key at a site, wrapped under pads when it is another one."""
        directory, named = self.supply.directory, key.parties.targets
        slaves = tuple(target for target in named if directory.saes[target] == site)
        further = key.passed_on if directory.foreign.keys() & set(slaves) else ""
        delivered = DeliveredKey(key.key_id, key.secret, key.pedigree)
        ids = tuple(piece.key_id for piece in pads)
        word = Assignment(
            key.key_id, delivered.size_bits, ids, key.parties.initiator, slaves, key.pedigree, passed_on=further
        )
        return wrap_key(delivered, pads, word) if pads else word

    def _pads(self, keys: Sequence[ForeignKey], sites: Sequence[str]) -> dict[str, tuple[tuple[StoredKey, ...], ...]]:
        """For each site the stock that wraps each key, all or none. KeyUnavailable when a pool is dry."""
        needs = [stock_for_wrapping(8 * len(key.secret)) for key in keys]
        reserved: dict[str, tuple[StoredKey, ...]] = {}
        try:
            for site in sites:
                reserved[site] = self.store.reserve(
                    site, self.supply.directory.site, sum(needs), "interworking", self._grade
                )
        except KeyUnavailable:
            self.store.release([piece.key_id for stock in reserved.values() for piece in stock])
            raise
        stops = list(itertools.accumulate(needs))
        return {
            site: tuple(stock[stop - need : stop] for stop, need in zip(stops, needs, strict=True))
            for site, stock in reserved.items()
        }


def by_parties(crossings: Sequence[Crossing]) -> tuple[tuple[Parties, tuple[UUID, ...]], ...]:
    """Keys by whose they are, at most 1024 at once."""
    groups: dict[Parties, list[UUID]] = {}
    for crossing in crossings:
        groups.setdefault(crossing.parties, []).append(crossing.key_id)
    return tuple(
        (parties, tuple(key_ids[first : first + MAX_ITEMS]))
        for parties, key_ids in groups.items()
        for first in range(0, len(key_ids), MAX_ITEMS)
    )


def ack_containers(parties: Parties, words: Mapping[UUID, AckStatus]) -> tuple[AckContainer, ...]:
    """Acknowledgements of keys of one set of SAEs, one container a status, at most 1024 keys each."""
    return tuple(
        AckContainer(
            tuple(AckedKey(key_id) for key_id in key_ids[first : first + MAX_ITEMS]),
            status,
            parties.initiator,
            parties.targets,
        )
        for status in dict.fromkeys(words.values())
        for key_ids in ([key_id for key_id, word in words.items() if word is status],)
        for first in range(0, len(key_ids), MAX_ITEMS)
    )


def _acks(operator: str, container: AckContainer) -> list[Ack]:
    parties = Parties(operator, container.initiator_sae_id, container.target_sae_ids)
    return [Ack(key.key_id, parties, container.status) for key in container.keys]


def _no_route(detail: str, text: str) -> Problem:
    return Problem(ProblemType.KEY_ROUTING_ERROR, {detail: text})


def _carried(key: ForeignKey, pads: Sequence[Sequence[StoredKey]]) -> ForeignKey:
    """The key with the pedigree that it has once it also crossed our network: the links of both count."""
    pieces = [piece for stock in pads for piece in stock]
    if not pieces:
        return key
    hops = key.pedigree.hops + max(piece.pedigree.hops for piece in pieces)
    return replace(key, pedigree=replace(wrapped_pedigree(key.pedigree, pieces), hops=hops))
