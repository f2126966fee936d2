"""Recorded light to secret key at both ends, from process to process, beside the fastest published system.

The recording is emulated beforehand, with the setting of every pulse, as a device would hand it over. That is not
counted; reading it, the draw of seeds, every message between the two ends and the writing of both key files are. Rates
count secret bits less the pad that their tags used up.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from haris.bench.contest import Conditions, Contest, Figures
from haris.kernels.toeplitz import instruction_set
from haris.node.distil.folder import NewFolder, open_folder
from haris.node.distil.halves import origin_of
from haris.node.distil.light import emulated
from haris.node.distil.run import Source as Recorded
from haris.node.distil.run import run
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import HarisError
from haris.nouns.keys import Origin
from haris.nouns.pulses import Pulses
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.protocols.preparation import settings_at
from haris.quantum.security.key_length import Security

N_BLOCKS = 8
LEAST_PULSES = 10_000_000  # fewer give no key
PROTOCOL = DecoyBB84(p_key_basis=0.9, block_pulses=60_000_000)
LINK = Link(
    source=Source(clock_hz=2.5e9, intensities=(0.5, 0.15), p_intensities=(0.7, 0.3)),
    channel=Fibre(length_m=10e3, loss_db_per_km=0.22, fixed_loss_db=0.87, misalignment=0.003),
    detector=Detector(efficiency=0.62, p_dark=1e-7, jitter_s=30e-12),
    protocol=PROTOCOL,
    security=Security(f_ec=2.1),
)
"""examples/links/li2023_10km.toml, where it is said what of it is assumed."""


def _recorded(pulses: Pulses, link: Link) -> Pulses:
    """The same pulses, with the setting of each."""
    every, agreed = np.arange(pulses.n_pulses), link.agreement()
    sent = settings_at(pulses, every, agreed.protocol.p_key_basis, agreed.p_intensities)
    return Pulses(pulses.n_pulses, pulses.start, recorded=sent)


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One contest, without a peer. Raises HarisError when a block gives no key."""
    n_pulses = max(LEAST_PULSES, conditions.size(PROTOCOL.block_pulses))
    link = replace(LINK, protocol=replace(PROTOCOL, block_pulses=n_pulses))
    folder = Path(tempfile.mkdtemp(prefix="haris-distill-", dir=conditions.folder))
    try:
        with NewFolder(folder / "recording", link, Origin.EMULATED, bytes(16)) as recorder:
            for keyed, detections in emulated(link, conditions.size(N_BLOCKS), conditions.seed.to_bytes(8, "big")):
                recorder.write(_recorded(keyed, link), detections)

        def ours() -> Figures:
            found = open_folder(folder / "recording")
            source = Recorded(found.link, origin_of(found.header), found.paths)
            result = run(source, folder / "keys")
            shutil.rmtree(folder / "keys")
            if not result.kept:
                raise HarisError(f"no block gave a key: {result.aborted[0].detail}")
            failed = sum(outcome.reason is AbortReason.VERIFICATION for outcome in result.aborted)
            return {
                "Mbit/s": result.secret_bit_s / 1e6,
                "f": result.efficiency(result.leaked_bits_one_way) or 0.0,
                "f_strict": result.efficiency(result.leaked_bits) or 0.0,
                "frames": result.n_blocks,
                "frame_error_rate": failed / result.n_blocks,
            }

        yield Contest("10 km, 2.5 GHz, recording to both ends' files", ours, instruction_set=instruction_set())
    finally:
        shutil.rmtree(folder)
