"""Where a server is, as configurations and command lines write it: HOST:PORT or https://HOST:PORT."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from haris.nouns.errors import ParameterError

Endpoint = tuple[str, int]

HTTPS_PORT = 443
_NO_HOST = re.compile(r"[\s@]")


def read_endpoint(name: str, text: str) -> Endpoint:
    """HOST:PORT as (host, port); an IPv6 address stands in brackets. Raises ParameterError, with name, otherwise."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and "/" not in host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ParameterError(f"{name} must be HOST:PORT, got {text!r}")
    return host.strip("[]"), int(port)


def read_server_url(whose: str, url: str) -> Endpoint:
    """https://HOST[:PORT], and no path, as (host, port). Raises ParameterError otherwise, such as for port 0.

    whose: how the error calls it, such as `a key manager's URL`.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", HTTPS_PORT if parts.port is None else parts.port
    except ValueError:  # no brackets around an address, no number, or one above 65535
        host, port = "", 0
    if not host or not port or _NO_HOST.search(url) or url.rstrip("/") != f"https://{parts.netloc}":
        raise ParameterError(f"{whose} is https://HOST:PORT, got {url!r}")
    return host, port
