"""The commissioning of a span: the first authentication pad, from a secret file that both sites are given by hand."""

from __future__ import annotations

import os
from pathlib import Path

from haris.crypto.ledger import ledger_name
from haris.keys.store import LedgerStore, PadAppend
from haris.node.secret_file import read_secret_file
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin, Pedigree, Proof

SECRET_OCTETS = 16384
"""Half of it authenticates each direction: 256 tags, before the first block refreshes them."""

HANDED_OVER = Pedigree(
    epsilon=0.0,
    origin=Origin.VENDOR,
    proof=Proof("a secret handed over by hand", "all", finite=True, assumptions=("the couriers are honest",)),
)


def commission(store: LedgerStore, span: str, secret: Path) -> bool:
    """Fill a span's authentication ledgers from its secret file, once in the store's life, and burn the file.

    Pad that stayed on the disk would serve again with a new store, so the file is overwritten and removed; each site
    has a copy of its own. Returns False when the span was commissioned before. Raises ParameterError for a file that is
    missing, of another length, or readable by others.
    """
    ledgers = [ledger_name(span, "auth", direction) for direction in ("ab", "ba")]
    known = any(store.ledger_bounds(name) != (0, 0) for name in ledgers)
    if not known:
        octets = read_secret_file(f"the secret of span {span},", secret, SECRET_OCTETS)
        half = SECRET_OCTETS // 2
        parts = (octets[:half], octets[half:])
        store.ledger_append([PadAppend(n, p, HANDED_OVER) for n, p in zip(ledgers, parts, strict=True)])
    _burn(span, secret)  # also when an earlier start was killed before it came to this
    return not known


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
