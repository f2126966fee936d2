"""What a device would send, by a source's model: samples, or records of rounds, set by itself or as ordered."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.raw_rounds import Settings
from haris.quantum.entropy.round_form import RoundForm
from haris.quantum.entropy.round_forms import ROUND_FORMS
from haris.quantum.entropy.source import EntropySource
from haris.wire.rounds import HEADER_OCTETS, read_body, read_header, write_record

TOGETHER = 2**16
"""Samples or rounds that are written at once."""


def write_stream(entropy: EntropySource, path: Path, n: int, seed: int, orders: Path | None = None) -> int:
    """Write n samples or rounds to a path, or as many as its reader takes; returns how many.

    orders: where orders come from, of a supply that chooses the settings. Raises ParameterError for paths that cannot
    be opened, and for orders that are none.
    """
    form = ROUND_FORMS.get(entropy.source.name)
    if orders is not None and form is None:
        raise ParameterError(f"orders are of a source that is checked; {entropy.source.name} has none")
    written = 0
    try:
        with _opened(orders) as asked, open(path, "wb", buffering=0) as into:
            while written < n:
                settings, number = _ordered(asked, form) if form and asked else (None, written // TOGETHER)
                count = min(TOGETHER, n - written) if settings is None else len(settings)
                _write(into, _sent(entropy, form, count, seed + written, settings, number))
                written += count
    except (BrokenPipeError, EOFError):
        pass
    except OSError as error:
        raise ParameterError(f"{error.filename or path}: {error.strerror}") from None
    return written


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        pass


def _opened(orders: Path | None) -> BinaryIO | _Nothing:
    return _Nothing() if orders is None else open(orders, "rb", buffering=0)


def _sent(
    entropy: EntropySource, form: RoundForm | None, n: int, seed: int, settings: Settings | None, number: int
) -> bytes:
    if form is None:
        values = entropy.emulate(n, seed).samples.values
        return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return write_record(form.emulate(entropy.parameters, n, seed, settings), form.kind, number)


def _ordered(asked: BinaryIO, form: RoundForm) -> tuple[Settings, int]:
    try:
        header = read_header(_exactly(asked, HEADER_OCTETS))
        if (header.kind, header.bits) != (form.kind, 0):
            raise ParameterError(f"an order must be of {form.source}")
        return read_body(header, _exactly(asked, header.body_octets))[1], header.number
    except PeerError as error:
        raise ParameterError(f"an order cannot be read: {error}") from None


def _exactly(asked: BinaryIO, n_octets: int) -> bytes:
    octets = bytearray()
    while len(octets) < n_octets:
        some = asked.read(n_octets - len(octets))
        if not some:
            raise EOFError
        octets += some
    return bytes(octets)


def _write(into: BinaryIO, octets: bytes) -> None:
    left = memoryview(octets)
    while left:
        left = left[into.write(left) or 0 :]
