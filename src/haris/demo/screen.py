"""What the demonstration shows in the terminal. With quiet, it shows nothing (for --json)."""

from __future__ import annotations

import base64
import contextlib
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from haris.demo.desk import OrderDesk
from haris.quantum.families.family import fibre_of
from haris.quantum.link import Link

if TYPE_CHECKING:
    from haris.demo.stage import Stage


class Screen:
    """Lines and tables on standard output."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(quiet=quiet, highlight=False, soft_wrap=True)

    def line(self, text: str = "") -> None:
        """One line as it is."""
        self._console.print(text, markup=False)

    def title(self, text: str) -> None:
        """The name of the whole."""
        self._console.rule(f"[bold]{text}")

    @contextlib.contextmanager
    def live(self, text: Callable[[], str]) -> Iterator[None]:
        """Keep one line at the foot of a terminal up to date; elsewhere do nothing."""
        if self._console.quiet or not self._console.is_terminal:
            yield
            return
        foot = Live(get_renderable=lambda: Text(text(), style="dim"), console=self._console, transient=True)
        with foot:
            yield

    def act(self, number: int, name: str) -> None:
        """An act begins."""
        self._console.print(f"\n[bold cyan]Act {number}.[/] [bold]{name}[/]")

    def command(self, words: list[str]) -> None:
        """A command that the reader can repeat."""
        self._console.print("  $ " + shlex.join(words), style="green", markup=False)

    def link(self, span: str, link: Link, path: Path) -> None:
        """A link's budget and what the bound promises, before any light."""
        channel, source, rate = fibre_of(link.family.name, link), link.source, link.rate()
        loss_db = channel.length_m / 1e3 * channel.loss_db_per_km
        self.line(
            f"  {span}: {channel.length_m / 1e3:.1f} km, {loss_db:.1f} dB, {source.clock_hz / 1e9:g} GHz, intensities "
            f"{' and '.join(f'{mu:g}' for mu in link.agreement().intensities)}: after {_citation(path)}"
        )
        self.line(
            f"    the plan: QBER {100 * float(rate.qber):.2f} %, {float(rate.secret_bits_per_s):.0f} secret bits "
            f"per second of light, epsilon {link.security.epsilon:.0e}"
        )

    def blocks(self, stage: Stage) -> None:
        """The first blocks and the pools, beside the plan."""
        columns = ("link", "sifted", "QBER", "disclosed", "secret", "bit/s of light", "motion")
        table = Table(box=None, padding=(0, 1), pad_edge=False)
        for column in columns:  # 80 columns hold them all
            table.add_column(column, no_wrap=True)
        for span, record in stage.watch.spans.items():
            block = record.good[-1]
            table.add_row(
                span,
                f"{block.sifted_bits:,}",
                f"{100 * (block.qber_key or 0):.2f} %",
                f"{block.leaked_bits:,}",
                f"{block.secret_bits:,}",
                f"{record.secret_bits_per_s:.0f}",
                f"× {record.quick_motion:.0f}",
            )
        self._console.print(table)
        self.line("  (motion: seconds of light for each second of this clock; nothing but the clicks costs time)")
        pools = ", ".join(
            f"{site} → {peer}: {pool.ready}" for (site, peer), pool in sorted(stage.watch.pools.items()) if pool.ready
        )
        self.line(f"  pools of 256-bit keys: {pools}")

    def key(self, site: str, key: dict[str, Any]) -> None:
        """One of the two demonstration keys: the only secrets that are ever shown, and burnt by being shown."""
        extension = key.get("key_extension") or {}
        octets = base64.b64decode(key["key"])
        self.line(f"  {site:<9} key_ID {key['key_ID']}  key {octets.hex()}")
        proof = extension.get("haris_proof") or {}
        self.line(
            f"            {len(octets) * 8} bits, {extension.get('haris_origin')}, "
            f"epsilon {extension.get('haris_epsilon'):.1e}, {extension.get('haris_hops')} hops; "
            f"{proof.get('attacks')} attacks, {proof.get('theorem', '').split(';')[0]}"
        )

    def tunnel(self, tls: dict[str, Any]) -> None:
        """What the ends of the tunnel agreed on."""
        self.line(
            f"  the tunnel:     {tls.get('version')}, {tls.get('group')} and a quantum key as PSK: {tls.get('psk')}, "
            f"exporter signed with ML-DSA: {tls.get('signed')}"
        )

    def round_trips(self, desk: OrderDesk) -> None:
        """How long orders took."""
        p50, p99 = desk.round_trip_ms(0.5), desk.round_trip_ms(0.99)
        self.line(
            f"  round trips:    {len(desk.confirmations)} orders, median {p50:.1f} ms, 99th percentile {p99:.1f} ms"
        )

    def summary(self, result: dict[str, Any]) -> None:
        """The end: one summary."""
        self._console.rule("[bold]Summary")
        for link in result["links"]:
            qber = "–" if link["qber"] is None else f"{100 * link['qber']:.2f} %"
            self.line(
                f"  {link['name']}: {link['blocks']} blocks, {link['aborted']} aborted, QBER {qber}, "
                f"{link['secret_bits_per_s']:.0f} secret bits per second of light"
            )
        trip = result["round_trip_ms"]
        self.line(
            f"  {result['orders_confirmed']} of {result['orders_sent']} orders confirmed"
            + (
                f", median {trip['p50']:.1f} ms, 99th percentile {trip['p99']:.1f} ms"
                if trip["p50"] is not None
                else ""
            )
        )
        self.line(
            f"  {result['keys_delivered']} keys delivered over {result['hops']} hops, "
            f"epsilon at most {result['epsilon_max']:.1e}"
        )
        memory = result["peak_memory_mb"]
        if memory:
            largest = max(memory, key=lambda name: memory[name])
            self.line(f"  largest process: {largest}, {memory[largest]:.0f} MB")
        self.line("  The light was emulated. The distillation, the keys, the tunnel and the orders were real.")


def _citation(path: Path) -> str:
    """Whose experiment a LINK.toml follows, as its first comment says: `# title: authors, reference`, two lines."""
    comment = [line.lstrip("# ") for line in path.read_text().splitlines()[:2]]
    return " ".join(comment).partition(": ")[2].rstrip(".")
