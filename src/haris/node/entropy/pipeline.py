"""From a device to the pool, in a thread: samples are tested, then hashed, then given. A failure stops the supply."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from haris.node.entropy.blocks import Blocks, Hash
from haris.node.entropy.device import Device, DeviceError
from haris.node.entropy.pool import Pool
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import HarisError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.health import sample_min_entropy
from haris.quantum.entropy.repeats import Repeats
from haris.quantum.entropy.source import Emission, EntropySource
from haris.wire.randomness import Birth

State = Literal["starting", "healthy", "failed"]
LEAST_CHUNK, MOST_CHUNK = 2**12, 2**20
"""Samples that are read and tested together."""
CHUNK_S = 0.01
"""Of a source's clock: how much is read together."""
END_S = 2.0
NOT_STARTED = "the start-up tests are not passed yet"
MOST_EMPTY = 8
"""Chunks in a row."""
SHOWN_EVERY = 128
"""Chunks of which one gives the histogram and no bit."""
_ROOM_S = 0.2
"""How long a full pool is waited for before it is asked whether to stop."""
_HISTOGRAM_SAMPLES, _HISTOGRAM_BITS = 2**16, 8

_log = logging.getLogger(__name__)


class Failure(Protocol):
    """What a health test found."""

    @property
    def detail(self) -> str:
        """In words."""


class Tests(Protocol):
    """Health tests of one start, fed every sample in order: when the start-up is passed, and what fails.

    detects_within: for each test, how many samples after a fault begins it has seen enough of it.
    """

    @property
    def detects_within(self) -> Mapping[str, int]:
        """By the test's name."""

    @property
    def started(self) -> bool:
        """Whether the start-up tests are passed."""

    def feed(self, samples: RawSamples) -> Sequence[Failure]:
        """What these samples, with those before, fail."""


@runtime_checkable
class Fills(Protocol):
    """A device whose read takes a while, and says how far it is."""

    @property
    def n_waiting(self) -> int:
        """Samples of the read that is not complete."""


@dataclass(slots=True)
class Counters:
    """Since the start. See SupplyStatus of wire/randomness.py."""

    n_samples: int = 0
    n_rejected: int = 0
    n_octets: int = 0
    n_blocks: int = 0
    n_failures: int = 0
    histogram: tuple[int, ...] = field(default_factory=tuple)


class Stopped(HarisError):  # noqa: N818  (what it is)
    """The source failed: a test, or the bound on what was measured."""


class Pipeline:
    """Fills a pool from a device.

    A chunk of samples is tested before it is hashed, and its bits wait until so many samples after it have passed as
    the slowest test needs: a fault that the tests can tell is told before a bit of it is given. A failure closes the
    pool, which forgets what it holds, and raises an alarm; the device is opened again after a while, and bits flow when
    the start-up tests are passed. Samples of the start-up, and one chunk in 128 for the histogram, are tested and not
    used.

    tests: fresh ones for each start. hashing: the extractor. tell: takes alarms, in the pipeline's thread.
    retry_s: between a failure and the next start, doubled at each up to 32 times.
    Raises KeyUnavailable when the source's own bound leaves no bit.
    """

    def __init__(
        self,
        device: Device,
        source: EntropySource,
        tests: Callable[[], Tests],
        hashing: Hash,
        pool: Pool,
        tell: Callable[[Alarm], None],
        retry_s: float = 1.0,
    ) -> None:
        self._device, self._source, self._pool = device, source, pool
        self._tests, self._tell, self._retry_s = tests, tell, retry_s
        self._blocks = Blocks(source, hashing)
        self.planned = self._blocks.planned
        wanted = min(max(LEAST_CHUNK, CHUNK_S * float(source.parameters.clock_hz)), MOST_CHUNK)
        self._n_chunk = self._blocks.together(int(wanted))
        self.frame_samples = source.frame_samples
        self._n_empty = 0
        self._repeats = Repeats(sample_min_entropy(source))
        self.state: State = "starting"
        self.reason = NOT_STARTED
        self.counters = Counters()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="entropy", daemon=True)

    @property
    def birth(self) -> Birth:
        """Of the device's samples."""
        return self._device.birth

    @property
    def n_waiting(self) -> int:
        """Samples of a frame that the device has not given whole."""
        return self._device.n_waiting if isinstance(self._device, Fills) else 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End: nothing is given any more on return."""
        self._stop.set()
        self._pool.close("the supply has ended", for_good=True)
        self._thread.join(END_S)  # a device may still be waited for

    def _run(self) -> None:
        waited_s = self._retry_s
        while not self._stop.is_set():
            self.state, self.reason = "starting", NOT_STARTED
            began = self.counters.n_octets
            try:
                self._device.open()
                self._flow()
            except (DeviceError, Stopped) as error:
                self._blocks.unused(self.n_waiting)
                self._fail(str(error))
            except Exception as error:
                _log.exception("the pipeline failed")
                self._fail(f"internal error: {type(error).__name__}")
            finally:
                self._device.close()
            waited_s = self._retry_s if self.counters.n_octets > began else min(2.0 * waited_s, 32.0 * self._retry_s)
            self._stop.wait(waited_s)

    def _fail(self, reason: str) -> None:
        self._pool.close(reason)
        self.state, self.reason = "failed", reason
        self.counters.n_failures += 1
        self._tell(self._alarm(reason))

    def _alarm(self, reason: str) -> Alarm:
        return Alarm(Severity.CRITICAL, self._device.name, reason, AlarmKind.RANDOMNESS, active=bool(reason))

    def _flow(self) -> None:
        """From the start-up on, until something fails or the end is asked for."""
        tests, n_chunks, n_fed = self._tests(), 0, 0
        self._repeats.restart()
        held: deque[tuple[int, memoryview]] = deque()  # with the samples that must be fed before each is given
        settled = max(tests.detects_within.values())
        n_samples = self._source.frame_samples
        while not self._stop.is_set():
            emission = self._read(n_samples)
            if emission.checks is None or self._source.source.samples_tell is not None:  # else a read is one block
                n_samples = self._n_chunk
            begun = tests.started
            failures = tests.feed(emission.samples)
            if failures:
                self.counters.n_rejected += len(emission.samples)
                self._blocks.unused(len(emission.samples), emission.checks)
                raise Stopped("; ".join(failure.detail for failure in failures))
            if self._repeats.copied(emission.samples):
                self.counters.n_rejected += len(emission.samples)
                self._blocks.unused(len(emission.samples), emission.checks)
                raise Stopped("copied samples: they were given before")
            n_chunks, n_fed = n_chunks + 1, n_fed + len(emission.samples)
            if not begun or n_chunks % SHOWN_EVERY == 0:  # of these nothing is hashed
                self._show(emission.samples)
                self._blocks.unused(len(emission.samples), emission.checks)
                if tests.started and self.state != "healthy":
                    self._pool.open()
                    self.state, self.reason = "healthy", ""
                    self._tell(self._alarm(""))
                continue
            held.append((n_fed + settled, self._hashed(emission)))
            while held and held[0][0] <= n_fed:
                self._put(held.popleft()[1])

    def _show(self, samples: RawSamples) -> None:
        """Tell how samples are distributed that give no bit: of others it would be known to whoever sees it."""
        self.counters.n_rejected += len(samples)
        self.counters.histogram = histogram(samples.values[:_HISTOGRAM_SAMPLES], samples.bits)

    def _read(self, n_samples: int) -> Emission:
        emission = self._device.read(n_samples)
        self.counters.n_samples += len(emission.samples)
        return emission

    def _hashed(self, emission: Emission) -> memoryview:
        """The bits of a chunk; a chunk now and then may have none, but not one after another."""
        hashed, counters = self._blocks.hashed(emission), self.counters
        counters.n_blocks += hashed.n_blocks
        counters.n_octets += len(hashed.octets)
        counters.n_rejected += hashed.n_rejected
        self._n_empty = 0 if hashed.octets or hashed.paid_octets else self._n_empty + 1
        if self._n_empty == MOST_EMPTY:
            raise Stopped(f"the bound leaves no bit of what was measured in {MOST_EMPTY} chunks in a row")
        return hashed.octets

    def _put(self, left: memoryview) -> None:
        """Into the pool, as there is room."""
        while left and not self._stop.is_set():
            left = left[self._pool.put(left, _ROOM_S) :]


def histogram(values: NDArray[np.uint8] | NDArray[np.uint16], bits: int) -> tuple[int, ...]:
    """How many samples lie in each of at most 256 equal ranges of codes."""
    wide = max(0, bits - _HISTOGRAM_BITS)
    return tuple(np.bincount(values >> wide, minlength=1 << (bits - wide)).tolist())
