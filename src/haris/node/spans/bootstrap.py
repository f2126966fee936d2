"""How two sites of a span that were given no secret agree on their first pad: by ML-KEM, signed (keys/bootstrap.py)."""

from __future__ import annotations

import time
from collections.abc import Callable

from haris.crypto.signing import Credentials
from haris.keys import bootstrap
from haris.keys.bootstrap import Agreed, Place
from haris.keys.commissioning import Means, auth_ledgers, first_pads
from haris.keys.store import KeyStore
from haris.node.spans.channel import SpanChannel
from haris.node.spans.plan import SpanPlan
from haris.node.system.threads import finish_in_thread
from haris.nouns.errors import PeerError
from haris.wire.bootstrap import BootstrapOffer, BootstrapProof, BootstrapReply

PATIENCE_S = 10.0


class Bootstrap:
    """One end of one connection, before its greeting."""

    def __init__(self, plan: SpanPlan, store: KeyStore, entropy: Callable[[int], bytes], channel: SpanChannel) -> None:
        self._plan, self._store, self._entropy, self._channel = plan, store, entropy, channel

    async def call(self) -> None:
        """At the site that calls: agree with the other one unless there is pad. Raises PeerError."""
        credentials = self._plan.signer
        if credentials is None or await finish_in_thread(self._store.commission_of, self._plan.name) is not None:
            return
        place = await finish_in_thread(self._place)
        offering = await finish_in_thread(bootstrap.offer, credentials, place, self._entropy)
        await self._channel.send(offering.offer)
        reply = await self._channel.receive(BootstrapReply, PATIENCE_S)
        agreed = await finish_in_thread(bootstrap.accept, credentials, offering, reply, time.time_ns())
        await self._channel.send(agreed.proof(b"caller"))
        agreed.require(await self._channel.receive(BootstrapProof, PATIENCE_S), b"listener")
        await finish_in_thread(self._keep, agreed)

    async def answer(self, offer: BootstrapOffer) -> None:
        """At the site that listens. Raises PeerError, and nothing changes, unless the offer is the peer's own."""
        credentials = await finish_in_thread(self._require_open)
        place = await finish_in_thread(self._place)
        agreed, reply = await finish_in_thread(
            bootstrap.answer, credentials, place, offer, self._entropy, time.time_ns()
        )
        await self._channel.send(reply)
        agreed.require(await self._channel.receive(BootstrapProof, PATIENCE_S), b"caller")
        await finish_in_thread(self._require_open)
        await finish_in_thread(self._keep, agreed)
        await self._channel.send(agreed.proof(b"listener"))

    def _require_open(self) -> Credentials:
        """What we sign with, unless a block has been held here: from then on pad comes from blocks alone."""
        if self._plan.signer is None:
            raise PeerError(f"{self._plan.peer} offers ML-KEM, and span {self._plan.name} is commissioned by a secret")
        if self._store.last_block_number(self._plan.name) >= 0:
            raise PeerError(
                f"{self._plan.peer} has lost the pad of span {self._plan.name}: it must be commissioned anew by hand"
            )
        return self._plan.signer

    def _place(self) -> Place:
        plan = self._plan
        tails = {name: self._store.ledger_bounds(name)[1] for name in auth_ledgers(plan.name)}
        return Place(plan.name, plan.site, plan.peer, plan.agreed_digest(), tails)

    def _keep(self, agreed: Agreed) -> None:
        name = self._plan.name
        pads = first_pads(name, agreed.secret, Means.ML_KEM)
        self._store.commission_span(name, Means.ML_KEM, pads, agreed.starts)
