"""Blocks made of passes: light while the satellite stands over the station, and one block of it a pass.

Between passes a span is idle: its session lives on, no block begins, no pad is burnt, and a dark lamp is no alarm.
While light comes Bob tells where he clicked, and the block is made when it is over, or before the satellite sets where
[classical] says so. A line that breaks costs nothing: each end goes on gathering, and the next session, in this contact
or a later one, goes on where the last one was. A site that fails loses what it held: what is left of the pass is a
block of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from haris.keys.allotment import Levels, allot
from haris.node.spans.block_maker import BlockOrder, Made, NotBegun, Unmade
from haris.node.spans.driving import IDLE_S, Run, figures
from haris.node.spans.gathering import Gathering
from haris.node.spans.lamps import STRETCH_S
from haris.node.spans.light import Attached
from haris.node.spans.plan import PassPlan, SpanPlan
from haris.node.spans.pointing import Pointing
from haris.node.spans.sky import Sky
from haris.nouns.blocks import Aborted, AbortReason
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import FinalKey, Pedigree
from haris.quantum.distill.stretches import OtherLight, SeenLight, SentLight, alice_in_stretches, bob_in_stretches
from haris.quantum.distill.transcript import Transcript
from haris.quantum.space.live import agreement, live_length, live_proof
from haris.wire import distillation, span
from haris.wire.block_message import Message
from haris.wire.distillation import Abort
from haris.wire.stretches import Close, Noted, Positions, Shine

LIGHT_S = 60.0
"""How long a stretch may take beside its light: so long a telescope waits for an end that has gone."""


class _GivenUp(Exception):  # noqa: N818  (control flow of one block)
    """The peer has given the light up, and said so."""


class PassMaker:
    """A BlockMaker at one end of a span through space. alarm: told when no light shines in a pass."""

    def __init__(
        self,
        plan: SpanPlan,
        passes: PassPlan,
        entropy: Callable[[int], bytes],
        alarm: Callable[[str], None],
        pointing: Pointing | None = None,
    ) -> None:
        self._plan, self._passes, self._entropy, self._alarm = plan, passes, entropy, alarm
        self._alice = plan.role == "alice"
        self._pointing = pointing or Pointing()
        self.sky = Sky(passes.contacts)
        self._attached: Attached | None = None
        self._lit: Gathering | None = None
        self._told: str | None = None
        self._levels: Callable[[], Levels]

    async def attach(self, session: bytes, require_peer: Callable[[], None]) -> None:
        """Nothing yet: the light is asked for in a pass."""

    async def ready(self, wanted_octets: int) -> bool:
        """While a light waits to become key, or a pass lasts that is worth it and the telescope is free for it."""
        if self._lit is not None:
            return True
        try:
            if await asyncio.to_thread(self.sky.lasting) is None:
                return False
        except ParameterError as error:  # elements that are too old, for one
            self._tell(f"no pass can be foreseen: {error}")
            return False
        if not self._pointing.is_free_for(self._plan.name, wanted_octets, time.monotonic()):
            return False
        try:
            await self._attach()
        except PeerError as error:
            self._tell(str(error))
            return False
        self._told = None
        return True

    async def make(self, order: BlockOrder) -> Made | Unmade:
        """One block of what is left of the pass, or of a light that the line left undone."""
        self._levels = order.levels
        if self._lit is not None and self._lit.run is not None and self._lit.run.is_broken:
            await self._forget()  # nobody waited for the end of its last turn
        try:
            peer_heard = await (self._shine(order) if self._alice else self._follow(order))
        except _GivenUp as reason:
            await self._forget()
            return Unmade(Aborted(order.block, AbortReason.SOURCE, str(reason)))
        except OtherLight as error:
            await self._forget()
            await self._send(order, Abort(AbortReason.SOURCE))
            return Unmade(Aborted(order.block, AbortReason.SOURCE, str(error)))
        except PeerError as error:
            raise NotBegun(str(error)) from None  # the light goes on without the line
        lit = self._lit
        assert lit is not None
        await lit.stop()
        if lit.run is None:
            lit.run = self._run(lit)
        try:
            outcome = await lit.run.drive(order, peer_heard)
        except PeerError as error:
            if not lit.run.is_broken:
                raise NotBegun(str(error)) from None  # its run waits for another line
            await self._forget()
            raise
        if self._alice:  # whatever comes of the block: this light is never used again
            self._lit = None  # Bob's last word may be lost: he says it again until she has given hers, or names another
        link, transcript = self._passes.contacts.link, lit.run.transcript
        light_s = lit.half.told.n_pulses / link.source.clock_hz
        if isinstance(outcome, Aborted):
            return Unmade(outcome, figures=figures(outcome.counts, light_s))
        pedigree = Pedigree(epsilon=link.security.epsilon, origin=self._passes.origin, proof=live_proof(link))
        key = FinalKey(lit.name, outcome.bits, pedigree)
        covered = order.block + transcript.octets  # this session's block, for the light may bear the name of another
        return Made(key, outcome.allotment, covered, figures(outcome.counts, light_s, outcome))

    async def ended(self, made: Made | Unmade) -> None:
        """Nothing is left of the light."""
        await self._forget()

    async def detach(self) -> None:
        """Let go of the lamp, unless its light goes on without the line."""
        if self._attached is not None:
            await self._attached.close()
            self._attached = None

    async def _attach(self) -> Attached:
        if self._attached is None or self._attached.is_over:
            await self.detach()
            self._attached = await Attached.attach(self._passes.socket, self._plan.role)
        return self._attached

    async def _shine(self, order: BlockOrder) -> int:
        """At Alice: name the light, and note what Bob tells of it.

        Returns how many messages of this end's run he has heard. Raises _GivenUp, OtherLight, or PeerError.
        """
        lit = self._lit = self._lit or await self._gather(order)
        assert isinstance(lit.half, SentLight)
        await self._send(order, Shine(lit.name, lit.half.told.n_stretches, _heard(lit)))
        while True:
            match await self._hear(order):
                case Positions() as told:
                    await self._send(order, await self._note(order, lit, lit.half, told))
                case Close(heard):
                    return heard
                case Abort():
                    raise _GivenUp("the peer does not hold the same light")
                case other:
                    raise PeerError(f"{type(other).__name__} is not told of light")

    async def _note(self, order: BlockOrder, lit: Gathering, half: SentLight, told: Positions) -> Noted:
        """The answer to what Bob tells of a stretch, once it is over here; or that it never came, or came too late."""
        while not half.holds_next and not lit.over:
            order.channel.require_peer()
            await lit.more(IDLE_S)
        if lit.run is not None or not half.holds_next:
            return Noted(half.told.n_stretches)
        return half.hear(told)

    async def _follow(self, order: BlockOrder) -> int:
        """At Bob: tell of the light that Alice names until it is over, or the block must close. Returns as _shine."""
        shine = await self._hear(order)
        if not isinstance(shine, Shine):
            raise PeerError(f"expected Shine, got {type(shine).__name__}")
        if shine.light == order.block:
            await self._forget()
            try:
                self._lit = await self._gather(order)
            except NotBegun as error:
                self._tell(str(error))
                raise OtherLight(str(error)) from None
            self._told = None
        lit = self._lit
        if lit is None or lit.name != shine.light:
            raise OtherLight("the peer names a light that is not here")
        if lit.run is None:
            await self._tell_of(order, lit, shine.noted)
        await self._send(order, Close(_heard(lit)))
        return shine.heard

    async def _tell_of(self, order: BlockOrder, lit: Gathering, n_noted: int) -> None:
        """Tell of each stretch when it is over, from those on that Alice has noted."""
        half = lit.half
        assert isinstance(half, SeenLight)
        half.hear(n_noted)
        closes_live = self._may_be_live(lit)
        while not half.is_full and not (closes_live and self._must_close(lit)):
            if (told := half.to_tell) is not None:
                await self._send(order, told)
                match await self._hear(order):
                    case Noted(number) if number == told.number:
                        return  # she has not that stretch
                    case Noted(number):
                        half.hear(number)
                    case Abort():
                        raise _GivenUp("the peer does not hold the same light")
                    case other:
                        raise PeerError(f"expected Noted, got {type(other).__name__}")
            elif lit.over:
                return
            else:
                order.channel.require_peer()
                await lit.more(IDLE_S)

    async def _gather(self, order: BlockOrder) -> Gathering:
        """This end's half of a light that bears the block's name. NotBegun where there is none."""
        try:
            attached = await self._attach()
            lasting = await asyncio.to_thread(self.sky.lasting)
        except (PeerError, ParameterError) as error:
            raise NotBegun(str(error)) from None
        self._attached = None  # it goes with the light
        contacts = self._passes.contacts
        agreed = agreement(contacts.link, 1)
        half = SentLight(order.block, agreed) if self._alice else SeenLight(order.block, agreed, self._entropy)
        flown = None if lasting is None else lasting.flown
        within_s = LIGHT_S + STRETCH_S / contacts.clock.factor
        return Gathering(order.block, half, flown, attached, within_s, self._pointing, self._plan.name)

    async def _forget(self) -> None:
        if self._lit is not None:
            lit, self._lit = self._lit, None
            await lit.stop()

    def _may_be_live(self, lit: Gathering) -> bool:
        """Whether its key is wanted while the satellite is up, and it still is: later nothing hurries."""
        return self._passes.contacts.classical.live and lit.flown is not None and self.sky.now_s() < lit.flown.set_s

    def _must_close(self, lit: Gathering) -> bool:
        """Whether a block that is to be live can wait no longer."""
        assert lit.flown is not None
        closing_s = self._passes.contacts.closing_s(lit.flown, lit.half.told.n_clicks)
        return self.sky.now_s() + closing_s >= lit.flown.set_s

    def _run(self, lit: Gathering) -> Run:
        """Of the engine that makes a block of the light, under the light's name."""
        link, transcript = self._passes.contacts.link, Transcript(lit.name)
        agreed, length = agreement(link, 1), partial(live_length, link)

        def share(length_bits: int) -> bytes:
            return allot(length_bits, self._levels(), self._plan.targets).encode()

        if isinstance(lit.half, SeenLight):
            engine = bob_in_stretches(lit.name, lit.half, agreed, length, self._entropy, transcript)
        else:
            engine = alice_in_stretches(lit.name, lit.half, agreed, length, share, self._entropy, transcript)
        return Run(engine, transcript, alice=self._alice)

    async def _hear(self, order: BlockOrder) -> Message:
        return distillation.decode((await order.channel.receive_of(span.Distil, order.number)).body)

    async def _send(self, order: BlockOrder, message: Message) -> None:
        await order.channel.send(span.Distil(order.number, distillation.encode(message)))

    def _tell(self, text: str) -> None:
        """An alarm, once until all is well."""
        if self._told != text:
            self._told = text
            self._alarm(text)


def _heard(lit: Gathering) -> int:
    """Messages of the peer that the block's engine has heard."""
    return 0 if lit.run is None else lit.run.n_heard
