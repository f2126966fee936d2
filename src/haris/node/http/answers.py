"""Responses as octets: heads that are kept, and bodies that leave no copy behind."""

from __future__ import annotations

from http import HTTPStatus

_HEADS: dict[tuple[int, str, tuple[tuple[str, str], ...], bool], bytes] = {}


def response_head(status: int, content_type: str, headers: tuple[tuple[str, str], ...], last: bool) -> bytes:
    """The head of an answer up to its date. There are few different ones, and they are kept."""
    name = (status, content_type, headers, last)
    head = _HEADS.get(name)
    if head is None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {content_type}"]
        lines += ["Cache-Control: no-store", *(f"{key}: {value}" for key, value in headers)]
        if last:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n").encode("latin-1")
        if len(_HEADS) < 1024:
            _HEADS[name] = head
    return head


def joined(head: bytes, body: bytes | bytearray) -> bytearray:
    """Head and body in one buffer. It grows before it holds any of the body, of which no copy stays behind."""
    octets = bytearray(head)
    octets += body
    return octets


def wipe(octets: bytes | bytearray) -> None:
    """Overwrite what can be overwritten."""
    if isinstance(octets, bytearray):
        octets[:] = bytearray(len(octets))  # bytes would be made a bytearray first
