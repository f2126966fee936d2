"""What one client of an HTTP server may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one client may cost.

    handshake_s: for TLS. head_s, body_s: from the first octet to the last. idle_s: between requests. write_s: until an
    answer has been taken. linger_s: for what still comes after the last answer. connections: in all;
    connections_each: of one identity; handshakes: at one time, of which the oldest gives way.
    """

    head_octets: int = 16 * 1024
    body_octets: int = 64 * 1024
    handshake_s: float = 10.0
    head_s: float = 10.0
    body_s: float = 10.0
    idle_s: float = 75.0
    write_s: float = 10.0
    linger_s: float = 1.0
    connections: int = 2048
    connections_each: int = 256
    handshakes: int = 256
