"""The five acts. Each shows one thing that the running laboratory does, and fails loudly when it does not."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from haris.demo.desk import OrderDesk
from haris.demo.screen import Screen
from haris.demo.stage import FIRST, Stage
from haris.nouns.errors import HarisError, KeyUnavailable, PeerError
from haris.service.fix_orders import Order

FIRST_KEYS_S = 60.0
ORDER_PAUSE_S = 0.15
REFUSAL_S = 2.5


async def act_1_light(stage: Stage, screen: Screen) -> None:
    """Each link's budget becomes a secret key rate."""
    screen.act(1, "Light becomes key")
    for span in stage.laboratory.plot.spans:
        screen.link(span, stage.laboratory.link(span), stage.laboratory.links[span])
    watch = stage.watch
    await stage.until(lambda: all(record.good for record in watch.spans.values()), FIRST_KEYS_S, "a first block")
    await stage.until(lambda: watch.ready("bank", "exchange") > 0, FIRST_KEYS_S, "a key for the bank")
    screen.blocks(stage)


async def act_2_keys(stage: Stage, screen: Screen, number: int = 2) -> None:
    """Two curl lines fetch the same bytes at both sites; the replay is refused."""
    screen.act(number, "The same key at both sites (ETSI GS QKD 014)")
    folder = stage.laboratory.directory
    screen.line("  In another shell, while this runs:")
    screen.command(["cd", str(folder)])
    enc = _curl(stage, "bank", "sae-bank", "sae-exchange/enc_keys")
    master = await _run_curl(enc, folder, screen)
    key = master["keys"][0]
    screen.key("bank", key)
    dec = _curl(stage, "exchange", "sae-exchange", f"sae-bank/dec_keys?key_ID={key['key_ID']}")
    slave = (await _run_curl(dec, folder, screen))["keys"][0]
    screen.key("exchange", slave)
    if slave["key"] != key["key"]:
        raise PeerError("the two sites hold different bytes under one key_ID")
    replay = await _run_curl(dec, folder, screen, echo=False)
    if "keys" in replay:
        raise PeerError("a replayed dec_keys was answered with a key")
    screen.line(f"  the same again: {replay.get('message', replay)}")
    screen.line("  Both keys are burnt now. Repeat the first line for another; its key_ID goes into the second.")


async def act_3_orders(stage: Stage, screen: Screen, desk: OrderDesk, orders: Sequence[Order], number: int = 3) -> None:
    """Orders flow, beside what a wiretap sees."""
    screen.act(number, "Orders flow under the keys")
    shown = orders[0].fields
    screen.line("  an order:       " + "|".join(f"{tag}={value.decode('latin-1')}" for tag, value in shown[:7]) + "|…")
    await send(stage, desk, orders)
    screen.tunnel(stage.watch.tls)
    screen.line(f"  the wiretap:    {stage.wiretap.last[:40].hex(' ')} …  ({stage.wiretap.n_octets} octets so far)")
    clear = next((bytes(v) for tag, v in shown if tag == 11), b"")
    if clear and clear in stage.wiretap.recorded:
        raise PeerError("the wiretap read an order")
    screen.round_trips(desk)


async def act_4_kill(stage: Stage, screen: Screen, desk: OrderDesk, orders: Sequence[Order]) -> None:
    """The trusted node is killed and comes back; nothing is lost."""
    screen.act(4, "kill -9 of the trusted node")
    node, watch = stage.sites["midway"], stage.watch
    screen.line(f"  kill -9 {node.pid} (midway)")
    await node.kill()
    await send(stage, desk, orders[: len(orders) // 2])
    screen.line(f"  {len(orders) // 2} orders confirmed meanwhile, on keys that the ends already held")
    n_blocks = {span: len(record.good) for span, record in watch.spans.items()}
    await node.start()
    await send(stage, desk, orders[len(orders) // 2 :])
    await stage.until(
        lambda: all(len(watch.spans[span].good) > n for span, n in n_blocks.items()), FIRST_KEYS_S, "a new block"
    )
    screen.line("  midway is back: both spans met again, settled what was in doubt, and make blocks")
    if desk.n_sent != len(desk.confirmations):
        raise PeerError(f"{desk.n_sent} orders sent, {len(desk.confirmations)} confirmed")
    screen.line(f"  {desk.n_sent} orders sent, {len(desk.confirmations)} confirmed: nothing is lost")


async def act_5_eve(stage: Stage, screen: Screen, desk: OrderDesk, orders: Iterator[Order]) -> None:
    """Eve taps the first fibre: errors, aborts, an alarm, a dry pool, a tunnel that refuses; then recovery."""
    screen.act(5, "Eve taps the first fibre")
    watch, record = stage.watch, stage.watch.spans[FIRST]
    n_alarms, n_aborted = len(watch.alarms), record.n_aborted
    await stage.tap(1.0)
    flow = asyncio.create_task(send(stage, desk, orders))
    try:
        await stage.until(lambda: record.n_aborted > n_aborted + 1, FIRST_KEYS_S, "an aborted block")
        qber, n_eve = 100 * (record.qber or 0), record.n_aborted - n_aborted
        screen.line(f"  QBER of {FIRST}: {qber:.1f} %, {n_eve} blocks aborted, orders still flow on stored keys")
        screen.line(f"  ALARM: {watch.alarms[n_alarms].text}")
        await stage.until(lambda: watch.tunnel_state == "waiting", 2 * FIRST_KEYS_S, "a tunnel that refuses to go on")
        confirmed = len(desk.confirmations)
        screen.line(f"  the pool runs dry after {confirmed} orders: {watch.ready('bank', 'exchange')} keys are left")
        await asyncio.sleep(REFUSAL_S)
        if len(desk.confirmations) > confirmed + 1:
            raise PeerError("orders went on without a key")
        screen.line(f"  the tunnel refuses to go on: {watch.tunnel[-1].get('text', '')}")
        await stage.tap(0.0)
        screen.line("  Eve leaves")
        await stage.until(lambda: len(desk.confirmations) > confirmed + 5, FIRST_KEYS_S, "an order after Eve")
    finally:
        flow.cancel()
        await asyncio.gather(flow, return_exceptions=True)
    await stage.until(lambda: len(desk.confirmations) == desk.n_sent, FIRST_KEYS_S, "the last report")
    screen.line(f"  keys are back: {len(desk.confirmations)} of {desk.n_sent} orders are confirmed, none was lost")


async def send(stage: Stage, desk: OrderDesk, orders: Iterable[Order], pause_s: float = ORDER_PAUSE_S) -> None:
    """Send orders one after the other, each when the one before is confirmed."""
    for order in orders:
        stage.check()
        await desk.order(order)
        await asyncio.sleep(pause_s)


async def refused_for_good(stage: Stage, since_aborted: int, patience_s: float = 12.0) -> None:
    """Raise KeyUnavailable once no key has been there for patience_s while blocks of the first fibre abort."""
    dry_since: float | None = None
    while True:
        aborting = stage.watch.spans[FIRST].n_aborted - since_aborted >= 3
        dry = stage.watch.ready("bank", "exchange") == 0
        now = time.monotonic()
        dry_since = (dry_since or now) if dry and aborting else None
        if dry_since is not None and now - dry_since > patience_s:
            raise KeyUnavailable("no key is left: every block aborts, the pool is dry, the tunnel refuses to go on")
        await asyncio.sleep(0.1)


def _curl(stage: Stage, site: str, sae: str, path: str) -> list[str]:
    credentials = ["--cert", f"pki/{sae}.crt", "--key", f"pki/{sae}.key", "--cacert", "pki/ca.crt"]
    return ["curl", "-s", *credentials, f"{stage.laboratory.kme_url(site)}/api/v1/keys/{path}"]


async def _run_curl(command: list[str], folder: Path, screen: Screen, *, echo: bool = True) -> dict[str, Any]:
    if echo:
        screen.command(command)
    if shutil.which("curl") is None:
        raise HarisError("curl is needed for this act: apt-get install curl")
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    try:
        answer = json.loads(said)
    except json.JSONDecodeError:
        raise PeerError(f"curl brought no JSON: {said[:200]!r}") from None
    if not isinstance(answer, dict):
        raise PeerError("curl brought no JSON object")
    return answer
