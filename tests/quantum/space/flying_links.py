"""A link by each protocol that flies."""

from pathlib import Path

import numpy as np

from haris.quantum.link import FAMILIES
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.optics.source import Source
from haris.quantum.optics.three_state_source import FlawedSource
from haris.quantum.optics.time_bin_receiver import TimeBinReceiver
from haris.quantum.security.key_length import Security
from haris.quantum.space.channel import SpaceChannel
from haris.quantum.space.pass_link import PassLink, PassProtocol

EXAMPLE = Path(__file__).parents[3] / "examples" / "space" / "micius_xinglong_2016.toml"
LASER = (1e8, (0.5, 0.15), (0.5, 0.5))
PARTS = {
    "decoy-bb84": (Source(*LASER), Detector(0.5, 1e-7, dead_time_s=1e-7, p_afterpulse=0.01)),
    "six-state": (Source(*LASER), Detector(0.5, 1e-7, dead_time_s=1e-7)),
    "three-state": (Source(*LASER), TimeBinReceiver(0.5, 1e-8, 0.99, dead_time_s=1e-7)),
    "loss-tolerant": (FlawedSource(*LASER, (0.0, 3.15, 1.575)), TimeBinReceiver(0.5, 1e-8, 0.99)),
    "bbm92": (PairSource(1e8, 0.01, 0.97, modes=np.inf), PairReceivers(0.4, 0.5, 1e-7, 2e-7)),
}
WRONG = 0.01


def link_by(name):
    source, detector = PARTS[name]
    security = Security(bound=next(iter(FAMILIES[name].bounds)))
    channel = SpaceChannel(850e-9, 1.0, divergence_rad=1e-5, misalignment=WRONG)
    return PassLink(source, channel, detector, PassProtocol(0.8, name=name), security)
