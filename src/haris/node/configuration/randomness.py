"""Table [randomness] of NODE.toml: where a site's random numbers come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from haris.node.pki.mutual_tls import TlsFiles
from haris.nouns.checks import require_positive
from haris.nouns.endpoint import read_server_url
from haris.nouns.errors import ParameterError

LEAST_BUFFER_OCTETS = 2**16


@dataclass(frozen=True, slots=True)
class RandomnessTable:
    """[randomness] Where everything random of this site comes from: keys and shares of keys that it makes, seeds of
    hashes, samples of blocks, nonces and names. Only bits of a source are taken, never of a generator, and where there
    are none the site makes nothing: the operating system never stands in. Without this table the operating system gives
    all.

    url: https://HOST:PORT of a supply (haris entropy serve), asked with certificate, private_key and authority, PEM
    files. supply: SUPPLY.toml of one that runs in this process; its [listener] is not used. buffer_octets: kept ready
    here. wait_s: how long work waits for bits before it fails. Emulated and recorded samples serve a laboratory only.
    """

    url: str | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    authority: Path | None = None
    supply: Path | None = None
    buffer_octets: int = 2**20
    wait_s: float = 5.0

    def __post_init__(self) -> None:
        if (self.url is None) == (self.supply is None):
            raise ParameterError("url or supply: randomness comes from one place")
        files = (self.certificate, self.private_key, self.authority)
        if self.url is not None:
            read_server_url("url", self.url)
        if (self.url is None) != (files == (None, None, None)) or (None in files and any(files)):
            raise ParameterError("certificate, private_key and authority belong together, and to a url")
        if self.buffer_octets < LEAST_BUFFER_OCTETS:
            raise ParameterError(f"buffer_octets must be at least {LEAST_BUFFER_OCTETS}, got {self.buffer_octets}")
        require_positive("wait_s", self.wait_s)

    @property
    def files(self) -> TlsFiles | None:
        """For TLS towards url."""
        if self.certificate is None or self.private_key is None or self.authority is None:
            return None
        return TlsFiles(self.certificate, self.private_key, self.authority)
