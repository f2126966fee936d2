"""Whether a request for keys is let in now: the rules, the rates and the quotas of one key manager.

Rates live in memory: a process that starts anew starts with full buckets. Quotas outlive it, and hold for several
processes at one site together: see DailyPurse.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

from haris.keys.policy import EVERYBODY, Policy, Rule, cost, require_within
from haris.keys.quota import DailyPurse, TokenBucket, day_of, drawing, until_tomorrow_s
from haris.keys.retry_after import FillRate, retry_after_s
from haris.keys.store import QuotaStore
from haris.nouns.errors import KeyUnavailable, StoreError, Unauthorised

_MAX_PAIRS = 65536


class Admission:
    """Asked before any key is touched. Its methods may be called from any thread.

    store: where quotas are kept; needed if a rule has one. now_ns: wall clock, nanoseconds since 1970.
    """

    def __init__(
        self, policy: Policy | None = None, store: QuotaStore | None = None, now_ns: Callable[[], int] = lambda: 0
    ) -> None:
        self.policy = policy or Policy()
        self._store, self._now_ns = store, now_ns
        self._lock = threading.Lock()
        self._rules: dict[tuple[str, str], Rule] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self._purses: dict[str, DailyPurse] = {}
        self._fills: dict[str, FillRate] = {}
        self._taken: dict[str, int] = {}
        self.ration: Callable[[str, int, int], float | None] = lambda slave, n_keys, priority: None
        """Seconds until keys for a slave (how many of 256 bits, at what priority) need not be kept for others."""

    def govern(self, policy: Policy) -> None:
        """Hold to other rules from now on. Rates and quotas go on where they were."""
        self.policy = policy
        self._rules = {}  # a new one: who looks a rule up meanwhile may keep that of the policy before

    def rule(self, master: str, slave: str) -> Rule:
        """What governs the pair. Unauthorised when it may share no keys."""
        if not self.policy.rules:
            return EVERYBODY
        rules = self._rules
        known = rules.get((master, slave))
        if known is None:
            known = self.policy.rule(master, slave)
            if len(rules) >= _MAX_PAIRS:
                rules.clear()
            rules[master, slave] = known
        return known

    def require(self, master: str, slaves: Sequence[str]) -> None:
        """Raise Unauthorised unless the master may share keys with every slave."""
        for slave in slaves:
            self.rule(master, slave)

    def priority(self, master: str, slave: str) -> int:
        """0 to 7, for queues; 0 for a pair that may share nothing."""
        try:
            return self.rule(master, slave).priority
        except Unauthorised:
            return 0

    def may_block(self, master: str, slave: str) -> bool:
        """Whether admit and give_back may have to wait for the store: for their own quota, or behind another's.

        Unauthorised when the pair may share no keys.
        """
        self.rule(master, slave)
        return any(rule.keys_per_day is not None for rule in self.policy.rules)

    def admit(self, master: str, slaves: Sequence[str], n_keys: int, size_bits: int) -> None:
        """Charge a request to the account of each pair; all or none.

        Raises Unauthorised for a pair that may share no keys, ParameterError for more than its rule ever grants,
        KeyUnavailable with the time to wait when its rate or its quota is used up, or when keys are kept for pairs of
        higher priority.
        """
        if self.policy.rules:
            self._require_ration(master, slaves, cost(n_keys, size_bits))
        charges = self._charges(master, slaves, n_keys, size_bits)
        if not charges:
            return
        with self._lock:
            paid: list[tuple[str, Rule, int]] = []
            try:
                for account, (rule, n) in charges.items():
                    self._pay(account, rule, n)
                    paid.append((account, rule, n))
            except (KeyUnavailable, StoreError):
                self._refund(paid)
                raise

    def give_back(self, master: str, slaves: Sequence[str], n_keys: int, size_bits: int) -> None:
        """Undo admit for a request that got no keys after all."""
        charges = self._charges(master, slaves, n_keys, size_bits)
        with self._lock:
            self._refund([(account, rule, n) for account, (rule, n) in charges.items()])

    def took(self, pool: str, n_keys: int) -> None:
        """Keys have left a pool. pool: the site at its other end."""
        with self._lock:
            self._taken[pool] = self._taken.get(pool, 0) + n_keys

    def saw(self, pool: str, level: int) -> None:
        """A pool was looked at, and held so many keys."""
        with self._lock:
            self._see(pool, level)

    def retry_after_s(self, pool: str, level: int, n_keys: int, priority: int) -> int:
        """When to ask again for n_keys of a pool that holds `level`: sooner for a higher priority."""
        with self._lock:
            return retry_after_s(self._see(pool, level).wait_s(max(1, n_keys - level)), priority)

    def close(self) -> None:
        """Return to the store what was drawn of today's quotas and not used."""
        with self._lock:
            for account, purse in self._purses.items():
                if purse.n_keys and self._store is not None:
                    self._store.return_quota(account, purse.day, purse.n_keys)
            self._purses.clear()

    def _require_ration(self, master: str, slaves: Sequence[str], n_keys: int) -> None:
        for slave in slaves:
            if slave != master:
                wait_s = self.ration(slave, n_keys, self.rule(master, slave).priority)
                if wait_s is not None:
                    text = f"the keys left for {slave} are kept for higher priorities until the next pass"
                    raise KeyUnavailable(text, max(1, math.ceil(wait_s)))

    def _charges(self, master: str, slaves: Sequence[str], n_keys: int, size_bits: int) -> dict[str, tuple[Rule, int]]:
        """What each account pays, in keys of 256 bits; those without rate and quota are left out."""
        charges: dict[str, tuple[Rule, int]] = {}
        for slave in slaves:
            if slave == master:  # its own copy, kept for later
                continue
            rule = self.rule(master, slave)
            require_within(rule, n_keys, size_bits)
            if rule.keys_per_s is not None or rule.keys_per_day is not None:
                account = rule.account(master, slave)
                before = charges[account][1] if account in charges else 0
                charges[account] = (rule, before + cost(n_keys, size_bits))
        return charges

    def _pay(self, account: str, rule: Rule, n_keys: int) -> None:
        now_ns = self._now_ns()
        bucket = None
        if rule.keys_per_s is not None:
            held = self._buckets.get(account) or TokenBucket.full(rule.keys_per_s, rule.burst, now_ns)
            held = held.at(now_ns)
            bucket = held.take(n_keys)
            if bucket is None:
                wait_s = min(held.wait_s(n_keys), until_tomorrow_s(0))
                raise KeyUnavailable(
                    f"{account}: at most {rule.keys_per_s:g} keys of 256 bits a second", max(1, math.ceil(wait_s))
                )
        if rule.keys_per_day is not None:
            self._purses[account] = self._draw(account, rule.keys_per_day, n_keys, now_ns)
        if bucket is not None:
            self._buckets[account] = bucket

    def _draw(self, account: str, keys_per_day: int, n_keys: int, now_ns: int) -> DailyPurse:
        """The purse once n_keys are paid from it."""
        day = day_of(now_ns)
        purse = self._purses.get(account)
        if purse is None or purse.day != day:
            purse = DailyPurse(day)
        lacking = n_keys - purse.n_keys
        drawn = 0
        if lacking > 0 and self._store is not None:
            drawn = self._store.draw_quota(account, day, keys_per_day, lacking, drawing(keys_per_day, lacking))
        if drawn < lacking:
            raise KeyUnavailable(
                f"{account}: the day's {keys_per_day} keys of 256 bits are used up", math.ceil(until_tomorrow_s(now_ns))
            )
        return DailyPurse(day, purse.n_keys + drawn - n_keys)

    def _refund(self, paid: Sequence[tuple[str, Rule, int]]) -> None:
        for account, rule, n_keys in paid:
            if rule.keys_per_s is not None and account in self._buckets:
                self._buckets[account] = self._buckets[account].give_back(n_keys)
            purse = self._purses.get(account)
            if rule.keys_per_day is not None and purse is not None and purse.day == day_of(self._now_ns()):
                self._purses[account] = DailyPurse(purse.day, purse.n_keys + n_keys)

    def _see(self, pool: str, level: int) -> FillRate:
        total, now_ns = self._taken.get(pool, 0) + level, self._now_ns()
        before = self._fills.get(pool)
        self._fills[pool] = FillRate(total, now_ns) if before is None else before.seen(total, now_ns)
        return self._fills[pool]
