"""One site's witnesses: it gives its word to every peer, judges theirs, and uses nothing before it is confirmed.

After a start, and after the machine was stopped and resumed, no key shared with a peer is delivered and no pad towards
it is used before that peer has confirmed that this store is the one it knows, and every other peer was asked once. A
peer whose release knows no witnesses confirms nothing and is used all the same, with an alarm that stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from haris.keys.commissioning import auth_ledgers
from haris.keys.witness import NONCE_OCTETS, Verdict, Word
from haris.node.supply.peers import KmePeers
from haris.node.system.threads import finish_in_thread
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError, StoreError
from haris.wire import kme, witness

PERIOD_S, RETRY_S = 2.0, 0.25
TICK_S, STOPPED_S = 0.5, 10.0
"""A machine whose clock has gone on so far between two ticks was stopped, and may have been resumed from a copy."""

_SHOWN = "has not yet confirmed that this site's store is the newest"


class Confirmation(Protocol):
    """Whether what is shared with a site may be used."""

    def require(self, site: str) -> None:
        """KeyUnavailable while it must not be used."""

    async def wait(self, site: str) -> None:
        """Return once it may be used."""

    def returns(self, site: str) -> int:
        """How often site has answered again after it could not be reached."""


class Unwitnessed:
    """A site that has nobody to ask: everything may be used."""

    def require(self, site: str) -> None:
        """It may be used."""

    async def wait(self, site: str) -> None:
        """It may be used."""

    def returns(self, site: str) -> int:
        """Nobody is watched."""
        return 0


class WitnessStore(Protocol):
    """What is asked of the store: see node/store/witness.py."""

    def next_word(self, peer: str, nonce: bytes) -> Word:
        """Our word to peer."""

    def word_confirmed(self, peer: str, word: Word) -> None:
        """Peer has seen it."""

    def confirmed_numbers(self) -> dict[str, int]:
        """The number of the newest word that each peer has confirmed."""

    def hear_word(
        self, peer: str, word: Word, spans: Sequence[str], reset: bytes, peers: Sequence[str]
    ) -> tuple[Verdict, Word]:
        """Judge a word of peer, and void what its verdict makes void."""

    def seen_of(self, peer: str) -> Word:
        """The newest word of peer that was seen here."""

    def begins_anew(self, peer: str) -> bool:
        """Whether this site went back since peer told it the newest word that it has seen."""

    def begin_anew(self, peer: str, number: int, nonce: bytes) -> None:
        """Our chain to peer goes on from the newest word that it has seen."""

    def went_back(self, by: str, reset: bytes, peers: Sequence[str], number: int, nonce: bytes) -> None:
        """This site went back."""

    def reset_by(
        self, peer: str, name: bytes, spans: Sequence[str], reason: str, begun: Mapping[str, int] | None = None
    ) -> bool:
        """Peer says that all that it shares with this site is void, but for pad from where it has begun spans anew."""

    def revoked_sites(self) -> frozenset[str]:
        """Sites that are revoked now."""

    def ledger_bounds(self, ledger: str) -> tuple[int, int]:
        """(head, end) in octets of the pad's whole life."""

    def is_owed(self, peer: str, verb: str) -> bool:
        """Whether peer is still to be told a word of this verb."""


class Witnessing:
    """peers: the other sites, each with the spans that lead to it.

    alone: whether a peer that cannot be reached counts as if it had confirmed. owed: told when others are to be told.
    """

    def __init__(
        self,
        site: str,
        store: WitnessStore,
        peers: Mapping[str, Sequence[str]],
        entropy: Callable[[int], bytes],
        file_alarm: Callable[[Alarm], None],
        *,
        alone: bool = False,
    ) -> None:
        self._site, self._store, self._peers, self._entropy = site, store, dict(peers), entropy
        self._told, self._alone = file_alarm, alone
        self._filed: dict[tuple[AlarmKind, str], tuple[str, bool]] = {}
        self.owed: Callable[[], None] = lambda: None
        self._confirmed: set[str] = set()
        self._tried: set[str] = set()
        self._away: set[str] = set()
        self._returns: Counter[str] = Counter()
        self._revoked: frozenset[str] = store.revoked_sites()
        self._ticked_s = time.time()
        self._may_stand = True  # also since an earlier start
        self._given: dict[str, bytes] = {}
        self._challenges: dict[str, bytes] = {}
        self._hearing = asyncio.Lock()
        self._changed = asyncio.Event()

    def know(self, peers: Mapping[str, Sequence[str]]) -> None:
        """These are the other sites from now on. A new one gates what is shared with it, and nothing else: it has
        never seen this store."""
        gone, new = self._peers.keys() - peers.keys(), peers.keys() - self._peers.keys()
        self._tried |= new
        self._confirmed -= gone | new  # of a new one that was here before, an answer may have come late
        self._peers = dict(peers)
        self._changed.set()
        for site in gone:
            self._tell_standing(site, "")

    def require(self, site: str) -> None:
        """KeyUnavailable while what is shared with site must not be used. For this site itself: while nobody has
        confirmed its store."""
        if abs(time.time() - self._ticked_s) > STOPPED_S:
            self._forget()
        if site in self._revoked:
            raise KeyUnavailable(f"site {site} is revoked", retry_after_s=3600)
        if site in self._confirmed and self._all_tried:
            return
        if site in self._peers:
            raise KeyUnavailable(f"site {site} {_SHOWN}", retry_after_s=1)
        if self._peers and not (self._all_tried and self._confirmed):
            raise KeyUnavailable(f"no other site {_SHOWN}", retry_after_s=1)

    def require_trusted(self, site: str) -> None:
        """PeerError for a site that is revoked: nothing is heard from it, and nothing said to it."""
        if site in self._revoked:
            raise PeerError(f"site {site} is revoked here")

    def revoke(self, site: str) -> None:
        """Trust a site no more, as the store is about to learn."""
        self._revoked |= {site}
        self._confirmed.discard(site)

    @property
    def _all_tried(self) -> bool:
        """Whether every other site was asked. Of one that is gone an answer may yet come."""
        return self._peers.keys() <= self._tried

    @property
    def _all_confirmed(self) -> bool:
        return self._peers.keys() <= self._confirmed

    async def refresh(self) -> None:
        """Learn from the store which sites are revoked."""
        self._revoked = await finish_in_thread(self._store.revoked_sites)

    async def wait(self, site: str) -> None:
        """Return once what is shared with site may be used."""
        while True:
            try:
                self.require(site)
            except KeyUnavailable:
                await asyncio.sleep(RETRY_S)
            else:
                return

    def returns(self, site: str) -> int:
        """How often site has answered again after it could not be reached."""
        return self._returns[site]

    @property
    def verbs(self) -> dict[str, Callable[[str, bytes], Coroutine[Any, Any, bytes]]]:
        """What the peer face answers."""
        return {witness.VERB: self._hear, kme.RESET: self._hear_reset}

    def leading(self, peers: KmePeers) -> list[Coroutine[Any, Any, None]]:
        """To run for ever, in one process of the site: it gives the site's words."""
        return [self._tick(), self._tell_all(peers)]

    async def follow(self) -> None:
        """In the other processes of a site: learn from the store what the leading one is told, for ever."""
        before: dict[str, int] | None = None
        began_s = time.monotonic()
        while True:
            if self._watch_clock():
                before, began_s = None, time.monotonic()
            try:
                await self.refresh()
                now = await finish_in_thread(self._store.confirmed_numbers)
                before = now if before is None else before
                for site in self._peers:
                    if now.get(site, 0) > before.get(site, 0) and not await self._owes_reset(site):
                        self._confirmed.add(site)
            except StoreError:
                pass  # the database is away: who serves from it says so
            if time.monotonic() - began_s > STOPPED_S or self._all_confirmed:
                self._tried.update(self._peers)
            await asyncio.sleep(TICK_S)

    async def _tick(self) -> None:
        while True:
            self._watch_clock()
            if self._may_stand and self._all_confirmed:
                with contextlib.suppress(StoreError):
                    await self._clear()
            await asyncio.sleep(TICK_S)

    async def _clear(self) -> None:
        """The alarm that this site went back is over when everybody was told, and every span has pad again."""
        for site in self._peers:
            if await self._owes_reset(site):
                return
        for ledger in (name for spans in self._peers.values() for span in spans for name in auth_ledgers(span)):
            head, end = await finish_in_thread(self._store.ledger_bounds, ledger)
            if head == end:
                return
        self._may_stand = False
        self._file(self._alarm(Severity.CRITICAL, "store", "all is told, and every span has pad", active=False))

    def _watch_clock(self) -> bool:
        """Whether the machine was stopped since the last look."""
        now_s = time.time()
        stopped = abs(now_s - self._ticked_s) > STOPPED_S
        if stopped:
            self._forget()
        self._ticked_s = now_s
        return stopped

    def _forget(self) -> None:
        self._confirmed.clear()
        self._tried.clear()
        self._ticked_s = time.time()

    async def _tell_all(self, peers: KmePeers) -> None:
        """Give our words to every other site, those included that are learnt of later."""
        telling: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for site in telling.keys() - self._peers.keys():
                    telling.pop(site).cancel()
                for site in self._peers.keys() - telling.keys():
                    telling[site] = group.create_task(self._tell(peers, site))
                await self._changed.wait()

    async def _tell(self, peers: KmePeers, site: str) -> None:
        while True:
            try:
                await self._tell_once(peers, site)
                self._tell_standing(site, "")
                self._returns[site] += site in self._away
                self._away.discard(site)
            except KeyUnavailable:
                self._away.add(site)
                if self._alone:
                    self._confirmed.add(site)
                self._tried.add(site)
            except HarisError as error:
                if f"no verb {witness.VERB!r}" in str(error):  # an older release, until it is upgraded
                    self._confirmed.add(site)
                self._tell_standing(site, f"{site} confirms nothing: {error}")
                self._tried.add(site)
            await asyncio.sleep(PERIOD_S if site in self._confirmed else RETRY_S)

    async def _tell_once(self, peers: KmePeers, site: str) -> None:
        if await finish_in_thread(self._store.begins_anew, site):
            nothing = bytes(NONCE_OCTETS)
            body = witness.write(witness.WitnessWord(0, nothing, nothing, anew=True))
            seen = witness.read_answer(await peers.ask(site, witness.VERB, body))
            await finish_in_thread(self._store.begin_anew, site, seen.number, seen.nonce)
        word = await finish_in_thread(self._store.next_word, site, self._entropy(NONCE_OCTETS))
        answer = await self._ask(peers, site, word)
        if Verdict(answer.verdict) is Verdict.AGAIN:
            answer = await self._ask(peers, site, word)
        verdict = Verdict(answer.verdict)
        if verdict is Verdict.AGAIN:
            raise PeerError("it asks for its challenge again and again")
        if verdict is Verdict.SENDER_WENT_BACK:
            self._confirmed.clear()
            name, sites = self._entropy(NONCE_OCTETS), list(self._peers)
            await finish_in_thread(self._store.went_back, site, name, sites, answer.number, answer.nonce)
            self._tell_that_we_went_back(site)
            return
        await finish_in_thread(self._store.word_confirmed, site, word)
        if await self._owes_reset(site):
            self._confirmed.discard(site)
            self.owed()  # it must hear first that all is void
        else:
            self._confirmed.add(site)
        self._tried.add(site)

    async def _ask(self, peers: KmePeers, site: str, word: Word) -> witness.WitnessAnswer:
        message = witness.WitnessWord(word.number, word.nonce, word.previous, self._given.get(site, b""))
        answer = witness.read_answer(await peers.ask(site, witness.VERB, witness.write(message)))
        self._given[site] = answer.challenge
        return answer

    async def _owes_reset(self, site: str) -> bool:
        return await finish_in_thread(self._store.is_owed, site, kme.RESET)

    async def _hear(self, site: str, body: bytes) -> bytes:
        message = witness.read_word(body)
        if message.anew:
            last = await finish_in_thread(self._store.seen_of, site)
            challenge = self._challenges.setdefault(site, self._entropy(NONCE_OCTETS))
            return witness.write(witness.WitnessAnswer("again", last.number, last.nonce, challenge))
        word = Word(message.number, message.nonce, message.previous)
        async with self._hearing:
            fresh = self._entropy(NONCE_OCTETS)
            if message.challenge != self._challenges.get(site):
                challenge = self._challenges.setdefault(site, fresh)
                return witness.write(witness.WitnessAnswer("again", word.number, word.nonce, challenge))
            self._challenges[site] = fresh
            spans, reset = self._peers.get(site, ()), self._entropy(NONCE_OCTETS)
            verdict, seen = await finish_in_thread(self._store.hear_word, site, word, spans, reset, list(self._peers))
        if verdict is Verdict.WITNESS_WENT_BACK:
            self._confirmed.clear()
            self._tell_that_we_went_back(site)
        went_back = verdict is Verdict.SENDER_WENT_BACK
        text = f"{site} has gone back to an older copy of its store: all that it shares with this site is void"
        self._file(self._alarm(Severity.MAJOR, site, text, active=went_back))
        return witness.write(witness.WitnessAnswer(verdict.value, seen.number, seen.nonce, fresh))

    async def _hear_reset(self, site: str, body: bytes) -> bytes:
        word = kme.read_reset(body)
        text = f"{site} says that all that it shares with this site is void: {word.reason}"
        if await finish_in_thread(self._store.reset_by, site, word.name, self._peers.get(site, ()), text, word.begun):
            self._file(self._alarm(Severity.MAJOR, site, text))
        return b"{}"

    def _file(self, alarm: Alarm) -> None:
        """Tell of an alarm when it has changed: it is looked at every few seconds."""
        now = alarm.text if alarm.active else "", alarm.active
        if self._filed.get((alarm.kind, alarm.source)) != now:
            self._filed[alarm.kind, alarm.source] = now
            self._told(alarm)

    def _tell_standing(self, site: str, text: str) -> None:
        """Whether a site confirms our words. text: why not; empty when it does."""
        self._file(Alarm(Severity.MAJOR, f"witness {site}", text, AlarmKind.OTHER, bool(text)))

    def _tell_that_we_went_back(self, by: str) -> None:
        text = (
            f"{by} has seen newer words of this site: this store is an older copy, or another machine runs from one. "
            "All keys and pads are void here and at every other site; recommission the links"
        )
        self._may_stand = True
        self._file(self._alarm(Severity.CRITICAL, "store", text))
        self.owed()

    def _alarm(self, severity: Severity, source: str, text: str, *, active: bool = True) -> Alarm:
        return Alarm(severity, source, text, AlarmKind.ROLLED_BACK, active)
