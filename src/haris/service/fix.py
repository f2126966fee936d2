"""The two ends of an order's way: who sends it and who fills it (FIX 4.4, volumes 2 and 4). Bytes in, bytes out."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.errors import ParameterError, PeerError
from haris.service.fix_orders import NEW_ORDER_SINGLE, Order, order_of
from haris.service.fix_session import LOGON, REJECT, FixSession
from haris.wire.fix import Field, FixMessage, utc_timestamp

EXECUTION_REPORT = "8"
FILLED, REJECTED = "2", "8"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What became of an order. status: OrdStatus (39). round_trip_ns: since it was first sent."""

    cl_ord_id: str
    status: str
    exec_id: str
    round_trip_ns: int


class Initiator(FixSession):
    """Sends orders and matches the reports. It outlives connections: call connect() after each one is made."""

    def __init__(self, sender: str, target: str, heartbeat_s: int = 30) -> None:
        super().__init__(sender, target, heartbeat_s)
        self._open: dict[str, tuple[int, int]] = {}  # ClOrdID: sequence number, first sent
        self._seen: set[str] = set()

    def connect(self, now_ns: int) -> None:
        """Log on over a new connection; once the other side has, unconfirmed orders are sent again by themselves."""
        self._connected(now_ns)
        reset: list[Field] = []
        if self._in_seq == 1:  # nobody has answered yet: the other side may remember an earlier run of ours
            self._restart()
            reset = [(141, b"Y")]
        self._send(LOGON, [(98, b"0"), (108, str(self.heartbeat_s).encode()), *reset], now_ns)

    def send_order(self, order: Order, now_ns: int) -> None:
        """Send an order. Raises ParameterError when its ClOrdID was used before, or nobody is logged on."""
        if not self.logged_on:
            raise ParameterError("an order cannot be sent before the Logon is answered")
        if order.cl_ord_id in self._seen:
            raise ParameterError(f"ClOrdID {order.cl_ord_id!r} has been sent before")
        self._seen.add(order.cl_ord_id)
        self._open[order.cl_ord_id] = self._send(NEW_ORDER_SINGLE, list(order.fields), now_ns), now_ns

    def confirmations(self, octets: bytes, now_ns: int) -> list[Confirmation]:
        """Take octets; return the orders that they confirm or reject, each once however often it is reported."""
        confirmed = (self._confirmation(message, now_ns) for message in self.receive(octets, now_ns))
        return [confirmation for confirmation in confirmed if confirmation is not None]

    @property
    def unconfirmed(self) -> int:
        """Orders that were sent and not yet answered."""
        return len(self._open)

    def _log_on(self, message: FixMessage, now_ns: int) -> None:
        super()._log_on(message, now_ns)
        for sequence, _ in self._open.values():
            if sequence in self._sent:
                self._resend(sequence, now_ns)

    def _confirmation(self, message: FixMessage, now_ns: int) -> Confirmation | None:
        kind = message.text(35)
        if kind == EXECUTION_REPORT:
            cl_ord_id, status, exec_id = message.text(11), message.text(39), message.text(17)
            if cl_ord_id not in self._seen:
                raise PeerError(f"a report on an order that was never sent: {cl_ord_id[:32]!r}")
        elif kind == REJECT:
            refused = message.number(45)
            cl_ord_id = next((name for name, (sequence, _) in self._open.items() if sequence == refused), "")
            status, exec_id = REJECTED, ""
        else:
            raise PeerError(f"an initiator of orders has no use for a FIX message of type {kind[:8]!r}")
        if cl_ord_id not in self._open:
            return None
        _, sent_ns = self._open.pop(cl_ord_id)
        return Confirmation(cl_ord_id, status, exec_id, now_ns - sent_ns)


class Acceptor(FixSession):
    """Fills every order at its limit, or at market_price. A ClOrdID that it knows is answered as before."""

    def __init__(self, sender: str, target: str, heartbeat_s: int = 30, market_price: str = "100.00") -> None:
        super().__init__(sender, target, heartbeat_s)
        self._market_price = market_price
        self._reports: dict[str, list[Field]] = {}

    def connect(self, now_ns: int) -> None:
        """A new connection has come in; the initiator speaks first."""
        self._connected(now_ns)

    def serve(self, octets: bytes, now_ns: int) -> list[str]:
        """Take octets and answer; return the ClOrdIDs that were filled for the first time."""
        filled = []
        for message in self.receive(octets, now_ns):
            cl_ord_id = self._answer(message, now_ns)
            if cl_ord_id:
                filled.append(cl_ord_id)
        return filled

    def _log_on(self, message: FixMessage, now_ns: int) -> None:
        if self.logged_on:
            raise PeerError("a second Logon on one connection")
        super()._log_on(message, now_ns)
        self.heartbeat_s = max(message.number(108), 1)
        reset: list[Field] = []
        if message.get(141) == "Y":
            self._restart()
            reset = [(141, b"Y")]
        self._send(LOGON, [(98, b"0"), (108, str(self.heartbeat_s).encode()), *reset], now_ns)

    def _answer(self, message: FixMessage, now_ns: int) -> str | None:
        if message.text(35) != NEW_ORDER_SINGLE:
            self._reject(message, "only NewOrderSingle is served here", now_ns)
            return None
        try:
            order = order_of(message)
        except PeerError as error:
            self._reject(message, str(error), now_ns)
            return None
        known = order.cl_ord_id in self._reports
        if not known:
            self._reports[order.cl_ord_id] = self._fill(message, now_ns)
        again: list[Field] = [(97, b"Y")] if known else []  # PossResend: the same report under a new number
        self._send(EXECUTION_REPORT, again + self._reports[order.cl_ord_id], now_ns)
        return None if known else order.cl_ord_id

    def _fill(self, message: FixMessage, now_ns: int) -> list[Field]:
        number = str(len(self._reports) + 1)
        quantity, price = message.text(38), message.get(44) or self._market_price
        report = {
            37: f"O{number}",
            11: message.text(11),
            17: f"E{number}",
            150: "F",
            39: FILLED,
            55: message.text(55),
            54: message.text(54),
            38: quantity,
            32: quantity,
            31: price,
            151: "0",
            14: quantity,
            6: price,
        }
        return [*((tag, value.encode("latin-1")) for tag, value in report.items()), (60, utc_timestamp(now_ns))]

    def _reject(self, message: FixMessage, text: str, now_ns: int) -> None:
        self._send(REJECT, [(45, message.text(34).encode()), (58, text.encode())], now_ns)
