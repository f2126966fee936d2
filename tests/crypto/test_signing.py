"""Whose signature counts: chains of ML-DSA-65 from a signer to the authority that both ends trust.

Witness for the chains: OpenSSL, as pyOpenSSL has it, verifies those that are accepted here.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from haris.crypto import signing
from haris.node.pki.authority import Terms, add_intermediate, add_to_laboratory, make_laboratory
from haris.node.pki.credentials import signing_credentials
from haris.node.pki.making import Holder, Wish, issue, make_intermediate, make_root
from haris.node.pki.request import require_verified
from haris.nouns.errors import PeerError

NOW = datetime.now(UTC)
NOW_NS = int(NOW.timestamp() * 1e9)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signing")
    make_laboratory(folder, [], [], ["bank"], NOW)
    add_intermediate(folder, "edge", "mldsa-ca", NOW, Terms())
    add_to_laboratory(folder, [], [], ["exchange"], NOW, issuer="edge")
    return folder


def credentials(pki, name, peer):
    files = pki / f"{name}.mldsa.crt", pki / f"{name}.mldsa.key", pki / "mldsa-ca.crt"
    return signing_credentials(*files, peer, NOW)


def test_a_chain_over_an_intermediate_is_accepted(pki):
    bank, exchange = credentials(pki, "bank", "exchange"), credentials(pki, "exchange", "bank")
    require_verified(pki / "exchange.mldsa.crt", pki / "mldsa-ca.crt")
    shown, signature = signing.sign(exchange, b"statement", b"test")
    signer = signing.read_signer(bank, shown, NOW_NS)
    signing.verify(signer, b"statement", signature, b"test")
    for octets, context in ((b"another", b"test"), (b"statement", b"elsewhere")):
        with pytest.raises(PeerError):
            signing.verify(signer, octets, signature, context)
    assert signing.read_signer(exchange, bank.shown, NOW_NS)  # one link, beside the two of the other


def test_a_chain_with_a_gap_or_too_many_links_is_refused(pki):
    bank, exchange = credentials(pki, "bank", "exchange"), credentials(pki, "exchange", "bank")
    alone = replace(exchange, chain=()).shown
    stranger = replace(exchange, chain=(bank.certificate,)).shown
    for shown in (alone, stranger, exchange.shown[:-1], b"", b"\x30\x82", exchange.shown * 3, b"\x30\x00" + alone):
        with pytest.raises(PeerError):
            signing.read_signer(bank, shown, NOW_NS)


@pytest.mark.parametrize("wrong", ["no authority", "path too long", "expired"])
def test_who_may_not_issue_makes_nobody_a_signer(pki, wrong):
    keys = [MLDSA65PrivateKey.generate() for _ in range(4)]
    root = make_root("root", "root", keys[0], NOW, 9)
    days = -1 if wrong == "expired" else 9
    early = NOW - timedelta(days=3)
    between = make_intermediate(
        root, "one", "one", keys[1], early if days < 0 else NOW, Wish("one", 2 if days < 0 else 9)
    )
    holders = [between]
    if wrong == "path too long":
        holders.insert(0, make_intermediate(between, "two", "two", keys[2], NOW, Wish("two", 9)))
    if wrong == "no authority":
        leaf = issue(between, keys[2].public_key(), NOW, Wish("two", 9))
        holders.insert(0, Holder("two", keys[2], leaf))
    own = issue(holders[0], keys[3].public_key(), NOW, Wish("exchange", 9))
    theirs = signing.Credentials(own, keys[3], root.certificate, "bank", tuple(h.certificate for h in holders))
    ours = replace(credentials(pki, "bank", "exchange"), authority=root.certificate)
    with pytest.raises(PeerError, match="not valid at this time" if wrong == "expired" else "may not issue"):
        signing.read_signer(ours, theirs.shown, NOW_NS)
