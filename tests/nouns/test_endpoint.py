"""HOST:PORT, read in one place."""

from __future__ import annotations

import pytest

from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError


def test_hosts_and_ports_are_parted_at_the_last_colon() -> None:
    assert read_endpoint("listen", "localhost:8443") == ("localhost", 8443)
    assert read_endpoint("listen", "[::1]:0") == ("::1", 0)


@pytest.mark.parametrize("text", ["", "8443", ":8443", "host:", "host:65536", "host:-1", "host:1.5", "host:²", "h:x"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ParameterError, match="listen must be HOST:PORT"):
        read_endpoint("listen", text)
