"""The commissioning of a span by hand: its first authentication pad, from files that both sites are given."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from haris.keys.commissioning import (
    HALF_OCTETS,
    SECRET_OCTETS,
    Means,
    auth_ledgers,
    checksum,
    first_pads,
    join_halves,
    start_of,
)
from haris.keys.store import KeyStore
from haris.node.system.secret_file import read_secret_file, write_secret_file
from haris.nouns.errors import ParameterError

__all__ = ["SECRET_OCTETS", "commission", "make_halves", "read_checksum", "recommission"]

HALVES = (1, 2)


def commission(store: KeyStore, span: str, secret: Path | Sequence[Path]) -> bool:
    """Fill a span's authentication ledgers from its secret, once in the store's life, and burn the files.

    secret: one file, or the two halves of a two-person secret. Pad that stayed on the disk would serve again with a new
    store, so each file is overwritten and removed; each site has copies of its own. Returns False when the span was
    commissioned before. Raises ParameterError for a file that is missing, of another length, or readable by others.
    """
    paths = [secret] if isinstance(secret, Path) else list(secret)
    known = any(store.ledger_bounds(name) != (0, 0) for name in auth_ledgers(span))
    if not known:
        octets, means = _read(span, paths)
        store.commission_span(span, means, first_pads(span, octets, means))
    for path in paths:
        _burn(span, path)  # also when an earlier start was killed before it came to this
    return not known


def recommission(store: KeyStore, span: str, secret: Sequence[Path], made_s: int) -> None:
    """Begin a span anew with a secret carried by hand: all its ledgers go on beyond what was used. The files are burnt.
    To be done at both sites, with the same secret and time.

    made_s: when the secret was made, seconds since 1970: it says where the ledgers begin. Raises ParameterError for a
    bad file, and for a time that is not later than that of the secret before.
    """
    octets, means = _read(span, secret)
    store.recommission_span(span, means, first_pads(span, octets, means), start_of(made_s))
    for path in secret:
        _burn(span, path)


def make_halves(
    folder: Path, span: str, halves: Sequence[int], sites: tuple[str, str], entropy: Callable[[int], bytes]
) -> dict[Path, str]:
    """Write halves of a span's secret, each once for each site: SPAN.NUMBER.SITE. Returns the checksum of every file.

    halves: their numbers, 1 and 2; two people who each make one, on machines of their own, need not trust a third.
    """
    made: dict[Path, str] = {}
    paths = {(number, site): folder / f"{span}.{number}.{site}" for number in halves for site in sites}
    for path in paths.values():
        if path.exists():
            raise ParameterError(f"{path} exists already")
    for number in halves:
        octets = entropy(HALF_OCTETS)
        for site in sites:
            write_secret_file(paths[number, site], octets)
            made[paths[number, site]] = checksum(octets)
    return made


def read_checksum(path: Path) -> str:
    """The checksum of a half that was carried here, to be read back to who made it."""
    return checksum(read_secret_file("a half of a secret,", path, HALF_OCTETS))


def _read(span: str, paths: Sequence[Path]) -> tuple[bytes, Means]:
    what = f"the secret of span {span},"
    if len(paths) == 1:
        return read_secret_file(what, paths[0], SECRET_OCTETS), Means.COURIER
    if len(paths) != len(HALVES):
        raise ParameterError(f"the secret of span {span} is one file or two halves, got {len(paths)} files")
    one, other = (read_secret_file(what, path, HALF_OCTETS) for path in paths)
    return join_halves(one, other), Means.TWO_PERSONS


def _burn(span: str, secret: Path) -> None:
    try:
        with secret.open("r+b") as file:
            file.write(bytes(secret.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        secret.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ParameterError(f"the secret of span {span}, {secret}, cannot be burnt: {error.strerror}") from None
