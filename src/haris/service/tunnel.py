"""One protected TCP stream over its epochs: what goes out under which key, and when it must wait.

The connector makes the next epoch before the old one is left. Each end then says SWITCH as its last word on the old
connection and goes on in the new one. What arrives early in the new one is held until the old one's SWITCH, so that
octets are neither lost, doubled nor reordered. An overdue key carries nothing: octets wait until the next epoch.
A KeyUpdate of TLS is no rekey: it brings in no new secret.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError, PeerError
from haris.service.framing import MAX_DATA_OCTETS, Close, Data, Frame, Rekey, Switch
from haris.service.tls_psk import Role

HELD_OCTETS = 1 << 18
QUEUE_OCTETS = 1 << 18


@dataclass(frozen=True, slots=True)
class RekeyPolicy:
    """How much one key may protect: max_bytes of the application in each direction, for max_seconds.

    Both are hard: nothing goes out beyond them. lead: share of either at which the next epoch is begun.
    """

    max_bytes: int = 1 << 30
    max_seconds: float = 3600.0
    lead: float = 0.8

    def __post_init__(self) -> None:
        require_positive("max_bytes", self.max_bytes)
        require_positive("max_seconds", self.max_seconds)
        if not 0.0 < self.lead <= 1.0:
            raise ParameterError(f"lead must lie in (0, 1], got {self.lead}")


class Carrier(Protocol):
    """An authenticated connection, as the tunnel sees it (a Channel)."""

    key_id: UUID
    epoch: int

    def send(self, frame: Frame) -> None:
        """Queue one frame."""


@dataclass(slots=True)
class _Epoch:
    carrier: Carrier
    began_ns: int
    sent_octets: int = 0
    received_octets: int = 0
    left: bool = False  # our SWITCH is out
    peer_left: bool = False  # theirs is in
    held: deque[Frame] = field(default_factory=deque)


class Tunnel:
    """One end of a tunnel's stream. Times are a monotonic clock's, in nanoseconds.

    The shell attaches authenticated carriers, feeds their frames to receive(), calls pump() after every change and
    on a timer, and sends on what the carriers queue.
    """

    def __init__(self, role: Role, policy: RekeyPolicy) -> None:
        self.sent_octets = 0
        self.delivered_octets = 0
        self.received_all = False  # the peer's stream has ended
        self._role = role
        self._policy = policy
        self._queue = bytearray()
        self._epochs: list[_Epoch] = []  # one; two while switching
        self._closing = False
        self._closed = False
        self._asked = False

    def attach(self, carrier: Carrier, now_ns: int) -> None:
        """Take the next epoch into use: from now on everything goes out in it.

        Raises PeerError unless it is the successor of the newest epoch, with no other switch under way.
        """
        expected = self._epochs[-1].carrier.epoch + 1 if self._epochs else 0
        if carrier.epoch != expected or not self.may_attach:
            raise PeerError(f"epoch {carrier.epoch} comes out of turn, expected {expected}")
        if self._epochs:
            self._epochs[-1].carrier.send(Switch(self.sent_octets))
            self._epochs[-1].left = True
        self._epochs.append(_Epoch(carrier, now_ns))
        self._asked = False

    def send(self, octets: bytes) -> None:
        """Queue the application's octets."""
        if self._closing:
            raise ParameterError("the stream has been closed")
        self._queue += octets

    def close_send(self) -> None:
        """End our direction once the queue is empty; the other goes on."""
        self._closing = True

    def pump(self, now_ns: int) -> None:
        """Send of the queue what the newest key may carry, and what follows from it."""
        if not self._epochs:
            return
        newest = self._epochs[-1]
        n_octets = min(len(self._queue), self._budget(newest, now_ns))
        for at in range(0, n_octets, MAX_DATA_OCTETS):
            part = bytes(self._queue[at : min(at + MAX_DATA_OCTETS, n_octets)])
            newest.carrier.send(Data(self.sent_octets, part))
            newest.sent_octets += len(part)
            self.sent_octets += len(part)
        del self._queue[:n_octets]
        if self._closing and not self._queue and not self._closed:
            self._closed = True
            newest.carrier.send(Close(self.sent_octets))
        if self._role is Role.LISTENER and self.rekey_due(now_ns):
            self._asked = True
            newest.carrier.send(Rekey())

    def receive(self, epoch: int, frames: list[Frame]) -> bytes:
        """Take an epoch's frames; return the octets that they deliver to the application, in order.

        Raises PeerError on a gap, a repetition, or a frame that has no place.
        """
        self._epochs[self._find(epoch)].held.extend(frames)
        delivered: list[bytes] = []
        for current in self._epochs:
            while current.held:
                self._take(current, current.held.popleft(), delivered)
            if not current.peer_left:
                break  # what follows is held until the peer has left this one
        return b"".join(delivered)

    def retire(self) -> list[Carrier]:
        """The carriers that both ends have left: to be closed."""
        left = [e for e in self._epochs if e.left and e.peer_left]
        self._epochs = [e for e in self._epochs if e not in left]
        return [e.carrier for e in left]

    def rekey_due(self, now_ns: int) -> bool:
        """It is time to begin the next epoch (for a listener: to ask for it, once)."""
        if len(self._epochs) != 1 or self.finished:
            return False
        if self._asked:
            return self._role is Role.CONNECTOR
        newest = self._epochs[0]
        most_octets = max(newest.sent_octets, newest.received_octets)
        idle = most_octets == 0 and not self._queue  # an idle stream spends no keys
        aged = now_ns - newest.began_ns >= self._policy.lead * self._policy.max_seconds * 1e9
        return most_octets >= self._policy.lead * self._policy.max_bytes or (aged and not idle)

    def may_read(self, epoch: int) -> bool:
        """Whether the shell should read this epoch's connection: what is held early stays bounded."""
        return sum(len(f.octets) for f in self._epochs[self._find(epoch)].held if isinstance(f, Data)) < HELD_OCTETS

    def overdue(self, now_ns: int) -> bool:
        """Octets wait because the newest key may carry no more."""
        return bool(self._queue) and (not self._epochs or self._budget(self._epochs[-1], now_ns) == 0)

    @property
    def may_attach(self) -> bool:
        """No switch is under way: the next epoch may begin."""
        return len(self._epochs) < 2

    @property
    def may_send(self) -> bool:
        """The queue has room: the shell may read from the application."""
        return len(self._queue) < QUEUE_OCTETS

    @property
    def finished(self) -> bool:
        """Both streams have ended and everything is on its way."""
        return self._closed and self.received_all

    @property
    def epoch(self) -> int:
        """Number of the newest epoch; -1 before the first."""
        return self._epochs[-1].carrier.epoch if self._epochs else -1

    def _budget(self, epoch: _Epoch, now_ns: int) -> int:
        if now_ns - epoch.began_ns >= self._policy.max_seconds * 1e9:
            return 0
        return self._policy.max_bytes - epoch.sent_octets

    def _find(self, epoch: int) -> int:
        for at, held in enumerate(self._epochs):
            if held.carrier.epoch == epoch:
                return at
        raise PeerError(f"epoch {epoch} is not in use")

    def _take(self, epoch: _Epoch, frame: Frame, delivered: list[bytes]) -> None:
        if epoch.peer_left:
            raise PeerError("a frame follows the SWITCH of its epoch")
        match frame:
            case Data(offset, octets):
                self._require_next(offset, ended=self.received_all)
                delivered.append(octets)
                epoch.received_octets += len(octets)
                self.delivered_octets += len(octets)
            case Close(offset):
                self._require_next(offset, ended=self.received_all)
                self.received_all = True
            case Switch(offset):
                self._require_next(offset, ended=False)
                epoch.peer_left = True
            case Rekey() if self._role is Role.CONNECTOR:
                self._asked = self._asked or epoch is self._epochs[-1]
            case _:
                raise PeerError(f"{type(frame).__name__} has no place in an epoch")

    def _require_next(self, offset: int, ended: bool) -> None:
        if ended or offset != self.delivered_octets:
            raise PeerError(f"a frame at octet {offset} of a stream at {self.delivered_octets}")
