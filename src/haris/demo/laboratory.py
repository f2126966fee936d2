"""A laboratory of three sites in one directory: certificates, secrets, links and configurations, all freshly made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from haris.node.pki.authority import make_laboratory
from haris.node.spans.commissioning import SECRET_OCTETS
from haris.node.system.free_ports import free_ports
from haris.quantum.link import Link

Spans = dict[str, tuple[str, str]]
"""Span → (Alice, Bob)."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Who plays. sites: the bank, a trusted node, the exchange. spans: between them. stations: of the two ends, where
    the trusted node is a satellite. in_contacts: whether that is reached in contacts only."""

    sites: tuple[str, str, str]
    spans: Spans
    stations: dict[str, str] = field(default_factory=dict)
    in_contacts: bool = False


FIBRES = Plot(
    ("bank", "midway", "exchange"), {"bank-midway": ("bank", "midway"), "midway-exchange": ("midway", "exchange")}
)
SPACE = Plot(
    ("bank", "satellite", "exchange"),
    {"satellite-bank": ("satellite", "bank"), "satellite-exchange": ("satellite", "exchange")},
    {"satellite-bank": "Xinglong", "satellite-exchange": "Sanya"},
)
CONTACTS = Plot(
    SPACE.sites,
    {"satellite-exchange": ("satellite", "exchange"), "satellite-bank": ("satellite", "bank")},
    {"satellite-exchange": "Xinglong", "satellite-bank": "Sanya"},
    in_contacts=True,
)
"""The exchange first: the bank's keys go up in the second pass, and come down to the exchange one orbit later."""
RADIO_DEG = 0.0
SAES = {"sae-bank": "bank", "sae-exchange": "exchange"}
SIGNERS = ("bank", "exchange")
"""Sites whose tunnel ends and key managers sign by ML-DSA."""


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Where everything of one demonstration lies and listens.

    plot: who plays. ports: TCP ports on loopback by what listens there. links: LINK.toml of each span, or PASS.toml.
    start_s: what one process takes to start here; 0 if that was not asked.
    """

    plot: Plot
    directory: Path
    ports: dict[str, int]
    links: dict[str, Path]
    start_s: float = 0.0

    def configuration(self, site: str) -> Path:
        """NODE.toml of a site."""
        return self.directory / f"{site}.toml"

    def light(self, span: str) -> Path:
        """The Unix socket of a span's fibre."""
        return self.directory / f"{span}.sock"

    def kme_url(self, site: str) -> str:
        """Where a site's key manager serves applications."""
        return f"https://127.0.0.1:{self.ports[f'{site} kme']}"

    def radio_lines(self, span: str) -> list[tuple[int, int]]:
        """What the radio of a span carries: from the port that listens to the one that it leads to."""
        ends = self.plot.spans[span]
        ways = [f"{ends[0]} to {ends[1]}", f"{ends[1]} to {ends[0]}"]
        peers = [(self.ports[way], self.ports[f"{way.rpartition(' ')[2]} peers"]) for way in ways]
        return [*peers, (self.ports[f"{span} radio"], self.ports[span])]

    def pki(self, name: str) -> Path:
        """A file of the laboratory's authority."""
        return self.directory / "pki" / name

    def link(self, span: str) -> Link:
        """The link of a span."""
        return Link.read(self.links[span])


def build(
    directory: Path, pool_keys: int, pad_keys: int, links: dict[str, Path] | None = None, plot: Plot = FIBRES
) -> Laboratory:
    """Make a laboratory in an empty directory.

    pool_keys, pad_keys: what each site wants to hold. links: LINK.toml of each span (None: those of haris), or
    PASS.toml. plot: who plays.
    """
    sites, spans = plot.sites, plot.spans
    directory.mkdir(parents=True, exist_ok=True)
    make_laboratory(
        directory / "pki",
        kmes=[f"kme-{site}" for site in sites],
        saes=list(SAES),
        signers=[*SIGNERS, *(f"kme-{site}" for site in SIGNERS)],
        now=datetime.now(UTC),
    )
    listeners = [f"{site} {what}" for site in sites for what in ("kme", "peers")]
    if plot.in_contacts:
        listeners += [f"{span} radio" for span in spans]
        listeners += [f"{one} to {other}" for ends in spans.values() for one, other in (ends, ends[::-1])]
    listeners += [*spans, "gateway", "tunnel listen", "tunnel connect", "wiretap"]
    links = links or dict(zip(spans, sorted(_packaged("links").glob("*.toml")), strict=True))
    laboratory = Laboratory(plot, directory, dict(zip(listeners, free_ports(len(listeners)), strict=True)), links)
    for site in sites:
        _write_secret(directory / f"{site}.kek", os.urandom(32))
        laboratory.configuration(site).write_text(_node_toml(laboratory, site, pool_keys, pad_keys))
    for span, ends in spans.items():
        secret = os.urandom(SECRET_OCTETS)
        for site in ends:  # each site burns its own copy
            _write_secret(directory / f"{span}.{site}.secret", secret)
    return laboratory


def orders_file() -> Path:
    """The hundred orders that haris brings along."""
    return _packaged("orders.fix")


def sky_file() -> Path:
    """The pass that haris brings along: the example of examples/space, to which this is a link."""
    return _packaged("sky") / "micius.toml"


def _packaged(name: str) -> Path:
    return Path(str(files("haris.demo").joinpath(name)))


def _write_secret(path: Path, octets: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(octets)


def _node_toml(laboratory: Laboratory, site: str, pool_keys: int, pad_keys: int) -> str:
    ports, plot = laboratory.ports, laboratory.plot
    lines = [
        f"# The site {site} of the demonstration.",
        "[site]",
        f'name = "{site}"',
        "laboratory = true # keys of emulated light are allowed here",
        "",
        "[kme]",
        f'id = "kme-{site}"',
        f'listen = "127.0.0.1:{ports[f"{site} kme"]}"',
        f'listen_peers = "127.0.0.1:{ports[f"{site} peers"]}"',
        f'certificate = "pki/kme-{site}.crt"',
        f'private_key = "pki/kme-{site}.key"',
        'authority = "pki/ca.crt"',
        "",
        "[store]",
        f'path = "{site}.db"',
        f'key_encryption_key = "{site}.kek"',
        "",
        "[pools]",
        f"keys = {pool_keys}",
        f"relay_keys = {pad_keys}",
        f"auth_octets = {4096 if plot.stations else 12288}",
    ]
    for sae, home in SAES.items():
        lines += ["", "[[sae]]", f'id = "{sae}"', f'site = "{home}"']
    for other in plot.sites:
        if other != site:
            radio = f"{site} to {other}"
            address = f"127.0.0.1:{ports[radio if radio in ports else f'{other} peers']}"
            lines += ["", "[[peer]]", f'site = "{other}"', f'kme = "kme-{other}"', f'address = "{address}"']
    contacts = ['reachable = "contacts"'] if plot.in_contacts else []
    for span, (alice, bob) in plot.spans.items():
        connect = ports.get(f"{span} radio", ports[span])
        if site in (alice, bob):
            lines += [
                "",
                "[[span]]",
                f'name = "{span}"',
                f'peer = "{bob if site == alice else alice}"',
                f'role = "{"alice" if site == alice else "bob"}"',
                f'{"passes" if plot.stations else "link"} = "{laboratory.links[span]}"',
                *([f'station = "{plot.stations[span]}"'] if plot.stations else []),
                f'light = "{span}.sock"',
                f'secret = "{span}.{site}.secret"',
                f'connect = "127.0.0.1:{connect}"' if site == alice else f'listen = "127.0.0.1:{ports[span]}"',
                *contacts,
                *([f"radio_elevation_deg = {RADIO_DEG}"] if contacts else []),
            ]
        elif plot.stations:  # that its pad is known before a key is sent that way
            lines += ["", "[[edge]]", f'span = "{span}"', f'sites = ["{alice}", "{bob}"]', *contacts]
    if site != plot.sites[1]:
        path = list(plot.sites) if site == "bank" else list(reversed(plot.sites))
        lines += ["", "[[pair]]", f'peer = "{path[-1]}"', f"path = {path}".replace("'", '"'), "end_to_end = true"]
        lines += [
            "",
            "[end_to_end]",
            f'certificate = "pki/kme-{site}.mldsa.crt"',
            f'private_key = "pki/kme-{site}.mldsa.key"',
            'authority = "pki/mldsa-ca.crt"',
        ]
    return "\n".join(lines) + "\n"
