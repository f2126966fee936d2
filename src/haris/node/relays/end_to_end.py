"""Sessions of the end-to-end layer at one site, in memory only: with a restart they are gone, and begun anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from haris.crypto.signing import Credentials
from haris.keys import end_to_end
from haris.keys.end_to_end import Lifetime, Session
from haris.node.supply.peers import KmePeers
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.wire import end_to_end as wire

SESSIONS_HELD, HELD_IN_CONTACTS = 2, 256
"""Of each owner, at the far end: the newest one, and those before for relays that are still on their way."""


@dataclass(frozen=True, slots=True)
class Signers:
    """How this site shows who it is to the other sites. credentials: for each, with the name that it must bear."""

    site: str
    credentials: Mapping[str, Credentials]


class Sessions:
    """Those that this site has begun as an owner, and those that it serves as a far end.

    arrive_within_s: how long relays may be on their way, where sites reach one another in contacts only.
    """

    def __init__(
        self,
        signers: Signers,
        entropy: Callable[[int], bytes],
        lifetime: Lifetime,
        now_ns: Callable[[], int] = time.time_ns,
        arrive_within_s: float | None = None,
    ) -> None:
        self._n_held = SESSIONS_HELD if arrive_within_s is None else HELD_IN_CONTACTS
        self._held_s = lifetime.seconds + (lifetime.seconds if arrive_within_s is None else arrive_within_s)
        self._signers, self._entropy, self._lifetime, self._now_ns = signers, entropy, lifetime, now_ns
        self._begun: dict[str, Session] = {}
        self._served: dict[str, list[Session]] = {}

    def trust(self, credentials: Mapping[str, Credentials]) -> None:
        """Show who this site is to these sites from now on."""
        self._signers = Signers(self._signers.site, credentials)

    async def current(self, peers: KmePeers, peer: str) -> Session:
        """The session with peer, begun now when there is none or it is over. Raises PeerError and KeyUnavailable."""
        session = self._begun.get(peer)
        if session is not None and not session.is_over(self._lifetime, self._now_ns()):
            return session
        self.end(peer)
        credentials = self._credentials(peer)
        offering = await asyncio.to_thread(end_to_end.offer, credentials, self._signers.site, peer, self._entropy)
        reply = wire.decode(await peers.ask(peer, wire.VERB, wire.encode(offering.offer)))
        if not isinstance(reply, wire.SessionReply):
            raise PeerError(f"{peer} answers an offer with another one")
        self._begun[peer] = await asyncio.to_thread(end_to_end.accept, credentials, offering, reply, self._now_ns())
        return self._begun[peer]

    def end(self, peer: str) -> None:
        """End the session that this site has begun with peer, and overwrite its key."""
        if peer in self._begun:
            self._begun.pop(peer).wipe()

    async def handle(self, caller: str, body: bytes) -> bytes:
        """Answer an offer of site `caller`. Raises PeerError."""
        message = wire.decode(body)
        if not isinstance(message, wire.SessionOffer):
            raise PeerError(f"a {type(message).__name__} asks for nothing")
        credentials, site, now_ns = self._credentials(caller), self._signers.site, self._now_ns()
        if self.find(caller, message.session) is not None:
            raise PeerError("a session of this name is there already")
        session, reply = await asyncio.to_thread(end_to_end.answer, credentials, message, caller, site, now_ns)
        served = self._served.setdefault(caller, [])
        served.append(session)
        while len(served) > self._n_held:
            served.pop(0).wipe()
        return wire.encode(reply)

    def find(self, caller: str, name: bytes) -> Session | None:
        """The session that `caller` has begun here under a name, unless it is long over."""
        served = self._served.get(caller, [])
        for session in [each for each in served if self._now_ns() - each.began_ns > 1e9 * self._held_s]:
            served.remove(session)
            session.wipe()
        return next((session for session in served if session.name == name), None)

    def close(self) -> None:
        """Overwrite every key."""
        for peer in list(self._begun):
            self.end(peer)
        for session in [session for served in self._served.values() for session in served]:
            session.wipe()
        self._served.clear()

    def _credentials(self, peer: str) -> Credentials:
        if peer not in self._signers.credentials:
            raise KeyUnavailable(f"this site has no certificate to sign with towards {peer}: [kme] signing_certificate")
        return self._signers.credentials[peer]
