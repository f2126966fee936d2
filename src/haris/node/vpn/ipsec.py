"""strongSwan as a VPN's daemon, by its vici socket: the key is a postquantum preshared key of RFC 8784.

An IKE rekey would not mix a new key in, so each key gets an IKE SA of its own: made before the old one is ended. The
initiator has a connection for each key, whose PPK_ID is the key_ID; the responder has one for all, which refuses an
IKE SA without a PPK. A PPK stays in strongSwan only until its IKE SA is up. IKE SAs of the initiator end by themselves
at the policy's max_s (a reauthentication that finds no PPK), even if nobody is left to end them.

A new SA is up at the responder a moment before it is at the initiator. The initiator sends under it at once; the
responder must not, or what it sends in that moment is lost. How it is held back depends on the kernel (`IpsecTable`):

- xfrm: each new SA's policy has a lower priority than the one before, so that it serves when that one is gone.
- libipsec knows no such priority. There the responder's SAs have no policies of their own, and belong to one of two
  slots, a reqid each. Two trap policies let in what comes under either slot; a third, narrower one says which slot is
  sent under. It is laid anew once the initiator uses the key.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, TypeVar
from uuid import UUID

import vici
from vici.exception import CommandException, SessionException

from haris.node.system.threads import finish_in_thread
from haris.node.vpn.configuration import IpsecTable
from haris.nouns.errors import ParameterError, PeerError
from haris.service.vpn import Policy, Role, TunnelSecret

T = TypeVar("T")

_REPLY_S = 10.0
_END_S = 3.0
_REQIDS = (14, 20)
_GUARD_METRIC = "4278198272"  # behind every route that an administrator would set


class IpsecDaemon:
    """The IKEv2 connection of one VPN. name: of the VPN, which all that is put into strongSwan begins with."""

    def __init__(self, role: Role, name: str, table: IpsecTable, policy: Policy) -> None:
        self._role, self._table, self._policy = role, table, policy
        self._prefix = f"haris-{name}"
        self._session: Any = None
        self._turn = asyncio.Lock()
        self._older: dict[UUID, set[str]] = {}  # IKE SAs that were there before a key was loaded
        self._condemned: set[str] = set()
        self._priority = 0
        self._slots: dict[UUID, int] = {}  # libipsec, at the responder

    async def start(self) -> None:
        """Meet strongSwan. IKE SAs of this VPN that it has were made under keys, and may serve on until the next."""
        if self._table.guard:
            await self._guard()
        await self._do(self._meet)

    async def load(self, key_id: UUID, secret: TunnelSecret) -> None:
        """Give strongSwan the PPK under this key_ID, and the initiator's the connection that names it."""
        try:
            await self._do(lambda session: self._load(session, key_id, secret))
        finally:
            secret.wipe()

    async def use(self, key_id: UUID) -> None:
        """At the initiator: make an IKE SA under this key beside the old one."""
        if self._role is Role.INITIATOR:
            await self._do(lambda session: self._initiate(session, key_id))

    async def follow(self, key_id: UUID) -> None:
        """At the responder: send under this key. With xfrm that happens of itself when the old SA goes."""
        if self._holds_back and key_id in self._slots:
            await self._do(lambda session: self._send_by(session, self._slots[key_id]))

    async def forget(self, key_id: UUID) -> None:
        """Take PPK and connection of this key away, and IKE SAs that were made with them."""
        await self._do(lambda session: self._forget(session, key_id))

    async def keep(self, key_id: UUID) -> None:
        """End IKE SAs of other keys. The initiator's word to its peer's strongSwan ends them there, too."""
        await self._do(lambda session: self._keep(session, key_id))

    async def close(self) -> None:
        """End every IKE SA of this VPN, and take every PPK away."""
        await self._do(self._close)

    async def carries(self) -> bool:
        """Whether an IKE SA of this VPN is up."""
        return bool(await self._do(lambda session: [sa for sa in self._sas(session) if sa[2]]))

    async def stop(self) -> None:
        """Leave the IKE SA that is up to its limit, and no PPK behind."""
        if self._session is not None:
            await self._do(self._take_secrets_away)
            self._session.transport.close()
            self._session = None

    # -- what runs in a thread, with vici's session

    def _meet(self, session: Any) -> None:
        self._take_secrets_away(session)
        table = self._table
        session.load_key({"type": "any", "data": _read(table.private_key)})
        self._older, self._condemned, self._slots = {}, set(), {}
        if self._holds_back:
            self._lay_traps(session)

    def _load(self, session: Any, key_id: UUID, secret: TunnelSecret) -> None:
        self._end(session, self._condemned)
        self._condemned = set()
        self._older[key_id] = {unique for unique, _, _ in self._sas(session)}
        named = self._named(key_id)
        session.load_shared({"id": named, "type": "ppk", "data": bytes(secret.octets), "owners": [str(key_id)]})
        if self._role is Role.INITIATOR:
            session.load_conn({named: self._connection(key_id)})
        else:
            self._priority = max(self._priority + 1, int(time.time()))
            self._slots[key_id] = 1 - self._sending_slot(session) if self._holds_back else 0
            session.load_conn({self._prefix: self._connection(None, self._slots[key_id])})

    def _initiate(self, session: Any, key_id: UUID) -> None:
        wish = {"child": self._prefix, "ike": self._named(key_id), "loglevel": "1"}
        said = []
        try:
            for event in session.initiate({**wish, "timeout": str(int(1000 * self._table.initiate_s))}):
                said.append(event.get("msg", b"").decode(errors="replace"))
        except CommandException as error:
            why = [text for text in said if "error" in text or "failed" in text or "no " in text]
            raise PeerError(f"no IKE SA came about: {why[-1] if why else error}") from None
        self._take_secrets_away(session)

    def _forget(self, session: Any, key_id: UUID) -> None:
        self._unload(session, self._named(key_id))
        older = self._older.pop(key_id, None)
        if self._role is Role.INITIATOR:
            self._end(session, {unique for unique, name, _ in self._sas(session) if name == self._named(key_id)})
        elif older is not None:
            self._end(session, {unique for unique, _, _ in self._sas(session)} - older)

    def _keep(self, session: Any, key_id: UUID) -> None:
        self._take_secrets_away(session)
        older = self._older.get(key_id, set())
        self._older = {}
        self._slots = {k: slot for k, slot in self._slots.items() if k == key_id}
        if self._role is Role.INITIATOR:
            self._end(session, {unique for unique, name, _ in self._sas(session) if name != self._named(key_id)})
        else:
            self._condemned = older  # if the initiator's strongSwan has not ended them when the next key comes, we do

    def _close(self, session: Any) -> None:
        self._take_secrets_away(session)
        self._end(session, {unique for unique, _, _ in self._sas(session)})

    # -- libipsec at the responder: what holds it back

    @property
    def _holds_back(self) -> bool:
        return self._role is Role.RESPONDER and self._table.kernel == "libipsec"

    def _lay_traps(self, session: Any) -> None:
        """Both slots are listened to, and one of them is sent under: as before, if traps are there already."""
        wide = {f"in{slot}": self._trap(slot, wide=True) for slot in (0, 1)}
        exact = {f"out{slot}": self._trap(slot, wide=False) for slot in (0, 1)}
        never_met = {"version": "2", "remote_addrs": ["192.0.2.1"], "local": {"auth": "pubkey"}, "remote": {}}
        session.load_conn({self._traps: {**never_met, "children": {**wide, **exact}}})
        for name in ("in0", "in1"):
            if name not in self._laid(session):
                session.install({"child": name, "ike": self._traps})

    def _laid(self, session: Any) -> set[str]:
        """The traps that are there."""
        listed = session.list_policies({"trap": "yes", "ike": self._traps})
        return {policy["child"].decode() for entry in listed for policy in entry.values()}

    def _sending_slot(self, session: Any) -> int:
        return 1 if "out1" in self._laid(session) else 0

    def _send_by(self, session: Any, slot: int) -> None:
        laid = self._laid(session)
        if f"out{slot}" not in laid:
            session.install({"child": f"out{slot}", "ike": self._traps})
        if f"out{1 - slot}" in laid:
            session.uninstall({"child": f"out{1 - slot}", "ike": self._traps})

    def _trap(self, slot: int, wide: bool) -> dict[str, Any]:
        """A trap of a slot. wide: with its networks one bit wider, which libipsec puts behind a narrower one."""
        networks = [[ip_network(text) for text in ts] for ts in (self._table.local_ts, self._table.remote_ts)]
        local, remote = ([str(n.supernet() if wide else n) for n in ts] for ts in networks)
        return {"local_ts": local, "remote_ts": remote, "reqid": str(_REQIDS[slot])}

    def _take_secrets_away(self, session: Any) -> None:
        names = {_text(name) for name in session.get_shared().get("keys", [])}
        if self._role is Role.INITIATOR:
            names |= {_text(name) for name in session.get_conns().get("conns", [])}
        for name in names:
            if name != self._prefix and self._ours(name):
                self._unload(session, name)

    def _unload(self, session: Any, named: str) -> None:
        if named in {_text(name) for name in session.get_shared().get("keys", [])}:
            session.unload_shared({"id": named})
        if named in {_text(name) for name in session.get_conns().get("conns", [])}:
            session.unload_conn({"name": named})

    def _sas(self, session: Any) -> list[tuple[str, str, bool]]:
        """This VPN's IKE SAs: strongSwan's number, the connection's name, whether it carries traffic."""
        found = []
        for listed in session.list_sas():
            for name, sa in listed.items():
                if self._ours(name):
                    children = sa.get("child-sas", {}).values()
                    up = sa["state"] == b"ESTABLISHED" and any(c["state"] == b"INSTALLED" for c in children)
                    found.append((_text(sa["uniqueid"]), name, up))
        return found

    def _end(self, session: Any, numbers: set[str]) -> None:
        there = {unique for unique, _, _ in self._sas(session)}
        for number in sorted(numbers & there):
            wish = {"ike-id": number, "force": "yes", "timeout": str(int(1000 * _END_S)), "loglevel": "-1"}
            try:
                for _ in session.terminate(wish):
                    pass
            except CommandException:
                if number in {unique for unique, _, _ in self._sas(session)}:
                    raise

    def _connection(self, key_id: UUID | None, slot: int = 0) -> dict[str, Any]:
        """The connection for one key (the initiator's), or for any (the responder's), which puts it into a slot."""
        table = self._table
        child: dict[str, Any] = {
            "local_ts": list(table.local_ts),
            "remote_ts": list(table.remote_ts),
            "esp_proposals": list(table.esp_proposals),
            "rekey_time": "0",
        }
        if self._holds_back:
            child |= {"policies": "no", "reqid": str(_REQIDS[slot])}
        elif key_id is None:
            child["priority"] = str(self._priority)
        connection: dict[str, Any] = {
            "version": "2",
            "local_addrs": [table.local],
            "remote_addrs": [table.remote],
            "proposals": list(table.proposals),
            "encap": "yes" if table.udp_encapsulation or table.kernel == "libipsec" else "no",
            "mobike": "no",
            "unique": "never",
            "rekey_time": "0",
            "dpd_delay": "10s",
            "ppk_required": "yes",
            "local": {"auth": "pubkey", "id": table.local_id, "certs": [_read(table.certificate)]},
            "remote": {"auth": "pubkey", "id": table.remote_id, "cacerts": [_read(table.authority)]},
            "children": {self._prefix: child},
        }
        if key_id is not None:
            limit = {"reauth_time": f"{max(1, int(self._policy.max_s))}s", "over_time": "0", "rand_time": "0"}
            connection |= {"ppk_id": str(key_id), **limit}
        return connection

    def _ours(self, name: str) -> bool:
        """Whether a name in strongSwan is this VPN's, and not that of one whose name begins alike."""
        of_a_key = name.startswith(f"{self._prefix}-") and len(name) == len(self._prefix) + 37
        return name == self._prefix or of_a_key

    @property
    def _traps(self) -> str:
        return f"{self._prefix}/traps"

    def _named(self, key_id: UUID) -> str:
        return f"{self._prefix}-{key_id}"

    # -- the shell

    async def _do(self, work: Callable[[Any], T]) -> T:
        """Run work on vici's session, one at a time. ConnectionError when strongSwan is gone."""
        async with self._turn:
            return await finish_in_thread(self._work, work)

    def _work(self, work: Callable[[Any], T]) -> T:
        try:
            if self._session is None:
                self._session = vici.Session(self._connected())
            return work(self._session)
        except CommandException as error:
            raise PeerError(f"strongSwan refuses: {error}") from None
        except (OSError, SessionException) as error:
            self._session = None
            raise ConnectionError(f"strongSwan at {self._table.vici}: {error or 'gone'}") from None

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_REPLY_S + self._table.initiate_s)
        try:
            connection.connect(str(self._table.vici))
        except OSError:
            connection.close()
            raise
        return connection

    async def _guard(self) -> None:
        """Routes that take over while no tunnel is up: nothing for the networks behind the other end leaves."""
        for network in self._table.remote_ts:
            words = ["ip", "route", "replace", "unreachable", network, "metric", _GUARD_METRIC]
            pipe = asyncio.subprocess.PIPE
            try:
                process = await asyncio.create_subprocess_exec(*words, stderr=pipe)
            except FileNotFoundError:
                raise ParameterError("ip is not installed (Debian package iproute2): or guard = false") from None
            _, error = await process.communicate()
            if process.returncode != 0:
                raise ParameterError(f"guard: {' '.join(words)}: {error.decode(errors='replace').strip()}")


def _read(path: Any) -> bytes:
    try:
        return bytes(path.read_bytes())
    except OSError as error:
        raise ParameterError(f"{path}: {error.strerror}") from None


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
