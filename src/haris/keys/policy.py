"""Who may share keys with whom, and how much of them: the operator's rules, as values.

Without a rule every pair of applications that is served may share keys, within the limits of the key manager. As soon
as there is one rule, a pair that no rule names gets nothing. The first rule that names a pair governs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from haris.nouns.errors import ParameterError, Unauthorised
from haris.nouns.keys import KEY_OCTETS

PRIORITIES = 8
DEFAULT_PRIORITY = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """[[allow]] Which pairs may share keys, and how much. Without any such table every pair may.

    masters, slaves: SAE IDs; one that ends in * stands for all that begin so. max_keys_per_request: at most so many.
    min_size_bits, max_size_bits: of one key. keys_per_s: how fast, in keys of 256 bits (a longer key counts for as many
    as it is cut from). burst_keys: how many may be taken at once after a rest; two seconds' worth, and one at least,
    when it is left out. keys_per_day: how many from midnight to midnight UTC. shared: whether all pairs of
    this rule have one rate and one quota together; otherwise each pair has its own.
    priority: 0 (waits) to 7 (goes first). customer: on whose account.
    """

    masters: tuple[str, ...] = ("*",)
    slaves: tuple[str, ...] = ("*",)
    max_keys_per_request: int | None = None
    min_size_bits: int | None = None
    max_size_bits: int | None = None
    keys_per_s: float | None = None
    burst_keys: int | None = None
    keys_per_day: int | None = None
    shared: bool = False
    priority: int = DEFAULT_PRIORITY
    customer: str = ""

    def __post_init__(self) -> None:
        for name in ("masters", "slaves"):
            patterns = getattr(self, name)
            if not patterns or any(not p or "*" in p[:-1] for p in patterns):
                raise ParameterError(f"{name} must be SAE IDs, a * only at the end of one, got {list(patterns)}")
        for name in ("max_keys_per_request", "min_size_bits", "max_size_bits", "burst_keys", "keys_per_day"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"{name} must be at least 1, got {value}")
        if self.keys_per_s is not None and not 0 < self.keys_per_s < 1e12:
            raise ParameterError(f"keys_per_s must be above 0, got {self.keys_per_s}")
        if self.burst_keys is not None and self.keys_per_s is None:
            raise ParameterError("burst_keys needs keys_per_s")
        if not 0 <= self.priority < PRIORITIES:
            raise ParameterError(f"priority must lie in 0 to {PRIORITIES - 1}, got {self.priority}")
        sizes = (self.min_size_bits or 1, self.max_size_bits or 1 << 62)
        if any(size is not None and size % 8 for size in (self.min_size_bits, self.max_size_bits)):
            raise ParameterError("min_size_bits and max_size_bits must be multiples of 8")
        if sizes[0] > sizes[1]:
            raise ParameterError(f"min_size_bits must be at most max_size_bits, got {sizes[0]} and {sizes[1]}")

    def names(self, master: str, slave: str) -> bool:
        """Whether this rule governs the pair."""
        return _matches(self.masters, master) and _matches(self.slaves, slave)

    def account(self, master: str, slave: str) -> str:
        """The name under which rate and quota of the pair are kept; it stays the same when rules change places."""
        if not self.shared:
            return f"{master}>{slave}"
        return f"{','.join(self.masters)}>{','.join(self.slaves)}"

    @property
    def burst(self) -> float:
        """Keys of 256 bits that may be taken at once, infinite without a rate."""
        if self.keys_per_s is None:
            return float("inf")
        return float(self.burst_keys) if self.burst_keys is not None else max(1.0, 2 * self.keys_per_s)

    @property
    def most_at_once(self) -> int | None:
        """Keys of 256 bits that one request can ever be given; None: whatever the key manager allows."""
        limits = [n for n in (self.max_keys_per_request, self.keys_per_day) if n is not None]
        if self.keys_per_s is not None:
            limits.append(int(self.burst))
        return min(limits, default=None)


EVERYBODY = Rule()
"""What governs every pair while the operator has made no rule."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one key manager in their order."""

    rules: tuple[Rule, ...] = ()

    def rule(self, master: str, slave: str) -> Rule:
        """What governs the pair. Unauthorised when there are rules and none names it."""
        if not self.rules:
            return EVERYBODY
        for rule in self.rules:
            if rule.names(master, slave):
                return rule
        raise Unauthorised(f"SAE {master} and SAE {slave} may not share keys here")


def require_within(rule: Rule, n_keys: int, size_bits: int) -> None:
    """Raise ParameterError when a request is larger than its rule can ever grant."""
    if rule.max_keys_per_request is not None and n_keys > rule.max_keys_per_request:
        raise ParameterError(f"number shall be at most {rule.max_keys_per_request}")
    low, high = rule.min_size_bits, rule.max_size_bits
    if (low is not None and size_bits < low) or (high is not None and size_bits > high):
        raise ParameterError(f"size shall lie between {low or 8} and {high or 'what status tells'}")
    most = rule.most_at_once
    if most is not None and cost(n_keys, size_bits) > most:
        raise ParameterError(f"number shall be at most {most} keys of 256 bits, and fewer that are longer")


def cost(n_keys: int, size_bits: int) -> int:
    """Keys of 256 bits that n_keys of size_bits use up."""
    return n_keys * -(-size_bits // (8 * KEY_OCTETS))


def _matches(patterns: Sequence[str], name: str) -> bool:
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)
