"""Which version two releases speak with each other."""

import pytest

from haris.nouns.errors import PeerError
from haris.wire import kme, span, versions
from haris.wire.versions import NoCommonVersion, Versions, common


@pytest.mark.parametrize(
    ("own", "theirs", "spoken"), [((1,), (1,), 1), ((1, 2), (1,), 1), ((1, 2), (2, 3), 2), ((2, 1), (1, 2), 2)]
)
def test_the_highest_that_both_speak(own, theirs, spoken):
    assert common("a protocol", "bank", own, theirs) == spoken


def test_none_in_common_says_who_speaks_what():
    with pytest.raises(
        NoCommonVersion, match=r"bank speaks version 1 of spans, and this site versions 2, 3: upgrade the older"
    ):
        common("spans", "bank", (2, 3), (1,))
    with pytest.raises(NoCommonVersion, match="speaks version none"):
        common("spans", "bank", (1,), ())


def test_an_answer_is_read_back_and_what_a_later_release_adds_is_ignored():
    assert versions.read(versions.write(versions.ours())) == Versions(kme.VERSIONS, span.VERSIONS)
    assert versions.read(b'{"peer": [1, 2], "span": [3], "light": [7]}') == Versions((1, 2), (3,))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"peer": [1]}', b'{"peer": [0], "span": [1]}', b'{"peer": ["1"], "span": [1]}']
)
def test_another_form_is_the_peers_fault(body):
    with pytest.raises(PeerError):
        versions.read(body)
