"""SUPPLY.toml: one noise source, how its samples are hashed, and to whom the bits are given."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from haris.node.entropy.device import Device
from haris.node.entropy.device_emulated import EmulatedDevice
from haris.node.entropy.device_file import PathDevice
from haris.node.entropy.device_http import AskedDevice, appliance, skip_entropy
from haris.node.entropy.device_recording import RecordingDevice
from haris.node.entropy.device_rounds import Orders, RecordReader, RoundsDevice, RoundsReader
from haris.node.entropy.order_path import OrderPath
from haris.node.entropy.recorded_rounds import RecordedRounds
from haris.node.pki.credentials import client_context
from haris.node.pki.mutual_tls import TlsFiles
from haris.nouns.checks import require_positive
from haris.nouns.document import read_document
from haris.nouns.endpoint import read_endpoint, read_server_url
from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name
from haris.quantum.entropy.round_form import RoundForm
from haris.quantum.entropy.round_forms import ROUND_FORMS
from haris.quantum.entropy.source import EntropySource
from haris.quantum.entropy.sources import source_of
from haris.wire.randomness import MOST_OCTETS, Format
from haris.wire.rounds import MOST_ROUNDS

_LIVE = ("path", "http")


@dataclass(frozen=True, slots=True)
class DeviceTable:
    """[device] Where raw samples come from. They have the bits that [source] states: an octet each of up to 8 bits,
    else two, low first. Of a source that is checked (squeezed, source-independent, mdi) they come as records of rounds
    (rounds.md), or as a recording of rounds.

    kind: `path`, a character device, a fifo, or a file that is read to its end once; `recording`, a folder of raw
    samples, played once; `http`, an appliance asked by `GET url?length=N&format=...` (of a supply of haris a url that
    ends in `?origin=source`); `skip`, a key provider asked by SKIP's `GET /entropy?minentropy=N`; `emulated`, the model
    of [source], for demonstrations. path: of kind path and recording. url: of kind http and skip. format: what the
    appliance is asked for. plain: whether it may be asked without TLS, where everybody on the way reads along.
    certificate, private_key, authority: PEM files for TLS. at_once_octets: of one request. timeout_s: within which a
    read must be complete, of records each. seed: of the model. settings: who chooses the settings of rounds, `device`
    or `haris`. orders: the path to which haris then writes them, ahead of the rounds. order_rounds: of one order.
    """

    kind: Literal["path", "recording", "http", "skip", "emulated"]
    path: Path | None = None
    url: str | None = None
    format: Format = "BINARY"
    plain: bool = False
    certificate: Path | None = None
    private_key: Path | None = None
    authority: Path | None = None
    at_once_octets: int = 1024
    timeout_s: float = 5.0
    seed: int | None = None
    settings: Literal["device", "haris"] = "device"
    orders: Path | None = None
    order_rounds: int = 32768

    def __post_init__(self) -> None:
        require_positive("timeout_s", self.timeout_s)
        if (self.orders is not None) != (self.settings == "haris") or (self.orders and self.kind not in _LIVE):
            raise ParameterError('orders belongs to settings = "haris", and to a device of kind path or http')
        if not 1 <= self.order_rounds <= MOST_ROUNDS:
            raise ParameterError(f"order_rounds must lie in [1, 2^24], got {self.order_rounds}")
        if not 1 <= self.at_once_octets <= MOST_OCTETS:
            raise ParameterError(f"at_once_octets must lie in [1, {MOST_OCTETS}], got {self.at_once_octets}")
        if (self.path is not None) != (self.kind in ("path", "recording")):
            raise ParameterError("path belongs to a device of kind path or recording")
        if (self.url is not None) != (self.kind in ("http", "skip")):
            raise ParameterError("url belongs to a device of kind http or skip")
        if self.seed is not None and (self.kind != "emulated" or self.seed < 0):
            raise ParameterError("seed is of an emulated device, and at least 0")
        files = (self.certificate, self.private_key, self.authority)
        if self.plain != (self.url or "").startswith("http://"):
            raise ParameterError('plain = true goes with a url that begins with "http://", and only with such')
        if (self.url is None or self.plain) != (files == (None, None, None)) or (None in files and any(files)):
            raise ParameterError("certificate, private_key and authority belong together, and to a device behind TLS")
        if self.kind == "skip" and self.url is not None:
            read_server_url("url", self.url)
        if self.kind == "http" and not _is_url(self.url or ""):
            raise ParameterError(f"url must be https://HOST[:PORT]/PATH[?QUERY], got {self.url!r}")

    def device(self, source: EntropySource) -> Device:
        """The driver. Raises ParameterError for certificates that are missing, unreadable or out of date, and where the
        bound asks for checks and the device has none."""
        form, bits = ROUND_FORMS.get(source.source.name), int(source.parameters.bits)
        if self.kind == "emulated":
            return EmulatedDevice(source, self.seed)
        if form is not None:
            return RoundsDevice(self._rounds(form, source.parameters), form, source.parameters)
        if self.orders is not None:
            raise ParameterError(f"settings are of a source that is checked; {source.source.name} has none")
        if self.kind == "recording" and self.path is not None:
            return RecordingDevice(self.path, bits)
        return self._stream(bits)

    def _rounds(self, form: RoundForm, parameters: Any) -> RoundsReader:
        if self.kind == "skip":
            raise ParameterError(f"[device] kind = 'skip' gives samples alone: {form.source} asks for checks, too")
        if self.kind == "recording" and self.path is not None:
            return RecordedRounds(self.path, form, form.bits(parameters), len(form.p_settings(parameters)))
        orders = None if self.orders is None else Orders(OrderPath(self.orders, self.timeout_s), self.order_rounds)
        return RecordReader(self._stream(8), form, parameters, orders)

    def _stream(self, bits: int) -> PathDevice | AskedDevice:
        if self.kind == "path" and self.path is not None:
            return PathDevice(self.path, bits, self.timeout_s)
        context = None
        if self.certificate and self.private_key and self.authority:
            context = client_context(self.certificate, self.private_key, self.authority, datetime.now(UTC))
        rest = bits, self.timeout_s, self.at_once_octets
        if self.kind == "skip" and context is not None:
            return skip_entropy(self.url or "", context, *rest)
        return appliance(self.url or "", self.format, context, *rest)


@dataclass(frozen=True, slots=True)
class SupplyTable:
    """[supply] How bits are kept and what stands behind them.

    name: of this supply. pool_octets: hashed bits that are kept ready, at most. reserve_octets: of them, for those who
    ask for bits of the source alone; others are given the generator's when no more is left. Without it a quarter.
    seed: file of the extractor's seed, which must not come from the source, nor be known to whoever may still influence
    its samples; without it the operating system gives one at each start. generator: whether there is one for bursts.
    reseed_s, reseed_requests: it is seeded anew by the source after so long, or so many requests.
    """

    name: str = "supply"
    pool_octets: int = 2**20
    reserve_octets: int | None = None
    seed: Path | None = None
    generator: bool = True
    reseed_s: float = 60.0
    reseed_requests: int = 1024

    def __post_init__(self) -> None:
        require_name("name", self.name)
        require_positive("pool_octets", self.pool_octets)
        require_positive("reseed_s", self.reseed_s)
        if not 0 <= self.reserve < self.pool_octets:
            raise ParameterError(f"reserve_octets must lie in [0, pool_octets), got {self.reserve_octets}")
        if not 1 <= self.reseed_requests <= 2**20:
            raise ParameterError(f"reseed_requests must lie in [1, 2^20], got {self.reseed_requests}")

    @property
    def reserve(self) -> int:
        """Octets for those who ask for bits of the source alone."""
        return self.pool_octets // 4 if self.reserve_octets is None else self.reserve_octets


@dataclass(frozen=True, slots=True)
class ListenerTable:
    """[listener] The face for consumers, over mutual TLS.

    listen: HOST:PORT. certificate, private_key, authority: PEM files; whoever has a certificate of that authority may
    ask, and with callers only those that it names, by Subject CN.
    """

    listen: str
    certificate: Path
    private_key: Path
    authority: Path
    callers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        read_endpoint("listen", self.listen)

    @property
    def files(self) -> TlsFiles:
        """For server_context."""
        return TlsFiles(self.certificate, self.private_key, self.authority)


@dataclass(frozen=True, slots=True)
class SupplyConfiguration:
    """The whole of SUPPLY.toml; [source] and [extraction] are as in SOURCE.toml."""

    device: DeviceTable
    source: EntropySource
    supply: SupplyTable = field(default_factory=SupplyTable)
    listener: ListenerTable | None = None


def read_supply(path: Path | str) -> SupplyConfiguration:
    """The configuration in a file. Raises ParameterError with file and line of what is wrong."""
    document = read_document(path)
    document.only("device", "source", "extraction", "supply", "listener")
    described = {name: document.values[name] for name in ("source", "extraction") if name in document.values}
    return SupplyConfiguration(
        document.table("device", DeviceTable),
        source_of(dataclasses.replace(document, values=described)),
        document.table("supply", SupplyTable) if "supply" in document.values else SupplyTable(),
        document.table("listener", ListenerTable) if "listener" in document.values else None,
    )


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.scheme in ("http", "https") and not parts.fragment and parts.port != 0
    except ValueError:
        return False
