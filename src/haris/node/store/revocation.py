"""Sites that are revoked, in the store: what relied on them is burnt; remembered until they are restored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from haris.keys.lifecycle import Event
from haris.keys.share_paths import is_betrayed
from haris.manage.audit import Act
from haris.node.store.audit import append_audit
from haris.node.store.burns import burn_lots
from haris.node.store.database import Database, Transaction
from haris.node.store.lots import read_pedigree
from haris.node.store.owed import owe_word
from haris.node.store.witness import void_shared
from haris.nouns.assignments import KeyRun
from haris.wire import kme

SCHEMA = """
CREATE TABLE revoked_sites (site TEXT PRIMARY KEY, who TEXT NOT NULL, since_ns INTEGER NOT NULL) STRICT
"""


class Revocations:
    """Which sites are revoked."""

    _database: Database
    writer: str

    def revoke_site(self, site: str, spans: Sequence[str], who: str) -> int:
        """Burn all that is shared with a site, or was relayed where only it, or others that are revoked, had to betray
        it; remember it as revoked. spans: those that lead to it. Returns how many keys of stock that burns here."""
        with self._database.transaction() as tx:
            tx.change("INSERT INTO revoked_sites VALUES (?, ?, ?) ON CONFLICT DO NOTHING", site, who, tx.now_ns)
            n_keys = void_shared(tx, site, spans)
            tx.change("DELETE FROM owed_words WHERE peer = ?", site)
            revoked = {name for (name,) in tx.all("SELECT site FROM revoked_sites")}
            n_keys += _burn_relayed(tx, lambda assumptions: is_betrayed(assumptions, revoked))
            append_audit(tx, self.writer, tx.now_ns, [Act("revoke", who, site, f"{n_keys} keys are burnt")])
            return n_keys

    def restore_site(self, site: str, who: str) -> bool:
        """The site is trusted again. False when it was not revoked."""
        with self._database.transaction() as tx:
            if not tx.change("DELETE FROM revoked_sites WHERE site = ?", site):
                return False
            append_audit(tx, self.writer, tx.now_ns, [Act("restore", who, site, "is trusted again")])
            return True

    def revoked_sites(self) -> frozenset[str]:
        """Those that are revoked now."""
        with self._database.transaction() as tx:
            return frozenset(site for (site,) in tx.all("SELECT site FROM revoked_sites"))


def _burn_relayed(tx: Transaction, betrayed: Callable[[Sequence[str]], bool]) -> int:
    n_keys = 0
    for table in ("lots", "loose", "assigned"):
        pedigrees = [
            pedigree for (pedigree,) in tx.all(f"SELECT DISTINCT pedigree FROM {table} WHERE state <> 'spent'")
        ]
        for pedigree in pedigrees:
            if not betrayed(read_pedigree(bytes(pedigree)).proof.assumptions):
                continue
            if table == "lots":
                _owe_burns(tx, pedigree)
                n_keys += burn_lots(tx, "pedigree = ?", pedigree)
            else:
                tx.happen(table, Event.VOID, "pedigree = ?", pedigree)
    return n_keys


def _owe_burns(tx: Transaction, pedigree: bytes) -> None:
    """The other ends of our own lots burn them too, what is delivered and not fetched included."""
    where = "pedigree = ? AND state <> 'spent' AND peer <> owner"
    for (peer,) in tx.all(f"SELECT DISTINCT peer FROM lots WHERE {where}", pedigree):
        rows = tx.all(f"SELECT prefix, first, n_keys FROM lots WHERE {where} AND peer = ?", pedigree, peer)
        for batch in kme.batches([KeyRun(bytes(prefix), first, n_keys) for prefix, first, n_keys in rows]):
            owe_word(tx, peer, kme.BURN, kme.write_burn(batch))
