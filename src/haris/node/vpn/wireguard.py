"""WireGuard as a VPN's daemon, by `wg`: the key is the peer's preshared key, which counts from the next handshake.

Until a key is in use the peer has a random preshared key that nobody else knows, so that no handshake succeeds. A
secret reaches `wg` through a pipe, never on a command line or a disk.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from uuid import UUID

from haris.node.vpn.configuration import WireguardTable
from haris.nouns.errors import ParameterError, PeerError
from haris.service.vpn import SECRET_OCTETS, Role, TunnelSecret

_POLL_S = 0.1
_NATURAL_S, _FORCED_S = 190.0, 15.0
"""WireGuard makes a new handshake after 120 s, and forgets a session after 180 s."""


class WireguardDaemon:
    """The peer of one interface. entropy: for preshared keys that nobody can match."""

    def __init__(self, role: Role, table: WireguardTable, entropy: Callable[[int], bytes]) -> None:
        self._role, self._table, self._entropy = role, table, entropy
        self._secrets: dict[UUID, TunnelSecret] = {}
        self._set: UUID | None = None  # under which key the peer is
        self._before: UUID | None = None

    async def start(self) -> None:
        """Make the peer anew: sessions that it had were not made under a key of ours."""
        await self.close()

    async def load(self, key_id: UUID, secret: TunnelSecret) -> None:
        """Hold the secret."""
        self._secrets[key_id] = secret

    async def use(self, key_id: UUID) -> None:
        """Set the preshared key. The initiator waits for a handshake under it."""
        if key_id not in self._secrets:
            raise PeerError("the tunnel was closed meanwhile")
        self._before, self._set = self._set, key_id
        if self._role is Role.RESPONDER:
            await self._set_key(self._secrets[key_id].octets)
            return
        forced = self._table.handshake == "forced" or self._before is None  # the first: there is nothing to lose
        await self._set_key(self._secrets[key_id].octets, anew=forced)
        seen = 0 if forced else await self._last_handshake()
        try:
            async with asyncio.timeout(_FORCED_S if forced else _NATURAL_S) as patience:
                while await self._last_handshake() <= seen:
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            if not patience.expired():
                raise
            raise PeerError("no handshake came about under the new key") from None

    async def follow(self, key_id: UUID) -> None:
        """WireGuard itself follows each handshake."""

    async def forget(self, key_id: UUID) -> None:
        """Go back to the key before this one."""
        if key_id == self._set:
            self._set, self._before = self._before, None
            secret = self._secrets.get(self._set) if self._set else None
            forced = self._role is Role.INITIATOR and self._table.handshake == "forced"
            await self._set_key(secret.octets if secret else self._unmatchable(), anew=forced)
        self._wipe({key_id})

    async def keep(self, key_id: UUID) -> None:
        """Wipe all secrets but this one, to which a failed rotation goes back."""
        self._before = None
        self._wipe(self._secrets.keys() - {key_id})

    async def close(self) -> None:
        """Give the peer a key that nobody can match, and end its sessions."""
        await self._set_key(self._unmatchable(), anew=True)
        self._set = self._before = None
        self._wipe(set(self._secrets))

    async def carries(self) -> bool:
        """Whether the peer is there. Raises ConnectionError, as all verbs do, when the interface is not."""
        if self._table.peer not in (await self._wg("show", self._table.interface, "peers")).split():
            raise ConnectionError(f"{self._table.interface} has lost its peer")
        return True

    async def stop(self) -> None:
        """No further handshake; the session that is up ends by WireGuard's own limit, within 180 s."""
        await self._set_key(self._unmatchable())
        self._wipe(set(self._secrets))

    def _wipe(self, key_ids: set[UUID]) -> None:
        for key_id in key_ids & self._secrets.keys():
            self._secrets.pop(key_id).wipe()

    def _unmatchable(self) -> bytes:
        return self._entropy(SECRET_OCTETS)

    async def _set_key(self, octets: bytes | bytearray, anew: bool = False) -> None:
        """Set the peer's preshared key. anew: forget its sessions, which has the initiator make a new one at once."""
        table = self._table
        words = ["peer", table.peer, "remove"] if anew else []
        words += ["peer", table.peer, "preshared-key", "/dev/stdin", "allowed-ips", ",".join(table.allowed_ips)]
        if anew and table.endpoint:
            words += ["endpoint", table.endpoint]
        if self._role is Role.INITIATOR:
            words += ["persistent-keepalive", str(table.keepalive_s)]
        await self._wg("set", table.interface, *words, given=base64.b64encode(octets))

    async def _last_handshake(self) -> int:
        """Unix time of the peer's last handshake in seconds, 0 for none."""
        for line in (await self._wg("show", self._table.interface, "latest-handshakes")).splitlines():
            peer, _, seconds = line.partition("\t")
            if peer == self._table.peer:
                return int(seconds)
        return 0

    async def _wg(self, *words: str, given: bytes | None = None) -> str:
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec("wg", *words, stdin=pipe, stdout=pipe, stderr=pipe)
        except FileNotFoundError:
            raise ParameterError("wg is not installed (Debian package wireguard-tools)") from None
        out, error = await process.communicate(given or b"")
        if process.returncode != 0:
            raise ConnectionError(f"wg {words[0]} {self._table.interface}: {error.decode(errors='replace').strip()}")
        return out.decode()
