"""A FIX 4.4 session that outlives its connections: bytes in, bytes out (FIX 4.4, volume 2).

Sequence numbers go on after a reconnection. What the other side missed is sent again with PossDupFlag and its old
number when it asks (ResendRequest); messages of the session itself are skipped by SequenceReset-GapFill.
"""

from __future__ import annotations

from collections import OrderedDict

from haris.nouns.errors import ParameterError, PeerError
from haris.wire.fix import Field, FixMessage, FixReader, utc_timestamp, write_message

HEARTBEAT, TEST_REQUEST, RESEND_REQUEST, REJECT, SEQUENCE_RESET, LOGOUT, LOGON = "0", "1", "2", "3", "4", "5", "A"
KEPT_MESSAGES = 10_000
_NS = 10**9


class FixSession:
    """What an initiator and an acceptor share. Times are the wall clock's, in nanoseconds since 1970.

    sender, target: CompIDs of this end and the other. heartbeat_s: silence after which a Heartbeat is sent.
    """

    def __init__(self, sender: str, target: str, heartbeat_s: int = 30) -> None:
        if not (sender and target and heartbeat_s > 0):
            raise ParameterError("a FIX session needs two CompIDs and a heartbeat above 0 seconds")
        self.logged_on = False
        self.ended = False  # both have said Logout
        self.heartbeat_s = heartbeat_s
        self._sender, self._target = sender.encode(), target.encode()
        self._out_seq = 1
        self._in_seq = 1
        self._asked_from = 0
        self._sent: OrderedDict[int, tuple[str, tuple[Field, ...], bytes]] = OrderedDict()
        self._connected(0)

    def receive(self, octets: bytes, now_ns: int) -> list[FixMessage]:
        """Take octets; return the application's messages among them. PeerError: the connection must be dropped."""
        self._last_in_ns, self._tested = now_ns, False
        return [message for message in self._reader.feed(octets) if self._admit(message, now_ns)]

    def outgoing(self) -> bytes:
        """Octets for the wire."""
        octets = bytes(self._out)
        self._out.clear()
        return octets

    def tick(self, now_ns: int) -> None:
        """Keep the session alive; PeerError when the other side has fallen silent. Call about once a second."""
        if not self.logged_on:
            return
        silence_ns, interval_ns = now_ns - self._last_in_ns, self.heartbeat_s * _NS
        if silence_ns > 2.4 * interval_ns:
            raise PeerError(f"the other side has been silent for {silence_ns // _NS} s")
        if silence_ns > 1.2 * interval_ns and not self._tested:
            self._tested = True
            self._send(TEST_REQUEST, [(112, utc_timestamp(now_ns))], now_ns)
        if now_ns - self._last_out_ns >= interval_ns:
            self._send(HEARTBEAT, [], now_ns)

    def logout(self, now_ns: int, text: str = "") -> None:
        """Ask to end the session."""
        self._leaving = True
        self._send(LOGOUT, [(58, text.encode())] if text else [], now_ns)

    def _restart(self) -> None:
        """Begin to count at 1 again, in both directions."""
        self._in_seq = self._out_seq = 1
        self._sent.clear()

    def _connected(self, now_ns: int) -> None:
        """A new TCP connection: what the old one left half-read or unsent is gone."""
        self._reader, self._out = FixReader(), bytearray()
        self._last_in_ns = self._last_out_ns = now_ns
        self._tested = self._leaving = self.logged_on = self.ended = False
        self._asked_from = 0

    def _send(self, kind: str, fields: list[Field], now_ns: int) -> int:
        """Send a message under the next number, which is returned; the application's are kept for a resend."""
        sequence, time = self._out_seq, utc_timestamp(now_ns)
        self._out_seq += 1
        if kind not in (HEARTBEAT, TEST_REQUEST, RESEND_REQUEST, REJECT, SEQUENCE_RESET, LOGOUT, LOGON):
            self._sent[sequence] = kind, tuple(fields), time
            if len(self._sent) > KEPT_MESSAGES:
                self._sent.popitem(last=False)
        self._write(kind, sequence, [(52, time)], fields, now_ns)
        return sequence

    def _resend(self, sequence: int, now_ns: int) -> None:
        """Send a kept message again, under its old number."""
        kind, fields, first_time = self._sent[sequence]
        header = [(43, b"Y"), (52, utc_timestamp(now_ns)), (122, first_time)]
        self._write(kind, sequence, header, fields, now_ns)

    def _write(
        self, kind: str, sequence: int, header: list[Field], fields: list[Field] | tuple[Field, ...], now_ns: int
    ) -> None:
        names = [(35, kind.encode()), (49, self._sender), (56, self._target), (34, str(sequence).encode())]
        self._out += write_message([*names, *header, *fields])
        self._last_out_ns = now_ns

    def _admit(self, message: FixMessage, now_ns: int) -> bool:
        """Check a message's place in the session, and serve it if it is the session's own."""
        kind, sequence = message.text(35), message.number(34)
        if (message.text(49), message.text(56)) != (self._target.decode(), self._sender.decode()):
            raise PeerError(f"a FIX message from {message.text(49)!r} to {message.text(56)!r} is not of this session")
        if not self.logged_on and kind != LOGON:
            raise PeerError(f"the first FIX message is of type {kind}, not a Logon")
        if kind == LOGON:
            self._log_on(message, now_ns)
        if sequence > self._in_seq:
            self._ask_for_missing(now_ns)
            if kind == RESEND_REQUEST:
                self._serve_resend(message, now_ns)
            return False
        if sequence == self._in_seq:
            self._in_seq += 1
        elif message.get(43) != "Y":
            raise PeerError(f"MsgSeqNum {sequence} is below {self._in_seq} without PossDupFlag")
        return self._serve(kind, message, now_ns)

    def _serve(self, kind: str, message: FixMessage, now_ns: int) -> bool:
        """True if the message is the application's."""
        if kind == TEST_REQUEST:
            self._send(HEARTBEAT, [(112, message.text(112).encode("latin-1"))], now_ns)
        elif kind == RESEND_REQUEST:
            self._serve_resend(message, now_ns)
        elif kind == SEQUENCE_RESET:
            self._in_seq = max(self._in_seq, message.number(36))
        elif kind == LOGOUT:
            if not self._leaving:
                self.logout(now_ns)
            self.logged_on, self.ended = False, True
        return kind not in (HEARTBEAT, TEST_REQUEST, RESEND_REQUEST, SEQUENCE_RESET, LOGOUT, LOGON)

    def _log_on(self, message: FixMessage, now_ns: int) -> None:
        if message.text(98) != "0":
            raise PeerError("EncryptMethod must be 0: the tunnel protects the session")
        self.logged_on = True

    def _ask_for_missing(self, now_ns: int) -> None:
        if self._asked_from != self._in_seq:
            self._asked_from = self._in_seq
            self._send(RESEND_REQUEST, [(7, str(self._in_seq).encode()), (16, b"0")], now_ns)

    def _serve_resend(self, message: FixMessage, now_ns: int) -> None:
        last = message.number(16) or self._out_seq - 1
        sequence, last = max(message.number(7), 1), min(last, self._out_seq - 1)
        while sequence <= last:
            if sequence in self._sent:
                self._resend(sequence, now_ns)
                sequence += 1
                continue
            after = next((s for s in range(sequence, last + 1) if s in self._sent), last + 1)
            header: list[Field] = [(43, b"Y"), (52, utc_timestamp(now_ns))]
            fill: list[Field] = [(123, b"Y"), (36, str(after).encode())]
            self._write(SEQUENCE_RESET, sequence, header, fill, now_ns)
            sequence = after
