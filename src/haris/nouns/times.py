"""Points in time as people and RFC 3339 write them; inside, nanoseconds since 1970 (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime

from haris.nouns.errors import ParameterError

NS_PER_S = 1_000_000_000
DAY_NS = 86_400 * NS_PER_S


def write_time(time_ns: int) -> str:
    """RFC 3339 in UTC with microseconds: 2026-03-01T12:00:00.000000Z."""
    moment = datetime.fromtimestamp(time_ns // NS_PER_S, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % NS_PER_S // 1000:06d}Z"


def read_time(name: str, text: str) -> int:
    """The time of `2026-03-01`, `2026-03-01T12:00` or RFC 3339; UTC when no zone is named. name: what errors call it.

    Raises ParameterError for anything else.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"{name} is a time such as 2026-03-01 or 2026-03-01T12:00:00Z, got {text!r}") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * NS_PER_S + moment.microsecond * 1000


def write_duration(seconds: float) -> str:
    """A duration as a person says it, in its two largest units: `3 min 20 s`."""
    rest = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        n, rest = divmod(rest, size)
        if n or (unit == "s" and not parts):
            parts.append(f"{n} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])
