"""[[source]] in NODE.toml: the site's inventory of what makes its keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from haris.nouns.checks import require_not_negative, require_positive, require_probability
from haris.nouns.endpoint import read_endpoint, read_server_url
from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name

Kind = Literal["light", "etsi014", "etsi004", "etsi004-push", "folder", "skip"]

_TLS = ("certificate", "private_key", "authority")
_NEEDS: dict[str, tuple[str, ...]] = {
    "light": ("link", "light"),
    "etsi014": ("url", *_TLS, "peer_id"),
    "etsi004": ("address", *_TLS, "own_id", "peer_id"),
    "etsi004-push": ("listen", *_TLS, "peer_id"),
    "folder": ("folder",),
    "skip": ("url", *_TLS, "peer_id"),
}
"""What each kind must be told."""
_MAY: dict[str, tuple[str, ...]] = {"etsi004": ("key_stream_id", "dialect"), "etsi004-push": ("key_stream_id",)}
"""What each kind may be told besides."""


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """[[source]] Something that makes keys for a span: light, or the boxes of another maker.

    Which keys a kind takes: `light`: link, light. `etsi014`, `skip`: url, certificate, private_key, authority, peer_id.
    `etsi004`: address, certificate, private_key, authority, own_id, peer_id; maybe key_stream_id and dialect.
    `etsi004-push`: listen, certificate, private_key, authority, peer_id; maybe key_stream_id. `folder`: folder.
    All boxes: those from key_bits on.

    name: of the source, for `source` of one [[span]]. kind: how it hands its keys over. link: LINK.toml of the light.
    light: Unix socket of the emulated fibre. url: https://HOST:PORT of the box. address: HOST:PORT of the box.
    listen: HOST:PORT where the box connects to this site. certificate, private_key: this site's towards the box, PEM
    files. authority: PEM file of the authority of the box's certificate. own_id: URI of this site's application
    at the box. peer_id: the SAE ID or URI of the site at the other end; for `skip` the remote
    system ID; for `etsi004-push` the common name of the box's certificate. key_stream_id: UUID of the key stream, the
    same at both ends, by default derived from the span's name. dialect: how an
    `etsi004` box writes its messages, by default `fixed`. folder: where the box drops NAME.key files.
    key_bits: of each key, the same at both ends. poll_s: how long to wait between two draws. stall_s: after so long
    without a key, though one is wanted, the source stalls. max_keys_per_s: how many keys may be drawn from the box,
    none: as many as are wanted. leave_keys: how many keys to leave in the box, where it tells its stock (`etsi014`).
    stated_epsilon: what the maker states of the secrecy of each key, if anything. maker, model, serial: of the box, in
    words.
    """

    name: str
    kind: Kind
    link: Path | None = None
    light: Path | None = None
    url: str | None = None
    address: str | None = None
    listen: str | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    authority: Path | None = None
    own_id: str | None = None
    peer_id: str | None = None
    key_stream_id: str | None = None
    dialect: Literal["fixed", "terminated"] | None = None
    folder: Path | None = None
    key_bits: int = 256
    poll_s: float = 1.0
    stall_s: float = 60.0
    max_keys_per_s: float | None = None
    leave_keys: int = 0
    stated_epsilon: float | None = None
    maker: str = ""
    model: str = ""
    serial: str = ""

    def __post_init__(self) -> None:
        require_name("name", self.name)
        self._require_fields()
        if self.key_bits % 8 or not 64 <= self.key_bits <= 1 << 20:
            raise ParameterError(f"key_bits must be a multiple of 8 from 64 to {1 << 20}, got {self.key_bits}")
        for name in ("poll_s", "stall_s"):
            require_positive(name, getattr(self, name))
        if self.max_keys_per_s is not None:
            require_positive("max_keys_per_s", self.max_keys_per_s)
        require_not_negative("leave_keys", self.leave_keys)
        if self.stated_epsilon is not None:
            require_probability("stated_epsilon", self.stated_epsilon)
        for name in ("address", "listen"):
            if (text := getattr(self, name)) is not None:
                read_endpoint(name, text)
        if self.url is not None:
            read_server_url("url", self.url)
        if self.key_stream_id is not None:
            _require_uuid(self.key_stream_id)

    @property
    def who(self) -> str:
        """The box in words: its name in the inventory, and what stands on its plate."""
        plate = " ".join(word for word in (self.maker, self.model, self.serial) if word)
        return f"{self.name} ({plate})" if plate else self.name

    def _require_fields(self) -> None:
        needs = _NEEDS[self.kind]
        missing = [name for name in needs if getattr(self, name) is None]
        if missing:
            raise ParameterError(f"name {self.name}: kind {self.kind} needs {', '.join(missing)}")
        takes = {*needs, *_MAY.get(self.kind, ())}
        every = {name for names in (*_NEEDS.values(), *_MAY.values()) for name in names}
        idle = [name for name in sorted(every - takes) if getattr(self, name) is not None]
        if idle:
            raise ParameterError(f"name {self.name}: kind {self.kind} takes no {', '.join(idle)}")


def _require_uuid(text: str) -> None:
    try:
        UUID(text)
    except ValueError:
        raise ParameterError(f"key_stream_id must be a UUID, got {text!r}") from None
