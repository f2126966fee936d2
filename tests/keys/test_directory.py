"""The directory: who may be whom."""

from __future__ import annotations

import pytest

from haris.keys.directory import Directory
from haris.nouns.errors import ParameterError, Unauthorised


def test_an_application_never_passes_for_a_key_manager_nor_the_other_way_round() -> None:
    directory = Directory("a", {"a": "kme-a", "b": "kme-b"}, {"alice": "a", "bob": "b"})
    with pytest.raises(Unauthorised):
        directory.require_peer("bob")
    with pytest.raises(Unauthorised):
        directory.require_peer("kme-a")  # this site's own
    with pytest.raises(Unauthorised):
        directory.require_caller("kme-a")
    assert directory.require_peer("kme-b") == "b"


def test_one_name_for_an_application_and_a_key_manager_is_refused() -> None:
    with pytest.raises(ParameterError, match="kme-b is a KME ID and an SAE ID"):
        Directory("a", {"a": "kme-a", "b": "kme-b"}, {"kme-b": "a"})
