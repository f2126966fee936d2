"""Recordings of time tags as two makers' units write them.

S-Fifteen's timestamp unit: `readevents` in binary mode (-a1) writes words of 64 bits. The upper 54 bits are the time in
units of 1/256 ns (of 1/8 ns in short mode, whose five lowest bits are then zero), the lower four the detectors that
clicked, input 1 in the lowest. Bit 4 marks a filler that only tells that time goes on. The time comes round after 2^46
ns, some 19.5 hours. With -X the two halves of a word change places. Source: usage text of readevents7 and its parser in
fpfind (S-Fifteen Instruments).

quTAG: the uncompressed binary format of quTAG's software, a header of 40 octets and then 10 octets a tag: the time in
ps (64 bits) and the input (16 bits), little-endian; 1 to 4 are the stop inputs, 0 is the start input, markers are
higher.
Source: manual of qutools, tdcbase.h (FORMAT_BINARY).

Both correct the delays of their inputs, and tags wait in buffers, so that neighbours may change places (in a sample
recording of fpfind's by 97 us); they are put in order here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.time_tags import TimeTags

MOST_DISORDER_PS = 1_000_000_000
"""Neighbours that have changed places are no farther apart; what goes back farther is damage."""

S_FIFTEEN_OCTETS = 8
S_FIFTEEN_INPUTS = (1, 2, 3, 4)
_TIME_BITS = 54
_FLAG_BITS = 10
_FILLER = 0x10
LONGEST_HOURS = 48
"""Of a recording of S-Fifteen's unit."""

QUTAG_HEADER_OCTETS = 40
QUTAG_INPUTS = tuple(range(21))
_QUTAG = np.dtype([("time", "<i8"), ("input", "<u2")])
_MOST_INPUT = 255


def read_s_fifteen(octets: bytes, detectors: Sequence[int] = (1, 2, 3, 4), swapped: bool = False) -> TimeTags:
    """A recording of S-Fifteen's unit. A word of several detectors becomes as many tags.

    detectors: the inputs of bit 0 and bit 1 of the key basis, then of the test basis; other inputs are left out.
    swapped: written with -X. Times go on over the point where they come round.
    Raises ParameterError, with the octet, on a file that ends within a tag, and on times that go back; and on a
    recording of more than LONGEST_HOURS.
    """
    _require_inputs(detectors, S_FIFTEEN_INPUTS)
    _require_whole(len(octets), 0, S_FIFTEEN_OCTETS)
    words = np.frombuffer(octets, "<u8")
    if swapped:
        words = words << np.uint64(32) | words >> np.uint64(32)
    time = (words >> np.uint64(_FLAG_BITS)).astype(np.int64)
    half = 1 << _TIME_BITS - 1
    steps = (np.diff(time) + half & 2 * half - 1) - half  # shortest way round
    _require_order(steps * 125 // 32, 0, S_FIFTEEN_OCTETS)
    if (hours := float(steps.sum(dtype=np.float64)) / 256 / 3.6e12) > LONGEST_HOURS:
        raise ParameterError(
            f"the recording spans {hours:.0f} hours, and at most {LONGEST_HOURS} are taken: it is damaged"
        )
    time[1:] = time[:1] + np.cumsum(steps)
    clicked = words & np.uint64(_FILLER) == 0
    masks = np.array([1 << number - 1 for number in detectors], np.uint64)
    at, channel = np.nonzero((words[:, None] & masks != 0) & clicked[:, None])
    return _in_order((time[at] * 125 + 16) // 32, channel.astype(np.uint8))


def read_qutag(octets: bytes, detectors: Sequence[int] = (1, 2, 3, 4)) -> TimeTags:
    """A recording of a quTAG in its uncompressed binary format.

    detectors: as for read_s_fifteen. Raises ParameterError, with the octet, on a file that ends within its header or a
    tag, on an input that no unit has, and on times that go back.
    """
    _require_inputs(detectors, QUTAG_INPUTS)
    if len(octets) < QUTAG_HEADER_OCTETS:
        raise ParameterError(f"the file ends within its header: {len(octets)} octets of {QUTAG_HEADER_OCTETS}")
    _require_whole(len(octets), QUTAG_HEADER_OCTETS, _QUTAG.itemsize)
    tags = np.frombuffer(octets, _QUTAG, offset=QUTAG_HEADER_OCTETS)
    time, number = tags["time"].astype(np.int64), tags["input"]
    if (wrong := np.flatnonzero(number > _MOST_INPUT)).size:
        at = QUTAG_HEADER_OCTETS + _QUTAG.itemsize * int(wrong[0])
        raise ParameterError(f"the tag at octet {at} is damaged: there is no input {number[wrong[0]]}")
    _require_order(np.diff(time), QUTAG_HEADER_OCTETS, _QUTAG.itemsize)
    channel_of = np.full(_MOST_INPUT + 1, 4, np.uint8)
    channel_of[list(detectors)] = np.arange(4)
    channel = channel_of[number]
    return _in_order(time[channel < 4], channel[channel < 4])


def _require_inputs(detectors: Sequence[int], inputs: Sequence[int]) -> None:
    if len(detectors) != 4 or len(set(detectors)) != 4 or not set(detectors) <= set(inputs):
        raise ParameterError(
            f"detectors must be four different inputs of {inputs[0]} to {inputs[-1]}, got {tuple(detectors)}"
        )


def _require_whole(size: int, header: int, tag: int) -> None:
    if rest := (size - header) % tag:
        raise ParameterError(f"the file ends within the tag at octet {size - rest}: {rest} octets of {tag}")


def _require_order(steps_ps: NDArray[np.int64], header: int, tag: int) -> None:
    if (back := np.flatnonzero(steps_ps < -MOST_DISORDER_PS)).size:
        at, step = header + tag * (int(back[0]) + 1), -int(steps_ps[back[0]])
        raise ParameterError(
            f"the tag at octet {at} is damaged, or the file is of another format: "
            f"it goes {step} ps back, and neighbours change places by no more than {MOST_DISORDER_PS} ps"
        )


def _in_order(time_ps: NDArray[np.int64], channel: NDArray[np.uint8]) -> TimeTags:
    order = np.argsort(time_ps, kind="stable")
    return TimeTags(time_ps[order], channel[order])
