"""VPN.toml: everything that one agent of a VPN is told by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal

from haris.nouns.checks import require_positive
from haris.nouns.document import read_document
from haris.nouns.endpoint import read_endpoint, read_server_url
from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name
from haris.service.vpn import Policy, Role


@dataclass(frozen=True, slots=True)
class VpnTable:
    """[vpn] name: what both ends call this VPN. role: the initiator takes keys, the responder fetches the same ones."""

    name: str
    role: Role

    def __post_init__(self) -> None:
        require_name("name", self.name)
        if len(self.name) > 24:
            raise ParameterError(f"name has at most 24 characters, got {self.name!r}")


@dataclass(frozen=True, slots=True)
class KmeTable:
    """[kme] The key manager of this end, haris's or another's (ETSI GS QKD 014).

    url: where it answers, https://HOST:PORT. peer_sae: SAE ID of the other end. certificate, private_key: of our SAE,
    PEM files. authority: PEM file of the authority that the key manager is of.
    """

    url: str
    peer_sae: str
    certificate: Path
    private_key: Path
    authority: Path

    def __post_init__(self) -> None:
        require_name("peer_sae", self.peer_sae)
        read_server_url("url", self.url)


@dataclass(frozen=True, slots=True)
class ControlTable:
    """[control] How the two agents speak of keys: mutual TLS, outside the tunnel.

    listen: HOST:PORT, at the responder. connect: HOST:PORT, at the initiator. peer: common name in the other agent's
    certificate. certificate, private_key: of this agent, PEM files. authority: PEM file of the other's authority.
    """

    peer: str
    certificate: Path
    private_key: Path
    authority: Path
    listen: str | None = None
    connect: str | None = None

    def __post_init__(self) -> None:
        if (self.listen is None) == (self.connect is None):
            raise ParameterError("peer: an agent either listens (the responder) or connects (the initiator)")
        read_endpoint("listen" if self.listen else "connect", self.listen or self.connect or "")


@dataclass(frozen=True, slots=True)
class IpsecTable:
    """[ipsec] The IKEv2 connection that `haris vpn ipsec` keys (strongSwan, by its vici socket).

    local, remote: addresses of this gateway and of the other. local_id, remote_id: IKE identities of this gateway and
    of the other, as in their certificates. local_ts, remote_ts: networks behind this gateway and behind the other.
    certificate, private_key: of this gateway, PEM files. authority: PEM file of the other gateway's authority.
    vici: socket of strongSwan. proposals: of IKE. esp_proposals: of ESP. kernel: who encrypts, Linux itself (`xfrm`)
    or strongSwan's plug-in kernel-libipsec. udp_encapsulation: ESP always in UDP, as with libipsec. guard: make
    remote_ts unreachable while no tunnel is up, so that nothing leaves in the clear. initiate_s: patience with one IKE
    exchange.
    """

    local: str
    remote: str
    local_id: str
    remote_id: str
    local_ts: tuple[str, ...]
    remote_ts: tuple[str, ...]
    certificate: Path
    private_key: Path
    authority: Path
    vici: Path = Path("/var/run/charon.vici")
    proposals: tuple[str, ...] = ("aes256gcm16-prfsha384-x25519", "aes256gcm16-prfsha384-ecp384")
    esp_proposals: tuple[str, ...] = ("aes256gcm16",)
    kernel: Literal["xfrm", "libipsec"] = "xfrm"
    udp_encapsulation: bool = False
    guard: bool = True
    initiate_s: float = 20.0

    def __post_init__(self) -> None:
        for name in ("local", "remote"):
            _require_address(name, getattr(self, name))
        for name in ("local_ts", "remote_ts"):
            _require_networks(name, getattr(self, name))
        require_positive("initiate_s", self.initiate_s)


@dataclass(frozen=True, slots=True)
class WireguardTable:
    """[wireguard] The peer that `haris vpn wireguard` keys (kernel or wireguard-go, by `wg`).

    interface: the one of WireGuard, already up, with its private key. peer: the other end's public key. allowed_ips:
    networks behind it. endpoint: HOST:PORT of the other end; the initiator needs it. keepalive_s: WireGuard's
    persistent keepalive, at the initiator. handshake: `natural` waits for WireGuard's next handshake (up to 120 s) and
    loses nothing; `forced` makes one at once and may lose what is on its way.
    """

    interface: str
    peer: str
    allowed_ips: tuple[str, ...]
    endpoint: str | None = None
    keepalive_s: int = 25
    handshake: Literal["natural", "forced"] = "natural"

    def __post_init__(self) -> None:
        if len(self.peer) != 44 or not self.peer.endswith("="):
            raise ParameterError(f"peer must be a public key as `wg pubkey` writes it, got {self.peer!r}")
        if self.endpoint is not None:
            read_endpoint("endpoint", self.endpoint)
        if not 1 <= self.keepalive_s <= 65535:
            raise ParameterError(f"keepalive_s must lie between 1 and 65535, got {self.keepalive_s}")
        _require_networks("allowed_ips", self.allowed_ips)


@dataclass(frozen=True, slots=True)
class VpnConfiguration:
    """The whole of VPN.toml."""

    vpn: VpnTable
    kme: KmeTable
    control: ControlTable
    policy: Policy = field(default_factory=Policy)
    ipsec: IpsecTable | None = None
    wireguard: WireguardTable | None = None

    def __post_init__(self) -> None:
        wanted = "connect" if self.vpn.role is Role.INITIATOR else "listen"
        if getattr(self.control, wanted) is None:
            raise ParameterError(f"control: the {self.vpn.role} needs {wanted}")
        if self.wireguard and self.vpn.role is Role.INITIATOR and self.wireguard.endpoint is None:
            raise ParameterError("wireguard: the initiator needs endpoint")


def read_vpn_configuration(path: Path) -> VpnConfiguration:
    """The configuration in a file. Raises ParameterError with file and line of what is wrong."""
    return read_document(path).root(VpnConfiguration)


def _require_address(name: str, text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        raise ParameterError(f"{name} must be an IP address, got {text!r}") from None


def _require_networks(name: str, texts: tuple[str, ...]) -> None:
    try:
        networks = [ip_network(text) for text in texts]
    except ValueError as error:
        raise ParameterError(f"{name} must be networks such as 10.1.0.0/16: {error}") from None
    if not networks:
        raise ParameterError(f"{name} must name a network")
