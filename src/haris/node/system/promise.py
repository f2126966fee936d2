"""An outcome that comes later, and goes through its steps by plain calls as soon as it is there.

A future wakes whoever waits on the loop's next turn, each by a task of its own; for what is answered ten thousand times
a second that costs more than the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")

_log = logging.getLogger(__name__)


class Promise(Generic[T]):
    """A value or an error to come. It is told once, after whoever made it has returned, in the thread of the loop."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: list[tuple[Callable[[Any], Any] | None, Callable[[Exception], Any] | None]] = []

    def then(self, step: Callable[[T], U], rescue: Callable[[Exception], U] | None = None) -> Promise[U]:
        """What step makes of the value, and rescue of an error; without it the error goes on. Either may raise."""
        self._steps.append((step, rescue))
        return self  # type: ignore[return-value]  # from here on its value is what step returns

    def rescued(self, rescue: Callable[[Exception], T]) -> Promise[T]:
        """The value as it is, or what rescue makes of an error."""
        self._steps.append((None, rescue))
        return self

    def tell(self, outcome: T | Exception) -> None:
        """The outcome is there: take it through the steps."""
        reached: Any = outcome
        for step, rescue in self._steps:
            act = rescue if isinstance(reached, Exception) else step
            if act is not None:
                try:
                    reached = act(reached)
                except Exception as error:
                    reached = error
        if isinstance(reached, Exception):
            _log.error("nobody took an error", exc_info=reached)
