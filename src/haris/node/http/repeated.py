"""Requests whose header fields repeat those of the request before: read without parsing these again.

Who keeps a connection alive sends the same fields with each request; only the request line differs, and the body. What
the parser made of the fields once, it would make of them again.
"""

from __future__ import annotations

import re

from haris.node.http.messages import Connected, Request

_LINE = re.compile(rb"(GET|POST) (/[\w.~%!$&'()*+,;=:@/-]*)(?:\?([\w.~%!$&'()*+,;=:@/?-]*))? HTTP/1\.1", re.ASCII)
_END_OF_LINE, _END_OF_HEAD = b"\r\n", b"\r\n\r\n"
_FRAMING = frozenset((b"transfer-encoding", b"expect", b"upgrade"))


class RepeatedFields:
    """The fields of one connection's last request: all octets from the end of its request line to its body."""

    __slots__ = ("_body_octets", "_fields", "_head_octets", "_headers")

    def __init__(self, head_octets: int) -> None:
        """head_octets: the most that a head may have."""
        self._head_octets = head_octets
        self._fields, self._body_octets = b"", 0
        self._headers: tuple[tuple[bytes, bytes], ...] = ()

    def learn(self, buffer: bytearray, n_octets: int, request: Request) -> None:
        """The parser read one request in the first n_octets of buffer, and the connection stays open.

        Nothing is learnt of a request that shares these octets with another, or has other framing than its length.
        """
        self._fields = b""
        line, end = buffer.find(_END_OF_LINE, 0, n_octets), buffer.find(_END_OF_HEAD, 0, n_octets) + len(_END_OF_HEAD)
        if end + len(request.body) != n_octets or _LINE.fullmatch(buffer, 0, line) is None:
            return
        if _FRAMING.isdisjoint(name for name, _ in request.headers):
            self._fields, self._body_octets = bytes(buffer[line:end]), len(request.body)
            self._headers = tuple(request.headers)

    def read(self, buffer: bytearray, n_octets: int, connected: Connected) -> Request | None:
        """The one request that the first n_octets of buffer are; None when the parser has to say what they are."""
        body = n_octets - self._body_octets
        line = body - len(self._fields)
        if line <= 0 or body > self._head_octets or not self._fields or not buffer.startswith(self._fields, line):
            return None
        found = _LINE.fullmatch(buffer, 0, line)
        if found is None:
            return None
        method, path, query = found.groups(b"")
        text = path.decode("ascii"), query.decode("ascii")
        return Request(method.decode("ascii"), *text, self._headers, buffer[body:n_octets], connected)
