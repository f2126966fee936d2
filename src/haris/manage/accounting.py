"""Who used how much: keys, bits, requests and denials by SAE, peer, customer, day and interface, from the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from haris.manage.audit import Act, Delivery, Denial, Entry, read_records
from haris.nouns.errors import ParameterError
from haris.nouns.times import DAY_NS, write_time
from haris.nouns.usage import Account, Usage

Usages = dict[Account, Usage]

GROUPS = ("day", "customer", "sae", "peer", "interface", "method")
"""What usages may be grouped by."""


def roll_up(entries: Iterable[Entry], customers: Mapping[str, str]) -> Usages:
    """The usage that audit entries tell of. customers: whose an SAE is; empty when it is nobody's."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for entry in entries:
        day = write_time(entry.time_ns - entry.time_ns % DAY_NS)[:10]
        for record in read_records(entry.body):
            if not isinstance(record, Act) and not _is_own_copy(record):
                _add(sums, day, record)
    return {
        Account(day, customers.get(sae, ""), sae, peer, interface, method): Usage(*used)
        for (day, sae, peer, interface, method), used in sums.items()
    }


def group(usages: Mapping[Account, Usage], by: Iterable[str]) -> Usages:
    """Usages summed over everything that is not named in `by`, which is blank then, in order."""
    kept = tuple(by)
    unknown = set(kept) - set(GROUPS)
    if unknown:
        raise ParameterError(f"usage is grouped by {', '.join(GROUPS)}, not by {', '.join(sorted(unknown))}")
    blank = {name: "" for name in GROUPS if name not in kept}
    sums: Usages = {}
    for account, usage in usages.items():
        wider = replace(account, **blank)
        sums[wider] = sums.get(wider, Usage()) + usage
    return dict(sorted(sums.items()))


def _is_own_copy(record: Delivery | Denial) -> bool:
    """Whether a master fetches what was made for it, as the owner of a stream does: it counts as its enc_keys."""
    return isinstance(record, Delivery) and record.method == "dec_keys" and record.sae == record.master


def _add(sums: dict[tuple[str, ...], list[int]], day: str, record: Delivery | Denial) -> None:
    """Plain numbers, since a busy site has ten thousand records a second."""
    if isinstance(record, Denial):
        sae, peer, n_requests, n_keys, n_bits, n_denials = record.caller, record.peer, record.times, 0, 0, record.times
    else:
        sae, n_requests, n_denials = record.sae, 1, 0
        peer = record.master if sae != record.master else record.slaves[0] if record.slaves else ""
        n_keys = record.n_keys
        n_bits = n_keys * record.size_bits
    key = (day, sae, peer, record.interface, record.method)
    used = sums.get(key)
    if used is None:
        sums[key] = [n_requests, n_keys, n_bits, n_denials]
        return
    used[0] += n_requests
    used[1] += n_keys
    used[2] += n_bits
    used[3] += n_denials
