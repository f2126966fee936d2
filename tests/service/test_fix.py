"""Initiator and acceptor back to back, through an honest, a lossy and a tampering connection."""

from pathlib import Path

import pytest
import simplefix
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, PeerError
from haris.service.fix import Acceptor, Initiator
from haris.service.fix_orders import read_orders
from haris.wire.fix import write_message

LOG = (Path(__file__).parents[2] / "examples" / "orders.fix").read_bytes()
ORDERS = read_orders(LOG)
S = 10**9


def logged_on() -> tuple[Initiator, Acceptor]:
    initiator, acceptor = Initiator("BANK", "EXCHANGE"), Acceptor("EXCHANGE", "BANK")
    reconnect(initiator, acceptor, 0)
    return initiator, acceptor


def reconnect(initiator: Initiator, acceptor: Acceptor, now_ns: int) -> list:
    initiator.connect(now_ns)
    acceptor.connect(now_ns)
    return settle(initiator, acceptor, now_ns)


def settle(initiator: Initiator, acceptor: Acceptor, now_ns: int) -> list:
    confirmed = []
    for _ in range(6):
        acceptor.serve(initiator.outgoing(), now_ns)
        confirmed += initiator.confirmations(acceptor.outgoing(), now_ns)
    return confirmed


def fields(octets: bytes) -> list[dict[int, str]]:
    """Independent reading of what is on the wire, by simplefix alone."""
    parser = simplefix.FixParser()
    parser.append_buffer(octets)
    messages = []
    while (message := parser.get_message()) is not None:
        messages.append({int(tag): value.decode() for tag, value in message.pairs})
    return messages


def test_the_example_is_a_hundred_orders():
    assert len(ORDERS) == 100
    assert len({order.cl_ord_id for order in ORDERS}) == 100


def test_every_order_is_confirmed_with_its_round_trip():
    initiator, acceptor = logged_on()
    for i, order in enumerate(ORDERS):
        initiator.send_order(order, i * S)
    confirmed = settle(initiator, acceptor, 200 * S)
    assert [c.cl_ord_id for c in confirmed] == [order.cl_ord_id for order in ORDERS]
    assert {c.status for c in confirmed} == {"2"}
    assert len({c.exec_id for c in confirmed}) == 100
    assert [c.round_trip_ns for c in confirmed] == [(200 - i) * S for i in range(100)]
    assert initiator.unconfirmed == 0


def test_an_order_is_re_sessioned_and_otherwise_unchanged():
    initiator, _ = logged_on()
    initiator.send_order(ORDERS[0], 1_772_442_000_123_456_789)
    (sent,) = fields(initiator.outgoing())
    assert (sent[49], sent[56], sent[34], sent[52]) == ("BANK", "EXCHANGE", "2", "20260302-09:00:00.123")
    original = fields(LOG.splitlines()[0].replace(b"|", b"\x01"))[0]
    own = {8, 9, 10, 34, 49, 52, 56}
    assert {t: v for t, v in sent.items() if t not in own} == {t: v for t, v in original.items() if t not in own}


def test_after_a_reconnection_unconfirmed_orders_are_sent_again_and_filled_once():
    initiator, acceptor = logged_on()
    initiator.send_order(ORDERS[0], S)
    initiator.send_order(ORDERS[1], S)
    acceptor.serve(initiator.outgoing(), S)
    acceptor.outgoing()  # the reports are lost with the connection
    initiator.send_order(ORDERS[2], S)
    initiator.outgoing()  # and so is this order
    initiator.connect(9 * S)
    acceptor.connect(9 * S)
    acceptor.serve(initiator.outgoing(), 9 * S)
    initiator.confirmations(acceptor.outgoing(), 9 * S)
    again = [m for m in fields(initiator.outgoing()) if m[35] == "D"]
    assert {m[11] for m in again} == {order.cl_ord_id for order in ORDERS[:3]}
    assert all(m[43] == "Y" and 122 in m for m in again)
    initiator.connect(10 * S)
    acceptor.connect(10 * S)
    confirmed = settle(initiator, acceptor, 10 * S)
    assert sorted(c.cl_ord_id for c in confirmed) == [order.cl_ord_id for order in ORDERS[:3]]
    assert len({c.exec_id for c in confirmed}) == 3
    assert len(acceptor._reports) == 3


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4000), st.integers(0, 4000)), max_size=8))
def test_no_loss_of_a_connection_loses_or_doubles_an_order(script):
    """Each step sends some orders, passes only the first octets in each direction, and reconnects."""
    initiator, acceptor = logged_on()
    waiting, confirmed, now_ns = list(ORDERS), [], 0
    for n_orders, there, back in script:
        for _ in range(n_orders if initiator.logged_on else 0):
            initiator.send_order(waiting.pop(0), now_ns)
        acceptor.serve(initiator.outgoing()[:there], now_ns)
        confirmed += initiator.confirmations(acceptor.outgoing()[:back], now_ns)
        now_ns += S
        initiator.connect(now_ns)
        acceptor.connect(now_ns)
    confirmed += reconnect(initiator, acceptor, now_ns)
    sent = ORDERS[: len(ORDERS) - len(waiting)]
    assert sorted(c.cl_ord_id for c in confirmed) == [order.cl_ord_id for order in sent]
    assert len(acceptor._reports) == len(sent)
    assert initiator.unconfirmed == 0


def test_a_new_run_of_the_initiator_meets_an_acceptor_that_remembers_the_old_one():
    initiator, acceptor = logged_on()
    initiator.send_order(ORDERS[0], S)
    settle(initiator, acceptor, S)
    fresh = Initiator("BANK", "EXCHANGE")
    reconnect(fresh, acceptor, 2 * S)
    fresh.send_order(ORDERS[0], 3 * S)
    (confirmation,) = settle(fresh, acceptor, 3 * S)
    assert confirmation.exec_id == "E1"  # a known ClOrdID is answered as before


def test_heartbeats_and_test_requests_keep_the_session():
    initiator, acceptor = logged_on()
    initiator.tick(29 * S)
    assert initiator.outgoing() == b""
    initiator.tick(37 * S)
    assert [m[35] for m in fields(initiator.outgoing())] == ["1"]
    initiator.tick(68 * S)
    assert [m[35] for m in fields(initiator.outgoing())] == ["0"]
    with pytest.raises(PeerError, match="silent"):
        initiator.tick(73 * S)
    acceptor.receive(write_message([(35, b"1"), (49, b"BANK"), (56, b"EXCHANGE"), (34, b"2"), (112, b"ping")]), S)
    (answer,) = fields(acceptor.outgoing())
    assert (answer[35], answer[112]) == ("0", "ping")


def test_logout_is_answered():
    initiator, acceptor = logged_on()
    initiator.logout(S, "done")
    settle(initiator, acceptor, S)
    assert initiator.ended
    assert acceptor.ended
    with pytest.raises(ParameterError, match="Logon"):
        initiator.send_order(ORDERS[0], S)


def message(*changes: tuple[int, bytes], kind: bytes = b"D", sequence: bytes = b"2") -> bytes:
    base = {35: kind, 49: b"BANK", 56: b"EXCHANGE", 34: sequence, 52: b"20260302-09:00:00.000", **dict(changes)}
    return write_message(list(base.items()))


@pytest.mark.parametrize(
    "octets",
    [
        message((49, b"EVE")),
        message(sequence=b"1"),
        message(sequence=b"x"),
        message(kind=b"A"),
        message()[:-2] + b"9\x01" + message(),
        b"8=FIX.4.2\x019=5\x0135=0\x0110=000\x01",
    ],
)
def test_a_peer_that_breaks_the_session_is_refused(octets):
    _, acceptor = logged_on()
    with pytest.raises(PeerError):
        acceptor.serve(octets, S)


def test_the_first_message_is_a_logon():
    acceptor = Acceptor("EXCHANGE", "BANK")
    acceptor.connect(0)
    with pytest.raises(PeerError, match="not a Logon"):
        acceptor.serve(message(sequence=b"1"), 0)


def test_a_senseless_order_is_rejected_and_the_session_lives():
    initiator, acceptor = logged_on()
    broken = type(ORDERS[0])("broken", ((11, b"broken"), (55, b"SAP")))
    initiator.send_order(broken, S)
    initiator.send_order(ORDERS[0], S)
    confirmed = settle(initiator, acceptor, S)
    assert [(c.cl_ord_id, c.status) for c in confirmed] == [("broken", "8"), (ORDERS[0].cl_ord_id, "2")]


def test_a_report_on_an_unknown_order_is_refused():
    initiator, _ = logged_on()
    octets = message((49, b"EXCHANGE"), (56, b"BANK"), (11, b"no"), (39, b"2"), (17, b"E"), kind=b"8")
    with pytest.raises(PeerError, match="never sent"):
        initiator.confirmations(octets, S)


def test_a_log_may_have_time_stamps_soh_other_messages_and_blank_lines():
    first = LOG.splitlines()[0]
    heartbeat = message(kind=b"0")
    lines = [b"# session of 2 March", b"", b"2026-03-02 09:00:00,123 OUT " + heartbeat, b"09:00:01 > " + first]
    assert read_orders(b"\r\n".join(lines)) == ORDERS[:1]
    assert read_orders(first.replace(b"|", b"\x01")) == ORDERS[:1]


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda line: line.replace(b"SIE", b"SAP"), "CheckSum"),
        (lambda line: line[:-20], "line 2"),
        (lambda line: line + b"x=1|", "must begin"),
        (lambda line: line.replace(b"FIX.4.4", b"FIX.4.2"), r"FIX\.4\.4"),
        (lambda line: line[line.index(b"35=") :], "beginning"),
        (lambda line: LOG.splitlines()[0], "has come before"),
        (lambda line: message((11, b"x"), (55, b"SAP")), "without Side"),
        (lambda line: message((11, b"x"), (55, b"S"), (54, b"1"), (38, b"5"), (40, b"2"), (60, b"t")), "Price"),
    ],
)
def test_a_bad_line_is_named(damage, text):
    lines = LOG.splitlines()
    lines[1] = damage(lines[1])
    with pytest.raises(ParameterError, match=text) as caught:
        read_orders(b"\n".join(lines))
    assert "line 2" in str(caught.value)


def test_a_log_without_orders_is_said():
    with pytest.raises(ParameterError, match="no FIX"):
        read_orders(b"nothing here\n")
