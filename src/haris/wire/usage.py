"""Accounts on their way to an operator, in JSON."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from haris.nouns.errors import PeerError
from haris.nouns.usage import Account, Usage


class UsageLine(msgspec.Struct, frozen=True):
    """One account and what was used on it."""

    account: Account
    usage: Usage


def write_usages(usages: Mapping[Account, Usage]) -> bytes:
    """The body of an answer."""
    return msgspec.json.encode([UsageLine(account, usage) for account, usage in usages.items()])


def read_usages(body: bytes) -> dict[Account, Usage]:
    """The accounts of a body. PeerError for another form."""
    try:
        lines = msgspec.json.decode(body, type=list[UsageLine])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError(f"accounts came in a wrong form: {error}") from None
    return {line.account: line.usage for line in lines}
