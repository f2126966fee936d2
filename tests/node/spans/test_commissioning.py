"""How a span comes to its first pad: by couriers, by two people, by ML-KEM; and how the first block replaces that."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from test_span import LINK, TARGETS, Rig, connected, running

from haris.cli.main import main
from haris.crypto.ledger import span_ledgers
from haris.keys.commissioning import (
    ASSUMPTIONS,
    HALF_OCTETS,
    SECRET_OCTETS,
    Means,
    assumptions_of,
    auth_ledgers,
    checksum,
    first_pads,
    join_halves,
    standing,
)
from haris.manage.audit import read_records
from haris.node.events import AlarmEvent
from haris.node.pki.authority import make_laboratory
from haris.node.pki.credentials import signing_credentials
from haris.node.spans.commissioning import commission, make_halves, read_checksum
from haris.node.spans.span import Span
from haris.node.store.store import open_store
from haris.nouns.errors import ParameterError
from haris.wire import bootstrap as wire

AUTH = auth_ledgers("ab")


# By hand


def test_two_halves_are_a_secret_and_one_of_them_is_not(tmp_path):
    made = make_halves(tmp_path, "ab", (1, 2), ("a", "b"), os.urandom)
    assert sorted(path.name for path in made) == ["ab.1.a", "ab.1.b", "ab.2.a", "ab.2.b"]
    halves = {path.name: path.read_bytes() for path in made}
    assert halves["ab.1.a"] == halves["ab.1.b"] != halves["ab.2.a"]
    assert all(read_checksum(path) == said for path, said in made.items())
    secret = join_halves(halves["ab.1.a"], halves["ab.2.a"])
    assert len(secret) == SECRET_OCTETS
    for name in ("ab.1.a", "ab.2.a"):  # a half is independent of the secret: they differ like random octets
        bits = np.unpackbits(np.frombuffer(secret, np.uint8) ^ np.frombuffer(halves[name][:SECRET_OCTETS], np.uint8))
        assert abs(bits.mean() - 0.5) < 6 * 0.5 / np.sqrt(bits.size)  # 6 sigma: false alarm once in 5e8
    stores = [open_store(tmp_path / f"{site}.db", bytes(32), os.urandom) for site in "ab"]
    for store, site in zip(stores, "ab", strict=True):
        paths = [tmp_path / f"ab.{number}.{site}" for number in (1, 2)]
        assert commission(store, "ab", paths)
        assert not any(path.exists() for path in paths)
        assert not commission(store, "ab", paths)
        assert assumptions_of(store, "ab") == (ASSUMPTIONS[Means.TWO_PERSONS],)
    for ledger in AUTH:
        assert stores[0].ledger_take(ledger, 64).octets == stores[1].ledger_take(ledger, 64).octets
        assert stores[0].ledger_bounds(ledger) == (64, SECRET_OCTETS // 2)
    for store in stores:
        store.close()


def test_a_checksum_notices_a_change_of_any_octet_and_has_a_key_of_its_own(tmp_path):
    half = os.urandom(HALF_OCTETS)
    for at in (0, 9999, SECRET_OCTETS - 1, SECRET_OCTETS, HALF_OCTETS - 1):
        spoilt = bytearray(half)
        spoilt[at] ^= 1
        assert checksum(bytes(spoilt)) != checksum(half)
    assert len(checksum(half).split()) == 8
    other_key = half[:SECRET_OCTETS] + os.urandom(HALF_OCTETS - SECRET_OCTETS)
    assert checksum(other_key) != checksum(half)


def test_a_commission_is_on_record(tmp_path):
    make_halves(tmp_path, "ab", (1, 2), ("a", "b"), os.urandom)
    store = open_store(tmp_path / "a.db", bytes(32), os.urandom)
    for _ in range(2):  # the second time it is commissioned already
        commission(store, "ab", [tmp_path / "ab.1.a", tmp_path / "ab.2.a"])
    acts = [act for entry in store.audit_entries("node") for act in read_records(entry.body)]
    assert [(act.kind, act.who, act.subject) for act in acts] == [("commission", "haris", "ab")]
    store.close()


def test_halves_that_are_none_commission_nothing_and_burn_nothing(tmp_path):
    make_halves(tmp_path, "ab", (1,), ("a", "b"), os.urandom)
    store = open_store(tmp_path / "a.db", bytes(32), os.urandom)
    one, copy = tmp_path / "ab.1.a", tmp_path / "ab.1.b"
    short = tmp_path / "short"
    short.touch(mode=0o600)
    short.write_bytes(bytes(SECRET_OCTETS))
    for paths in ([one, copy], [one, short], [one, tmp_path / "absent"], [one], [one, copy, short]):
        with pytest.raises(ParameterError):
            commission(store, "ab", paths)
        assert one.exists()
        assert store.ledger_bounds(AUTH[0]) == (0, 0)
    store.close()


def test_the_command_makes_halves_and_reads_one_back(tmp_path, capsys):
    folder = ["--folder", str(tmp_path)]
    assert main(["link", "secret", "ab", "--site", "a", "--site", "b", "--half", "2", *folder]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3
    assert main(["link", "check", str(tmp_path / "ab.2.b")]) == 0
    assert capsys.readouterr().out.strip() == said[1].split(": ")[1]
    assert main(["link", "secret", "ab", "--site", "a", "--site", "b", *folder]) == 2  # ab.2.a is there
    assert not (tmp_path / "ab.1.a").exists()
    assert main(["link", "secret", "ab", "--site", "a", *folder]) == 2


def test_ledgers_that_begin_anew_never_go_back(tmp_path):
    store = open_store(tmp_path / "a.db", bytes(32), os.urandom)
    store.commission_span("ab", Means.ML_KEM, first_pads("ab", bytes(SECRET_OCTETS), Means.ML_KEM))
    store.ledger_take(AUTH[0], 64)
    again = first_pads("ab", b"\1" * SECRET_OCTETS, Means.COURIER)
    with pytest.raises(ParameterError, match="cannot begin anew"):
        store.commission_span("ab", Means.COURIER, again)
    starts = dict.fromkeys(AUTH, SECRET_OCTETS)
    store.commission_span("ab", Means.COURIER, again, starts)
    pad = store.ledger_take(AUTH[0], 64)
    assert (pad.offset, pad.octets) == (SECRET_OCTETS, b"\1" * 64)
    assert store.commission_of("ab").means == Means.COURIER
    store.close()


# By ML-KEM


class KemRig(Rig):
    """Two sites that were given no secret, with certificates of one authority."""

    def __init__(self, directory: Path, names=("kme-a", "kme-b"), authority: str = "pki") -> None:
        self.directory, self.link, self.events, self.stores = directory, LINK, [], {}
        self.closed: list[str] = []
        for folder in ("pki", "other"):
            make_laboratory(directory / folder, [], [], ["kme-a", "kme-b", "kme-x"], datetime.now(UTC))
        self.names, self.folders = dict(zip("ab", names, strict=True)), {"a": "pki", "b": authority}
        for site in "ab":
            self.open(site)

    def signer(self, site: str):
        folder, name = self.directory / self.folders[site], self.names[site]
        peer = "kme-b" if site == "a" else "kme-a"
        files = folder / f"{name}.mldsa.crt", folder / f"{name}.mldsa.key", folder / "mldsa-ca.crt"
        return signing_credentials(*files, peer, datetime.now(UTC))

    def span(self, site: str) -> Span:
        span = super().span(site)
        span.plan = replace(span.plan, signer=self.signer(site))
        return span


@asynccontextmanager
async def kem_rig(directory: Path, **options):
    rig = KemRig(directory, **options)
    try:
        yield rig
    finally:
        for store in rig.stores.values():
            store.close()


def both(rig: Rig, said) -> bool:
    return all(said(store) for store in rig.stores.values())


async def test_the_first_block_replaces_the_pad_and_every_key_says_how_it_began(tmp_path):
    async with kem_rig(tmp_path) as rig, running(rig):
        a, b = rig.stores["a"], rig.stores["b"]
        await rig.until(lambda: all(a.count_ready("b", owner) == TARGETS.n_keys for owner in "ab"))
        await rig.until(lambda: all(b.count_ready("a", owner) == TARGETS.n_keys for owner in "ab"))
        await rig.until(lambda: both(rig, lambda store: not standing(store, "ab").is_temporary))
        first = {store.commission_of("ab").ends[AUTH[0]] for store in rig.stores.values()}
        assert first == {SECRET_OCTETS // 2}
        for ledger in span_ledgers("ab")[:2]:
            assert a.ledger_bounds(ledger)[1] == b.ledger_bounds(ledger)[1]
            for store in (a, b):
                assert store.ledger_bounds(ledger)[0] >= SECRET_OCTETS // 2  # what is left of the first pad is burnt
        ours, theirs = a.reserve("b", "a", 40, "test"), b.reserve("a", "a", 40, "test")
        assert [(k.key_id, k.secret) for k in ours] == [(k.key_id, k.secret) for k in theirs]
        for key in (*ours, *theirs):
            assert ASSUMPTIONS[Means.ML_KEM] in key.pedigree.proof.assumptions
            assert key.pedigree.epsilon is not None  # everlasting: the block's own
    assert not any(isinstance(event, AlarmEvent) for event in rig.events)


@pytest.mark.parametrize(
    "options", [{"names": ("kme-x", "kme-b")}, {"names": ("kme-a", "kme-x")}, {"authority": "other"}]
)
async def test_another_name_or_authority_gets_no_pad(tmp_path, options):
    async with kem_rig(tmp_path, **options) as rig, connected(rig):
        await rig.until(lambda: any("no meeting" in getattr(event, "what", "") for event in rig.events))
        assert both(rig, lambda store: store.commission_of("ab") is None)
        assert both(rig, lambda store: store.ledger_bounds(AUTH[0]) == (0, 0))


@pytest.mark.parametrize("kind", [wire.BootstrapOffer, wire.BootstrapReply])
@pytest.mark.parametrize("change", ["nonce", "kem", "tails", "signature"])
async def test_a_changed_message_gets_no_pad(tmp_path, monkeypatch, kind, change):
    import msgspec

    from haris.node.spans.channel import SpanChannel

    real, changed = SpanChannel.send, []

    async def send(channel, message):
        if isinstance(message, kind):
            name = {"kem": "public_key" if kind is wire.BootstrapOffer else "ciphertext"}.get(change, change)
            value = getattr(message, name)
            value = dict.fromkeys(value, 64) if name == "tails" else bytes([value[0] ^ 1]) + value[1:]
            message = msgspec.structs.replace(message, **{name: value})
            changed.append(message)
        await real(channel, message)

    monkeypatch.setattr(SpanChannel, "send", send)
    async with kem_rig(tmp_path) as rig, connected(rig):
        await rig.until(lambda: len(changed) > 0)
        await rig.until(lambda: any("no meeting" in getattr(event, "what", "") for event in rig.events))
        assert both(rig, lambda store: store.commission_of("ab") is None)


@pytest.mark.parametrize("site", ["a", "b"])
async def test_an_end_that_was_cut_off_begins_again(tmp_path, monkeypatch, site):
    """The listener has stored its pad and the caller has not, and neither the other way round."""
    from haris.node.spans.bootstrap import Bootstrap

    real, cut = Bootstrap._keep, []

    def keep(bootstrap, agreed):
        if bootstrap._plan.site == site and not cut:
            cut.append(site)
            raise OSError("cut off")
        real(bootstrap, agreed)

    monkeypatch.setattr(Bootstrap, "_keep", keep)
    async with kem_rig(tmp_path) as rig, connected(rig):
        await rig.until(lambda: any("span connected" in getattr(event, "what", "") for event in rig.events))
        assert cut
        bounds = [[store.ledger_bounds(name)[1] for name in AUTH] for store in rig.stores.values()]
        assert bounds[0] == bounds[1]
        expected = SECRET_OCTETS if site == "a" else SECRET_OCTETS // 2  # the pad that one end had is never used
        assert bounds[0] == [expected, expected]


async def test_once_a_block_is_held_nobody_begins_again(tmp_path):
    async with kem_rig(tmp_path) as rig:
        async with running(rig):
            await rig.until(lambda: both(rig, lambda store: store.last_block_number("ab") >= 0))
        rig.stores["a"].close()
        (tmp_path / "a.db").unlink()
        rig.open("a")
        rig.events.clear()
        before = rig.stores["b"].commission_of("ab")
        async with connected(rig):
            await rig.until(lambda: any("anew by hand" in getattr(event, "detail", "") for event in rig.events))
        assert rig.stores["b"].commission_of("ab") == before
        assert rig.stores["a"].commission_of("ab") is None


async def test_a_span_with_a_secret_takes_no_ml_kem(tmp_path):
    async with kem_rig(tmp_path) as rig:
        secret = tmp_path / "b.secret"
        secret.touch(mode=0o600)
        secret.write_bytes(os.urandom(SECRET_OCTETS))
        commission(rig.stores["b"], "ab", secret)
        rig.signer = lambda site, ours=rig.signer: ours(site) if site == "a" else None
        async with connected(rig):
            await rig.until(lambda: any("commissioned by a secret" in getattr(e, "detail", "") for e in rig.events))
        await asyncio.sleep(0)
        assert rig.stores["b"].ledger_bounds(AUTH[0]) == (0, SECRET_OCTETS // 2)
