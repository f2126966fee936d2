"""An agent of a VPN: carries out what its role orders, between a key manager, a VPN's daemon and the other agent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from haris.node.pki.mutual_tls import TlsFiles
from haris.node.tunnel.ends import KeySource
from haris.node.vpn.configuration import VpnConfiguration
from haris.node.vpn.link import VpnLink
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError
from haris.nouns.keys import DeliveredKey
from haris.service import vpn, vpn_initiator, vpn_responder
from haris.service.vpn import Policy, Role, TunnelSecret, tunnel_secret

_TICK_S = 0.05
_CHECK_S = 2.0
_FETCH_TRIES, _FETCH_PAUSE_S = 4, 0.5
_DAEMON_PAUSE_S = 1.0


class Daemon(Protocol):
    """What turns a key into a tunnel. Every verb is idempotent.

    All raise PeerError when the daemon refuses, and ConnectionError when it is gone.
    """

    async def start(self) -> None:
        """Make ready: nothing passes that is not under a key given here."""

    async def load(self, key_id: UUID, secret: TunnelSecret) -> None:
        """Take a key, not yet into use. The secret is this daemon's to wipe."""

    async def use(self, key_id: UUID) -> None:
        """Carry out vpn.Use: at the initiator, return once the tunnel is up under this key."""

    async def follow(self, key_id: UUID) -> None:
        """At the responder: send under this key; take what comes under either."""

    async def forget(self, key_id: UUID) -> None:
        """Undo load and use."""

    async def keep(self, key_id: UUID) -> None:
        """End everything that is not under this key."""

    async def close(self) -> None:
        """End everything."""

    async def carries(self) -> bool:
        """Whether a tunnel is up, as far as the daemon knows."""

    async def stop(self) -> None:
        """Leave the daemon: the tunnel lives on for a bounded time at most."""


class VpnEvent(msgspec.Struct, frozen=True, tag="vpn"):
    """Something worth a line.

    what: started, met, rotated, waiting, refused, failed, closed, lost. epsilon, origin: of the key, for rotated.
    count: rotations so far.
    """

    vpn: str
    role: str
    what: str
    key_id: str = ""
    text: str = ""
    epsilon: float | None = None
    origin: str = ""
    count: int = 0


Report = Callable[[VpnEvent], None]
S = TypeVar("S")
Step = Callable[[S, vpn.Event, int, Policy], tuple[S, tuple[vpn.Order, ...]]]
DaemonOrder = vpn.Load | vpn.Use | vpn.Follow | vpn.Forget | vpn.Keep | vpn.Close


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a key says of itself, for the report."""

    epsilon: float | None
    origin: str


class VpnAgent:
    """One end. kind: `ipsec` or `wireguard`, which daemon is of."""

    def __init__(
        self, kind: str, configuration: VpnConfiguration, keys: KeySource, daemon: Daemon, report: Report
    ) -> None:
        self._kind, self._configuration, self._keys, self._daemon = kind, configuration, keys, daemon
        self._name, self._role = configuration.vpn.name, configuration.vpn.role
        self._report = report
        self._count = 0
        self._last_text = ""

    async def run(self) -> None:
        """Key the VPN until cancelled. A daemon that goes away is waited for, and all begins anew.

        Raises ParameterError for what no waiting mends.
        """
        try:
            while True:
                try:
                    await self._daemon.start()
                    await self._live()
                except (ConnectionError, PeerError) as error:
                    self._tell("lost", text=str(error))
                except BaseExceptionGroup as group:
                    gone, other = group.split(ConnectionError)
                    if other is not None or gone is None:
                        raise _first(other or group) from None
                    self._tell("lost", text=str(_first(gone)))
                await asyncio.sleep(_DAEMON_PAUSE_S)
        finally:
            with contextlib.suppress(ConnectionError, PeerError):
                await self._daemon.stop()

    async def _live(self) -> None:
        """One life, with a fresh memory: until the daemon goes away."""
        self._events: asyncio.Queue[vpn.Event] = asyncio.Queue()
        self._orders: asyncio.Queue[DaemonOrder] = asyncio.Queue()
        self._fetched: dict[UUID, TunnelSecret] = {}
        self._origins: dict[UUID, _Origin] = {}
        self._deaf = False
        control = self._configuration.control
        files = TlsFiles(control.certificate, control.private_key, control.authority)
        self._link = VpnLink(
            files, control.peer, self._events.put_nowait, lambda text: self._tell("waiting", text=text)
        )
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                if self._role is Role.INITIATOR:
                    group.create_task(self._link.connect(control.connect or ""))
                    initiator = vpn_initiator.Initiator(self._name, self._kind)
                    group.create_task(self._decide(initiator, vpn_initiator.step))
                else:
                    group.create_task(self._link.listen(control.listen or ""))
                    responder = vpn_responder.Responder(self._name, self._kind)
                    group.create_task(self._decide(responder, vpn_responder.step))
                group.create_task(self._command())
                group.create_task(self._tick())
                self._tell("started")
        finally:
            self._link.hang_up()
            for secret in self._fetched.values():
                secret.wipe()

    async def _decide(self, state: S, step: Step[S]) -> None:
        while True:
            event = await self._next()
            try:
                state, orders = step(state, event, time.monotonic_ns(), self._configuration.policy)
            except PeerError as error:
                orders = (vpn.HangUp(str(error)),)
            self._carry_out(orders)

    async def _next(self) -> vpn.Event:
        """The next event; what was still said on a connection that we have hung up is not heard."""
        while True:
            event = await self._events.get()
            if isinstance(event, (vpn.Lost, vpn.Connected)):
                self._deaf = False
            if not (self._deaf and isinstance(event, vpn.Heard)):
                return event

    def _carry_out(self, orders: tuple[vpn.Order, ...]) -> None:
        for order in orders:
            match order:
                case vpn.Fetch(key_id):
                    self._group.create_task(self._fetch(key_id))
                case vpn.Say(message):
                    self._link.say(message)
                case vpn.HangUp(text):
                    self._tell("failed", text=text)
                    self._deaf = True
                    self._link.hang_up()
                case vpn.Tell(kind, key_id, text):
                    self._tell(kind, key_id, text)
                case _:
                    self._orders.put_nowait(order)

    async def _fetch(self, key_id: UUID | None) -> None:
        """Ask the key manager. A key that the initiator has just taken may need a moment to reach the responder's."""
        peer = self._configuration.kme.peer_sae
        for attempt in range(_FETCH_TRIES):
            try:
                key = await (self._keys.enc_key(peer) if key_id is None else self._keys.dec_key(peer, key_id))
                self._take(key)
                return
            except HarisError as error:
                retry_s = float(error.retry_after_s) if isinstance(error, KeyUnavailable) else 0.0
                failed = vpn.NotFetched(str(error), retry_s, key_id)
            if key_id is None:
                break
            if attempt + 1 < _FETCH_TRIES:
                await asyncio.sleep(_FETCH_PAUSE_S)
        self._events.put_nowait(failed)

    def _take(self, key: DeliveredKey) -> None:
        if key.key_id in self._origins:
            raise PeerError(f"the key manager gave the key {key.key_id} a second time")
        self._fetched[key.key_id] = secret = tunnel_secret(key.secret, self._name, key.key_id)
        self._origins[key.key_id] = _Origin(key.pedigree.epsilon, key.pedigree.origin)
        self._events.put_nowait(vpn.Fetched(key.key_id, secret.proofs))

    async def _command(self) -> None:
        """Carry out the daemon's orders, one after the other."""
        while True:
            order = await self._orders.get()
            try:
                await self._order_daemon(order)
            except PeerError as error:
                if isinstance(order, (vpn.Load, vpn.Use, vpn.Follow)):
                    self._events.put_nowait(vpn.Failed(order.key_id, str(error)))
                else:
                    self._tell("failed", text=str(error))
                continue
            if isinstance(order, (vpn.Load, vpn.Use, vpn.Follow)):
                self._events.put_nowait(vpn.Done(order.key_id))

    async def _order_daemon(self, order: DaemonOrder) -> None:
        match order:
            case vpn.Load(key_id):
                await self._daemon.load(key_id, self._fetched.pop(key_id))
            case vpn.Use(key_id):
                await self._daemon.use(key_id)
            case vpn.Follow(key_id):
                await self._daemon.follow(key_id)
            case vpn.Forget(key_id):
                if secret := self._fetched.pop(key_id, None):
                    secret.wipe()
                await self._daemon.forget(key_id)
            case vpn.Keep(key_id):
                await self._daemon.keep(key_id)
                self._origins = {k: origin for k, origin in self._origins.items() if k == key_id}
            case vpn.Close():
                await self._daemon.close()

    async def _tick(self) -> None:
        checked = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            self._events.put_nowait(vpn.Tick())
            if time.monotonic() - checked >= _CHECK_S and self._orders.empty():
                if not await self._daemon.carries():
                    self._events.put_nowait(vpn.Vanished())
                checked = time.monotonic()

    def _tell(self, what: str, key_id: UUID | None = None, text: str = "") -> None:
        if what == "waiting" and text == self._last_text:
            return  # said once
        self._last_text = text if what == "waiting" else ""
        origin = self._origins.get(key_id) if key_id and what == "rotated" else None
        self._count += what == "rotated"
        self._report(
            VpnEvent(
                self._name,
                self._role,
                what,
                str(key_id or ""),
                text,
                origin.epsilon if origin else None,
                origin.origin if origin else "",
                self._count,
            )
        )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
