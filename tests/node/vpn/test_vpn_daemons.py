"""haris vpn with the real daemons: strongSwan and wireguard-go in network namespaces, keyed by two key managers.

VPN_ROTATIONS=100 tries as many rotations, and -s shows what was lost. WireGuard's handshakes are forced, unless
VPN_HANDSHAKE=natural.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import vici
from kme_lab import Lab
from vpn_lab import VpnLab, Wiretap, lacking
from vpn_trial import Agent, Ping, configure, ipsec_table, key_managers, reachable

ROTATIONS = int(os.environ.get("VPN_ROTATIONS", "3"))
HANDSHAKE = os.environ.get("VPN_HANDSHAKE", "forced")
ROTATE_S = 0.8
PER_ROTATION_S = ROTATE_S + 5.0 + (190.0 if HANDSHAKE == "natural" else 0.0)
MAX_S, SHORT_S = 6.0, 4.0

pytestmark = [pytest.mark.trial, pytest.mark.timeout(120 + ROTATIONS * PER_ROTATION_S)]


@dataclass
class Trial:
    """What a test has in hand. a: the initiator's agent, b: the responder's."""

    lab: VpnLab
    kmes: Lab
    a: Agent
    b: Agent
    tap: Wiretap
    vicis: tuple[Path, ...] = ()

    def start(self) -> None:
        self.b.start()
        self.a.start()

    def agreed(self) -> list[str]:
        """key_IDs that the initiator brought into use, oldest first; the responder has used no other."""
        ours, theirs = ([event["key_id"] for event in agent.heard("rotated")] for agent in (self.a, self.b))
        assert set(theirs) <= set(ours)
        assert [key for key in ours if key in theirs] == theirs
        assert len(set(ours)) == len(ours)
        return ours


@contextlib.asynccontextmanager
async def trial(folder: Path, kind: str, max_s: float = MAX_S) -> AsyncIterator[Trial]:
    (folder / "kme").mkdir()
    kmes = Lab(folder / "kme")
    for site in ("bank", "exchange"):
        await kmes.start(site)
    kmes.seed("bank", "exchange", ROTATIONS + 50)
    control = {name: kmes.authority.issue(f"vpn-{name}") for name in "ab"}
    policy = {"rotate_s": ROTATE_S, "max_s": max_s, "overlap_s": 0.2}
    try:
        with VpnLab(folder) as lab:
            pairs = ((lab.a, lab.b), (lab.b, lab.a))
            if kind == "ipsec":
                vicis = tuple(lab.start_charon(end) for end in lab.ends)
                for (end, other), socket_path in zip(pairs, vicis, strict=True):
                    files = control[end.folder.name]
                    table = ipsec_table(end, other, files, socket_path)
                    configure(end, other, kmes.files, control, policy=policy, ipsec=table)
            else:
                vicis = ()
                names = [lab.start_wireguard(end, other) for end, other in pairs]
                keys = [
                    end.run("wg", "show", name, "public-key").strip() for end, name in zip(lab.ends, names, strict=True)
                ]
                for (end, other), name, peer in zip(pairs, names, reversed(keys), strict=True):
                    table = {
                        "interface": name,
                        "peer": peer,
                        "allowed_ips": [f"{other.inner}/32"],
                        "handshake": HANDSHAKE,
                    }
                    table |= {"endpoint": f"{other.outer}:51820"} if end is lab.a else {}
                    configure(end, other, kmes.files, control, policy=policy, wireguard=table)
            agents = Agent(lab, lab.a, kind), Agent(lab, lab.b, kind)
            with contextlib.closing(Wiretap(lab.a, lab.b)) as tap:
                async with key_managers(lab, kmes):
                    yield Trial(lab, kmes, *agents, tap, vicis)
                for agent in agents:
                    if agent.process is not None:
                        await agent.end()
    finally:
        await kmes.close()


async def close_for_want_of_keys(trial: Trial) -> None:
    """Without its key manager the tunnel works until the key is too old, and then carries nothing."""
    await trial.kmes.stop("bank")
    await asyncio.sleep(ROTATE_S)
    assert await asyncio.to_thread(reachable, trial.lab)
    await trial.a.until(lambda: bool(trial.a.heard("closed")), "the tunnel is closed")
    assert not await asyncio.to_thread(reachable, trial.lab)
    assert trial.a.heard("waiting")


@pytest.mark.skipif(bool(lacking("ipsec")), reason=lacking("ipsec"))
async def test_ipsec_changes_keys_without_losing_a_ping(tmp_path: Path) -> None:
    async with trial(tmp_path, "ipsec") as it:
        it.start()
        await it.a.until(lambda: bool(it.a.heard("started")), "the initiator's agent has laid its guard")
        await it.a.rotations(1)
        ping = Ping(it.lab)
        await it.a.rotations(ROTATIONS, within_s=20 + ROTATIONS * PER_ROTATION_S)
        for agent in (it.a, it.b):  # both ends may be killed at any moment, and the tunnel goes on
            count = len(it.a.heard("rotated"))
            await agent.end(signal.SIGKILL)
            agent.start()
            await it.a.rotations(count + 2)
        sent, answered = await ping.end()
        print(f"\nipsec: {len(it.agreed())} keys, {sent} pings, {sent - answered} lost")
        assert sent > 20
        assert answered == sent
        await close_for_want_of_keys(it)
        assert it.tap.n_packets > 2 * sent
        assert it.tap.n_clear == 0
        assert [await it.a.end(), await it.b.end()] == [0, 0]
        for path in it.vicis:
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
                connection.connect(str(path))
                assert vici.Session(connection).get_shared() == {"keys": []}


@pytest.mark.skipif(bool(lacking("ipsec")), reason=lacking("ipsec"))
async def test_nothing_leaves_an_ipsec_end_before_the_first_key_nor_after_max_s(tmp_path: Path) -> None:
    async with trial(tmp_path, "ipsec", max_s=SHORT_S) as it:
        it.a.start()
        await it.a.until(lambda: bool(it.a.heard("started")), "the agent has started")
        assert not await asyncio.to_thread(reachable, it.lab)
        assert not it.a.heard("rotated")
        it.b.start()
        await it.a.rotations(1)
        assert await asyncio.to_thread(reachable, it.lab)
        for agent in (it.a, it.b):
            await agent.end(signal.SIGKILL)
        assert await asyncio.to_thread(reachable, it.lab)  # the daemons go on by themselves, but not for ever
        async with asyncio.timeout(4 * SHORT_S):
            while await asyncio.to_thread(reachable, it.lab):
                await asyncio.sleep(0.2)
        assert it.tap.n_clear == 0


@pytest.mark.skipif(bool(lacking("wireguard")), reason=lacking("wireguard"))
async def test_wireguard_changes_keys(tmp_path: Path) -> None:
    natural = HANDSHAKE == "natural"
    async with trial(tmp_path, "wireguard", max_s=600.0 if natural else MAX_S) as it:
        it.a.start()
        await it.a.until(lambda: bool(it.a.heard("started")), "the initiator's agent has started")
        assert not await asyncio.to_thread(reachable, it.lab)
        it.b.start()
        await it.a.rotations(1)
        ping = Ping(it.lab)
        await it.a.rotations(ROTATIONS, within_s=20 + ROTATIONS * PER_ROTATION_S)
        sent, answered = await ping.end()
        print(f"\nwireguard, {HANDSHAKE} handshakes: {len(it.agreed())} keys, {sent} pings, {sent - answered} lost")
        assert sent > 20
        assert sent - answered <= (0 if natural else len(it.agreed()))
        if not natural:
            await close_for_want_of_keys(it)
        assert it.tap.n_clear == 0
        assert [await it.a.end(), await it.b.end()] == [0, 0]
