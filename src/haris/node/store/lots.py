"""Lots in the store: up to LOT_KEYS neighbouring keys of one pedigree in one row, their secrets sealed as a whole.

What leaves a lot is overwritten with zeros before the lot is sealed anew, in the transaction that lets it go; a lot
whose last key has left keeps no secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from haris.keys.lifecycle import KeyState
from haris.node.store.database import Transaction
from haris.nouns.errors import StoreError
from haris.nouns.ids import join_key_id, neighbours, split_key_id
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import KEY_OCTETS, Origin, Pedigree, StoredKey

LOT_KEYS = 128

SCHEMA = """
CREATE TABLE lots (prefix BLOB NOT NULL, first BIGINT NOT NULL, n_keys INTEGER NOT NULL, n_left INTEGER NOT NULL,
    peer TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, master TEXT, slave TEXT, epsilon REAL,
    emulated INTEGER NOT NULL, born_ns BIGINT NOT NULL, changed_ns BIGINT NOT NULL, pedigree BLOB NOT NULL,
    source BLOB NOT NULL, gone BLOB NOT NULL, secret BLOB, PRIMARY KEY (prefix, first));
CREATE INDEX lots_of_pool ON lots (peer, owner, state, born_ns, prefix, first);
CREATE INDEX lots_of_pair ON lots (master, slave, state, born_ns, prefix, first);
CREATE INDEX lots_of_source ON lots (source, state);
CREATE INDEX lots_ready ON lots (peer, owner, emulated, state, n_left) WHERE state = 'ready';
CREATE INDEX lots_leased ON lots (peer, owner) WHERE state = 'leased';
CREATE INDEX lots_in_doubt ON lots (peer, state) WHERE state = 'offered' OR state = 'recalled'
"""
"""The last three are for what is asked again and again however many keys there are: none of it may read the lots."""

COLUMNS = "prefix, first, peer, owner, state, master, slave, born_ns, pedigree, source, gone, secret"
OLDEST_FIRST = "ORDER BY born_ns, prefix, first"

Places = NDArray[np.int64]
"""Places within a lot, from 0."""

Run = tuple[int, int]
"""Neighbouring places of a lot: the first, and the one after the last."""


@dataclass(slots=True)
class Lot:
    """One row, open. bits: one a key that is gone, as pack_bits has them. octets: the secrets, 32 octets a key, wiped
    after use. n_keys: that the lot began with. term: how often its owner has called it back from a pair.
    """

    prefix: bytes
    first: int
    n_keys: int
    peer: str
    owner: str
    state: KeyState
    master: str | None
    slave: str | None
    born_ns: int
    pedigree: bytes
    source: bytes
    bits: int
    octets: bytearray = field(repr=False)
    changed: bool = False
    term: int = 0
    n_left: int = field(init=False)

    def __post_init__(self) -> None:
        self.n_left = self.n_keys - self.bits.bit_count()

    @property
    def gone(self) -> NDArray[np.bool_]:
        """Whether each key is gone."""
        return unpack_bits(self.bits, self.n_keys)

    @property
    def packed(self) -> bytes:
        """The column `gone`: the number of keys less one, then a bit a key; then the term, unless it is 0."""
        return pack_gone(self.bits.to_bytes(-(-self.n_keys // 8), "big"), self.n_keys, self.term)

    @property
    def left(self) -> Places:
        """Places of the keys that are still here, in order."""
        return np.flatnonzero(~self.gone)

    def runs_left(self, start: int, stop: int) -> list[Run]:
        """The keys at places from start to before stop that are still here, in order."""
        if not self.bits & self._mask(start, stop):
            return [(start, stop)]
        return [(place, place + 1) for place in range(start, stop) if not self.bits & self._mask(place, place + 1)]

    def take_front(self, n_keys: int) -> KeyBatch:
        """Up to n_keys from the front, of which one at least is here; here they are overwritten."""
        width = _width(self.n_keys)
        start = width - (~self.bits & ((1 << width) - 1)).bit_length()
        stop = min(start + n_keys, self.n_keys)
        if self.bits & self._mask(start, stop):
            return self._take(self.left[:n_keys])
        return self._take_run(start, stop)

    def take_runs(self, runs: Sequence[Run]) -> KeyBatch:
        """The keys of runs, none of them gone or named twice; here they are overwritten."""
        if len(runs) == 1:
            return self._take_run(*runs[0])
        return self._take(np.concatenate([np.arange(*run) for run in runs]))

    def _take(self, places: Places) -> KeyBatch:
        secrets = bytearray(self.secrets[places].tobytes())
        self.burn(places)
        key_ids = b"".join(map(self.key_id, places.tolist()))
        return KeyBatch(key_ids, secrets, 8 * KEY_OCTETS, read_pedigree(self.pedigree))

    def _take_run(self, start: int, stop: int) -> KeyBatch:
        """As _take for neighbours. What a whole lot holds is handed on as it is."""
        if stop - start == self.n_keys:
            secrets, self.octets = self.octets, bytearray(len(self.octets))
        else:
            octets = slice(KEY_OCTETS * start, KEY_OCTETS * stop)
            secrets = self.octets[octets]
            self.octets[octets] = bytes(len(secrets))
        self.bits |= self._mask(start, stop)
        self.n_left -= stop - start
        self.changed = True
        key_ids = neighbours(self.key_id(start), stop - start)
        return KeyBatch(key_ids, secrets, 8 * KEY_OCTETS, read_pedigree(self.pedigree))

    def burn(self, places: Places) -> None:
        """Overwrite the keys at places."""
        gone = self.gone
        gone[places] = True
        self.secrets[places] = 0
        self.bits = pack_bits(gone)
        self.changed = True
        self.n_left = self.n_keys - self.bits.bit_count()

    @property
    def secrets(self) -> NDArray[np.uint8]:
        """The secrets in place, shape (n_keys, 32)."""
        return np.frombuffer(self.octets, np.uint8).reshape(-1, KEY_OCTETS)

    def key_id(self, place: int) -> bytes:
        """The key_ID at a place."""
        return self.prefix + (self.first + place).to_bytes(4, "big")

    def wipe(self) -> None:
        """Forget the secrets; the row keeps them."""
        self.octets[:] = bytes(len(self.octets))

    def _mask(self, start: int, stop: int) -> int:
        """The bits of places from start to before stop."""
        return ((1 << (stop - start)) - 1) << (_width(self.n_keys) - stop)


def pack_bits(gone: NDArray[np.bool_]) -> int:
    """One bit a place in whole octets, the first the highest of all: the octets of the column `gone` as a number."""
    return int.from_bytes(np.packbits(gone).tobytes(), "big")


def unpack_bits(bits: int, n_keys: int) -> NDArray[np.bool_]:
    """pack_bits, back."""
    octets = bits.to_bytes(_width(n_keys) // 8, "big")
    return np.unpackbits(np.frombuffer(octets, np.uint8), count=n_keys).astype(bool)


def _width(n_keys: int) -> int:
    return -(-n_keys // 8) * 8


@lru_cache(maxsize=1024)
def read_pedigree(octets: bytes) -> Pedigree:
    """A pedigree from its column."""
    return msgspec.json.decode(octets, type=Pedigree)


def pedigree_columns(pedigree: Pedigree) -> tuple[float | None, int, bytes]:
    """epsilon, emulated and pedigree of a row."""
    return pedigree.epsilon, int(pedigree.origin is Origin.EMULATED), msgspec.json.encode(pedigree)


def insert_lots(tx: Transaction, keys: Sequence[StoredKey], state: KeyState, source: bytes) -> None:
    """Keep keys in a state, in lots. source: the block or relay that brought them. StoreError for a known key_ID."""
    for run in _runs(keys):
        prefix, first = split_key_id(run[0].key_id)
        if known(tx, prefix, first, len(run)):
            raise StoreError("a key_ID is known here already")
        lot = Lot(
            prefix=prefix,
            first=first,
            n_keys=len(run),
            peer=run[0].peer,
            owner=run[0].owner,
            state=state,
            master=None,
            slave=None,
            born_ns=tx.now_ns,
            pedigree=msgspec.json.encode(run[0].pedigree),
            source=source,
            bits=0,
            octets=bytearray(b"".join(key.secret for key in run)),
        )
        _insert(tx, lot)
        lot.wipe()


def known(tx: Transaction, prefix: bytes, first: int, n_keys: int) -> bool:
    """Whether any key_ID of a range was ever kept here."""
    return bool(
        tx.one(
            "SELECT 1 FROM lots WHERE prefix = ? AND first < ? AND first + n_keys > ?", prefix, first + n_keys, first
        )
    )


def find(tx: Transaction, prefix: bytes, index: int) -> Lot | None:
    """The lot in which a key lies, or lay."""
    row = tx.one(
        f"SELECT {COLUMNS} FROM lots WHERE prefix = ? AND first <= ? ORDER BY first DESC LIMIT 1", prefix, index
    )
    if row is None:
        return None
    lot = open_lot(tx, row)
    return lot if index < lot.first + lot.n_keys else None


def open_lot(tx: Transaction, row: tuple[Any, ...]) -> Lot:
    """A lot from its COLUMNS: of one without secrets every key is gone, also of one that was voided as a whole.

    StoreError when its secrets were sealed for another row.
    """
    prefix, first, peer, owner, state, master, slave, born_ns, pedigree, source, gone, sealed = row
    n_keys, packed, term = unpack_gone(gone)
    bits = int.from_bytes(packed, "big")
    if sealed is None:
        bits, octets = pack_bits(np.ones(n_keys, bool)), bytearray(KEY_OCTETS * n_keys)
    else:
        octets = tx.unseal_into(sealed, "lots", prefix, first)
    if len(octets) != KEY_OCTETS * n_keys:
        raise StoreError("a lot holds another number of keys than it says")
    return Lot(
        prefix,
        first,
        n_keys,
        peer,
        owner,
        KeyState(state),
        master,
        slave,
        born_ns,
        pedigree,
        source,
        bits,
        octets,
        term=term,
    )


def pack_gone(bits: bytes, n_keys: int, term: int) -> bytes:
    """The column `gone` of a lot."""
    return bytes([n_keys - 1]) + bits + (term.to_bytes(4, "big") if term else b"")


def unpack_gone(gone: bytes) -> tuple[int, bytes, int]:
    """pack_gone, back: the number of keys, their bits, the term."""
    n_keys = gone[0] + 1
    stop = 1 + _width(n_keys) // 8
    return n_keys, gone[1:stop], int.from_bytes(gone[stop:], "big")


def save(tx: Transaction, lot: Lot) -> None:
    """Write back what has changed in a lot, and forget its secrets. A lot without a key left is SPENT."""
    if lot.n_left == 0:
        lot.state = KeyState.SPENT
    tx.change(
        "UPDATE lots SET n_left = ?, changed_ns = ?, gone = ?, secret = ?, state = ?, master = ?, slave = ?"
        " WHERE prefix = ? AND first = ?",
        *_kept(tx, lot),
        lot.state,
        lot.master,
        lot.slave,
        lot.prefix,
        lot.first,
    )
    lot.changed = False
    lot.wipe()


def save_drawn(tx: Transaction, lots: Sequence[Lot]) -> None:
    """As save for lots that keys were drawn from and nothing else has happened to, in two statements; they stay open.

    No index is touched but by those that are SPENT.
    """
    spent = [lot for lot in lots if not lot.n_left]
    for lot in spent:
        lot.state = KeyState.SPENT
    tx.change_each(
        "UPDATE lots SET n_left = 0, changed_ns = ?, gone = ?, secret = NULL, state = 'spent'"
        " WHERE prefix = ? AND first = ?",
        [(tx.now_ns, lot.packed, lot.prefix, lot.first) for lot in spent],
    )
    tx.change_each(
        "UPDATE lots SET n_left = ?, changed_ns = ?, gone = ?, secret = ? WHERE prefix = ? AND first = ?",
        [(*_kept(tx, lot), lot.prefix, lot.first) for lot in lots if lot.n_left],
    )
    for lot in lots:
        lot.changed = False


def _kept(tx: Transaction, lot: Lot) -> tuple[object, ...]:
    """n_left, changed_ns, gone and secret of a row."""
    sealed = tx.seal(lot.octets, "lots", lot.prefix, lot.first) if lot.n_left else None
    return lot.n_left, tx.now_ns, lot.packed, sealed


def cut_out(tx: Transaction, lot: Lot, start: int, stop: int) -> Lot:
    """A lot of its own for the keys at places start to stop of a lot; what lies before and behind become lots, too."""
    if (start, stop) == (0, lot.n_keys):
        return lot
    tx.change("DELETE FROM lots WHERE prefix = ? AND first = ?", lot.prefix, lot.first)
    parts = [_part(lot, a, b) for a, b in ((0, start), (start, stop), (stop, lot.n_keys)) if a < b]
    for part in parts:
        _insert(tx, part)
    lot.wipe()
    (middle,) = [part for part in parts if part.first == lot.first + start]
    wipe_all(part for part in parts if part is not middle)
    return middle


def wipe_all(lots: Iterable[Lot]) -> None:
    """Forget the secrets of lots that were opened."""
    for lot in lots:
        lot.wipe()


def stored_keys(lot: Lot, places: Places) -> Iterator[StoredKey]:
    """Keys of a lot one by one, as they still are."""
    pedigree = read_pedigree(lot.pedigree)
    for place in places.tolist():
        secret = bytes(lot.octets[KEY_OCTETS * place : KEY_OCTETS * (place + 1)])
        yield StoredKey(join_key_id(lot.prefix, lot.first + place), secret, lot.peer, lot.owner, pedigree)


def _part(lot: Lot, start: int, stop: int) -> Lot:
    gone = lot.gone[start:stop]
    state = KeyState.SPENT if gone.all() else lot.state
    octets = lot.octets[KEY_OCTETS * start : KEY_OCTETS * stop]
    first, n_keys = lot.first + start, stop - start
    return replace(lot, first=first, n_keys=n_keys, state=state, bits=pack_bits(gone), octets=octets)


def _insert(tx: Transaction, lot: Lot) -> None:
    epsilon, emulated, pedigree = pedigree_columns(read_pedigree(lot.pedigree))
    tx.change(
        "INSERT INTO lots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        lot.prefix,
        lot.first,
        lot.n_keys,
        lot.n_left,
        lot.peer,
        lot.owner,
        lot.state,
        lot.master,
        lot.slave,
        epsilon,
        emulated,
        lot.born_ns,
        tx.now_ns,
        pedigree,
        lot.source,
        lot.packed,
        tx.seal(lot.octets, "lots", lot.prefix, lot.first) if lot.n_left else None,
    )


def _runs(keys: Sequence[StoredKey]) -> Iterator[list[StoredKey]]:
    """Keys with neighbouring key_IDs and everything else in common, LOT_KEYS at most."""
    numbered = [(key, *split_key_id(key.key_id)) for key in keys]
    for _, group in groupby(enumerate(numbered), lambda item: (item[1][1], item[1][2] - item[0], *_common(item[1][0]))):
        run = [key for _, (key, _, _) in group]
        for start in range(0, len(run), LOT_KEYS):
            yield run[start : start + LOT_KEYS]


def _common(key: StoredKey) -> tuple[str, str, Pedigree]:
    return key.peer, key.owner, key.pedigree
