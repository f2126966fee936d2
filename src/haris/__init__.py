"""haris: quantum key distribution from light to a protected transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from haris.quantum.link import Link as Link

__all__ = ["Link"]


def __getattr__(name: str) -> Any:
    if name == "Link":  # on demand: most commands never need the quantum layer
        from haris.quantum.link import Link

        return Link
    raise AttributeError(f"module 'haris' has no attribute {name!r}")
