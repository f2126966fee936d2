"""HOST:PORT and https://HOST:PORT, read in one place."""

from __future__ import annotations

import pytest

from haris.nouns.endpoint import read_endpoint, read_server_url
from haris.nouns.errors import ParameterError


def test_hosts_and_ports_are_parted_at_the_last_colon() -> None:
    assert read_endpoint("listen", "localhost:8443") == ("localhost", 8443)
    assert read_endpoint("listen", "[::1]:0") == ("::1", 0)


@pytest.mark.parametrize(
    "text", ["", "8443", ":8443", "host:", "host:65536", "host:-1", "host:1.5", "host:²", "h:x", "tls://host:1"]
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ParameterError, match="listen must be HOST:PORT"):
        read_endpoint("listen", text)


def test_a_servers_url_is_a_host_and_a_port() -> None:
    assert read_server_url("url", "https://kme.example:8443/") == ("kme.example", 8443)
    assert read_server_url("url", "https://kme.example") == ("kme.example", 443)
    assert read_server_url("url", "https://[::1]:8443") == ("::1", 8443)


@pytest.mark.parametrize(
    "url",
    [
        "http://kme:1", "kme:1", "https://", "https://:1", "https://kme:port", "https://kme/api", "https://kme:99999",
        "https://kme:0", "https://kme:-1", "https://k me:1", "https://a@kme:1", "https://kme?a", "https://[kme:1", "",
    ],
)  # fmt: skip
def test_what_is_no_servers_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(ParameterError, match="url is https://HOST:PORT"):
        read_server_url("url", url)
