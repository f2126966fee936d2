"""Small recordings for the tests: emulated light of one second's work, and synthetic files in a laboratory's form."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from haris.node.distil.folder import NewFolder
from haris.node.distil.light import emulated
from haris.nouns.keys import Origin
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.key_length import Security
from haris.wire.raw_key import write_pairs

LINK = Link(
    source=Source(clock_hz=1e9, intensities=(0.6, 0.2), p_intensities=(0.5, 0.5)),
    channel=Fibre(length_m=1000, loss_db_per_km=0.2, misalignment=0.003),
    detector=Detector(efficiency=0.6, p_dark=1e-7, jitter_s=50e-12),
    protocol=DecoyBB84(p_key_basis=0.8, block_pulses=800_000),
    security=Security(),
)
SEED = b"small light"


def with_pulses(n_pulses):
    return replace(LINK, protocol=replace(LINK.protocol, block_pulses=n_pulses))


def record(folder: Path, n_blocks: int, link=LINK, eve=0.0) -> Path:
    with NewFolder(folder, link, Origin.EMULATED, bytes(16)) as recorder:
        for block in emulated(link, n_blocks, SEED, InterceptResend(eve)):
            recorder.write(*block)
    return folder


def raw_key_files(folder: Path, n_blocks: int, n_states: int, qber=0.005, seed=7) -> Path:
    """Synthetic raw keys of a three-state one-decoy system, drawn from a random number generator, never measured.

    Three quarters of the states in the key basis at either end; Alice sends H, V and D.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir()
    LINK.write(folder / "link.toml")
    files = {who: (folder / f"{who}.bin").open("wb") for who in ("alice", "intensity", "bob")}
    for _ in range(n_blocks):
        basis, bob_basis = ((rng.random(n_states) >= 0.75).astype(np.uint8) for _ in range(2))
        bit = rng.integers(0, 2, n_states, dtype=np.uint8) * (basis == 0)
        wrong = rng.random(n_states) < np.where(basis == bob_basis, qber, 0.5)
        weak = (rng.random(n_states) < 0.25).astype(np.uint8)  # of what was detected, a weak pulse is seldom the cause
        files["alice"].write(write_pairs(basis, bit))
        files["intensity"].write(write_pairs(np.zeros_like(weak), weak))
        files["bob"].write(write_pairs(bob_basis, bit ^ wrong.astype(np.uint8)))
    for file in files.values():
        file.close()
    return folder
