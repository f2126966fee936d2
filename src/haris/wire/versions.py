"""Which versions of our own protocols a site speaks: asked for before anything else, so that neighbours may differ.

Asked with GET at PATH of the peer face, and answered with {"peer": […], "span": […]}. A release from before this knows
no such path (404), and speaks version 1 of both. What a later release adds to the answer is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from haris.nouns.errors import PeerError
from haris.wire import kme, span

PATH = "/haris/versions"

_Numbers = Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, lt=1 << 16)], ...], msgspec.Meta(max_length=64)]


class Versions(msgspec.Struct, frozen=True):
    """peer: of what key managers say to each other (wire/kme.py). span: of a span's messages (wire/span.py)."""

    peer: _Numbers
    span: _Numbers


BEFORE_ASKING = Versions((1,), (1,))
"""Of a site that does not know the question."""


class NoCommonVersion(PeerError):  # noqa: N818  (what it is)
    """Two sites speak no version of a protocol that both know: one of them must be upgraded."""


def ours() -> Versions:
    """What this release speaks."""
    return Versions(kme.VERSIONS, span.VERSIONS)


def write(versions: Versions) -> bytes:
    """The answer."""
    return msgspec.json.encode(versions)


def read(body: bytes) -> Versions:
    """The versions of an answer; PeerError for another form."""
    try:
        return msgspec.json.decode(body, type=Versions)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PeerError("a key manager told its versions in a wrong form") from None


def common(what: str, site: str, own: Sequence[int], theirs: Sequence[int]) -> int:
    """The highest version that both speak. Raises NoCommonVersion. what: the protocol in words."""
    both = set(own) & set(theirs)
    if not both:
        raise NoCommonVersion(
            f"{site} speaks {_list(theirs)} of {what}, and this site {_list(own)}: upgrade the older of the two"
        )
    return max(both)


def _list(versions: Sequence[int]) -> str:
    return f"version{'s' if len(versions) > 1 else ''} {', '.join(map(str, sorted(versions))) or 'none'}"
