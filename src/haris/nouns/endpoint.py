"""HOST:PORT, as configurations and command lines write it."""

from __future__ import annotations

from haris.nouns.errors import ParameterError

Endpoint = tuple[str, int]


def read_endpoint(name: str, text: str) -> Endpoint:
    """HOST:PORT as (host, port); an IPv6 address stands in brackets. Raises ParameterError, with name, otherwise."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ParameterError(f"{name} must be HOST:PORT, got {text!r}")
    return host.strip("[]"), int(port)
