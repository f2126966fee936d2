"""Orders from a FIX 4.4 log: one message a line, SOH or | between its fields, with or without a time stamp in front."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.errors import ParameterError, PeerError
from haris.wire.fix import HEADER_TAGS, SOH, Field, FixMessage, FixReader

NEW_ORDER_SINGLE = "D"
_LIMIT = "2"
_REQUIRED = {11: "ClOrdID", 54: "Side", 55: "Symbol", 38: "OrderQty", 40: "OrdType", 60: "TransactTime"}


@dataclass(frozen=True, slots=True)
class Order:
    """A NewOrderSingle without its session: every field that another session must not change, in order."""

    cl_ord_id: str
    fields: tuple[Field, ...]


def read_orders(log: bytes) -> tuple[Order, ...]:
    """The NewOrderSingle messages of a log, in order; messages of other types and lines without any are passed over.

    Raises ParameterError with the line's number on a message that is torn, has a wrong BodyLength or CheckSum, lacks
    a required tag, or repeats a ClOrdID; and when there is no order at all.
    """
    orders: dict[str, Order] = {}
    for number, line in enumerate(log.splitlines(), 1):
        try:
            message = _message(line)
            if message is None or message.text(35) != NEW_ORDER_SINGLE:
                continue
            order = order_of(message)
        except PeerError as error:
            raise ParameterError(f"line {number}: {error}") from None
        if order.cl_ord_id in orders:
            raise ParameterError(f"line {number}: ClOrdID {order.cl_ord_id!r} has come before")
        orders[order.cl_ord_id] = order
    if not orders:
        raise ParameterError("the log holds no FIX 4.4 NewOrderSingle (35=D)")
    return tuple(orders.values())


def order_of(message: FixMessage) -> Order:
    """The order in a NewOrderSingle. Raises PeerError when a required tag is missing or makes no sense."""
    for tag, name in _REQUIRED.items():
        if not message.get(tag):
            raise PeerError(f"an order without {name} ({tag})")
    if message.get(40) == _LIMIT and not message.get(44):
        raise PeerError("a limit order without Price (44)")
    kept = tuple((tag, value) for tag, value in message.fields if tag not in HEADER_TAGS and tag != 10)
    return Order(message.text(11), kept)


def _message(line: bytes) -> FixMessage | None:
    start = line.find(b"8=FIX")
    if start < 0:
        if b"35=" in line:
            raise PeerError("a FIX message without its beginning, 8=FIX.4.4")
        return None
    octets = line[start:].rstrip()
    if SOH not in octets:
        octets = octets.replace(b"|", SOH)
    if not octets.endswith(SOH):
        octets += SOH
    reader = FixReader()
    messages = reader.feed(octets)
    if len(messages) != 1 or not reader.empty:
        raise PeerError("the line is not one whole FIX message: its BodyLength does not fit")
    return messages[0]
