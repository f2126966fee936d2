"""Passive state preparation against all modes of source, channel and receivers, and against PyPI qkd (MIT)."""

import dataclasses

import numpy as np
import pytest
import qkd._core as peer
from gaussian_matrices import entropy, joined, mixed, squeezed_pair
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.quantum.emulate.expected_passive import expected_passive_channel
from haris.quantum.optics.oscillator_receiver import OscillatorReceiver
from haris.quantum.optics.split_fibre import SplitFibre
from haris.quantum.optics.thermal_source import ThermalSource
from haris.quantum.security.channel_confidence import channels_within, worst_holevo
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.holevo import holevo

LENGTH_M = 10e3


def random_link(rng, trusted, mode_overlap=1.0):
    source = ThermalSource(
        1e9,
        10 ** rng.uniform(0, 3),
        rng.uniform(3, 30),
        rng.uniform(0.1, 0.9),
        rng.uniform(0.3, 0.95),
        10 ** rng.uniform(-2, 0),
        mode_overlap,
        trusted,
    )
    fibre = SplitFibre(
        LENGTH_M, rng.uniform(0.1, 0.5), 0.5, 0.0, 10 ** rng.uniform(-3, -1), 0.0, int(rng.integers(1, 5)), 0.3
    )
    detection = str(rng.choice(["homodyne", "heterodyne"]))
    return source, fibre, OscillatorReceiver(detection, rng.uniform(0.3, 0.95), 10 ** rng.uniform(-2, -0.5))


class Modes:
    """All modes of one use, each by its name; pure states in, so that what Eve lacks both stations hold."""

    def __init__(self):
        self.names, self.covariance = [], np.zeros((0, 0))

    def add(self, names, covariance):
        self.names += names
        self.covariance = joined(self.covariance, covariance)

    def split(self, one, other, transmittance):
        """one keeps so much of its light; the rest of it, and as much of other, change places."""
        self.covariance = mixed(self.covariance, self.names.index(one), self.names.index(other), transmittance)

    def push(self, mode, quadrature, by):
        """Displaces a quadrature of a mode by the position of another mode, whose momentum is pushed back."""
        gate = np.eye(len(self.covariance))
        target, source = 2 * self.names.index(mode), 2 * self.names.index(by)
        gate[target + quadrature, source] = 1.0
        if quadrature == 0:
            gate[source + 1, target + 1] = -1.0
        else:
            gate[source + 1, target] = 1.0
        self.covariance = gate @ self.covariance @ gate.T

    def places(self, names):
        return [2 * self.names.index(name) + k for name in names for k in (0, 1)]

    def entropy(self, names, given=()):
        """Of these modes, after quadratures (name, 0 or 1) of others were measured."""
        wanted = self.places(names)
        keys = [2 * self.names.index(name) + k for name, k in given]
        everything = self.covariance[np.ix_(wanted + keys, wanted + keys)]
        if not keys:
            return entropy(everything)
        n = len(wanted)
        cross, own = everything[:n, n:], everything[n:, n:]
        return entropy(everything[:n, :n] - cross @ np.linalg.inv(own) @ cross.T)

    def information(self, one, other):
        """Bits that quadratures tell of others."""
        a, b = ([2 * self.names.index(name) + k for name, k in keys] for keys in (one, other))
        determinant = [np.linalg.slogdet(self.covariance[np.ix_(keys, keys)])[1] for keys in (a, b, a + b)]
        return 0.5 * (determinant[0] + determinant[1] - determinant[2]) / np.log(2.0)


def detect(modes, name, efficiency, electronic, heterodyne):
    """Adds a receiver's parts; returns the quadratures that are measured."""
    per_value = electronic * (2.0 if heterodyne else 1.0)
    inside = [f"{name} loss", f"{name} electronics"]
    modes.add(inside, squeezed_pair(1.0 + per_value / (1.0 - efficiency)))
    modes.split(name, inside[0], efficiency)
    if not heterodyne:
        return [(name, 0)]
    modes.add([f"{name} second"], np.eye(2))
    modes.split(name, f"{name} second", 0.5)
    return [(name, 0), (f"{name} second", 1)]


def through_channel(modes, fibre, receiver, line=None, noise=None):
    """The fibre with an entangling cloner, one splitter output after the other, and Bob; Eve's modes, Bob's values.

    line, noise: transmittance before the splitter and noise there, if not the fibre's.
    """
    if line is None:
        line = float(fibre.transmittance()) * fibre.users
        noise = line * fibre.excess_noise_snu
    modes.add(["eve", "eve kept"], squeezed_pair(1.0 + noise / (1.0 - line)))
    modes.split("out", "eve", line)
    eve = ["eve", "eve kept"]
    for left in range(fibre.users, 1, -1):
        other = f"user {left}"
        modes.add([other], np.eye(2))
        modes.split("out", other, (left - 1) / left)
        eve.append(other)
    return eve, detect(
        modes, "out", receiver.efficiency, receiver.electronic_noise_snu, receiver.detection == "heterodyne"
    )


def transmitter(source):
    """A thermal source as it is, to the mode "out": its light and the mode beside it, beam splitter, attenuator."""
    modes = Modes()
    for field in ("field", "beside"):
        modes.add([field, f"{field}'s environment"], squeezed_pair(2.0 * source.photons_per_mode + 1.0))
    modes.add(["out", "beside out", "attenuator"], np.eye(6))
    modes.split("field", "out", source.measured_share)
    modes.split("beside", "beside out", source.measured_share)
    modes.split("out", "attenuator", 10 ** (-source.attenuation_db / 10))
    modes.split("field", "beside", source.mode_overlap)
    return modes, detect(modes, "field", source.efficiency, source.electronic_noise_snu, True)


def test_what_alice_knows_and_what_eve_may_with_trusted_preparation():
    rng = np.random.default_rng(1)
    for _ in range(500):
        source, fibre, receiver = random_link(rng, trusted=True)
        channel = expected_passive_channel(source, fibre, receiver)
        modes, alice = transmitter(source)
        eve, bob = through_channel(modes, fibre, receiver)
        assert channel.mutual_information == pytest.approx(modes.information(alice[: len(bob)], bob), abs=1e-8)
        assert holevo(channel) == pytest.approx(modes.entropy(eve) - modes.entropy(eve, bob), abs=1e-6)


def test_light_of_other_modes_tells_eve_no_more_than_what_she_may_send_in_its_place():
    rng = np.random.default_rng(5)
    for _ in range(500):
        overlap = rng.uniform(0.7, 0.99)
        source, fibre, receiver = random_link(rng, True, overlap)
        channel = expected_passive_channel(source, fibre, receiver)
        modes, alice = transmitter(source)
        eve, bob = through_channel(modes, fibre, receiver)
        eve.append("beside out")
        assert channel.mutual_information == pytest.approx(modes.information(alice[: len(bob)], bob), abs=1e-8)
        honest = modes.entropy(eve) - modes.entropy(eve, bob)
        # The same values at both ends, of Alice's mode alone: less of it arrives, and Eve adds the noise.
        line = float(fibre.transmittance()) * fibre.users
        noise = line * (fibre.excess_noise_snu + (1.0 - overlap) * source.outgoing_variance_snu)
        modes, alice = transmitter(dataclasses.replace(source, mode_overlap=1.0))
        eve, bob = through_channel(modes, fibre, receiver, line * overlap, noise)
        assert channel.mutual_information == pytest.approx(modes.information(alice[: len(bob)], bob), abs=1e-8)
        attacked = modes.entropy(eve) - modes.entropy(eve, bob)
        assert holevo(channel) == pytest.approx(attacked, abs=1e-6)
        assert honest < attacked


def test_an_untrusted_preparation_is_eves_displacement_of_coherent_states():
    rng = np.random.default_rng(2)
    for _ in range(500):
        source, fibre, receiver = random_link(rng, trusted=False)
        channel = expected_passive_channel(source, fibre, receiver)
        modes = Modes()
        modes.add(["alice", "out"], squeezed_pair(1.0 + source.modulation_variance_snu))
        for quadrature, name in enumerate(("shift x", "shift p")):
            modes.add([name], np.diag([source.preparation_noise_snu, 1.0 / source.preparation_noise_snu]))
            modes.push("out", quadrature, name)
        eve, bob = through_channel(modes, fibre, receiver)
        eve += ["shift x", "shift p"]
        assert holevo(channel) == pytest.approx(modes.entropy(eve) - modes.entropy(eve, bob), abs=1e-6)
        trusted = expected_passive_channel(dataclasses.replace(source, trusted=True), fibre, receiver)
        assert channel.mutual_information == pytest.approx(trusted.mutual_information, rel=1e-12)
        assert holevo(trusted) < holevo(channel)


def test_alices_value_leaves_the_state_that_the_source_says():
    rng = np.random.default_rng(3)
    for _ in range(500):
        source, _, _ = random_link(rng, trusted=True)
        modes, alice = transmitter(source)
        out, keys = modes.places(["out"]), [2 * modes.names.index(name) + k for name, k in alice]
        v = modes.covariance
        explained = v[np.ix_(out, keys)] @ np.linalg.inv(v[np.ix_(keys, keys)]) @ v[np.ix_(keys, out)]
        left = v[np.ix_(out, out)] - explained
        np.testing.assert_allclose(explained, source.modulation_variance_snu * np.eye(2), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(left, (1.0 + source.preparation_noise_snu) * np.eye(2), rtol=1e-9, atol=1e-9)


def test_preparation_as_excess_noise_of_a_peer():
    # qkd 0.2.0 has no passive preparation: it is asked for Gaussian modulation with that noise at the input, and of
    # trusted preparation for what Eve knows of a stronger modulation without it.
    rng = np.random.default_rng(4)
    for _ in range(500):
        overlap = rng.uniform(0.9, 1.0)
        source, fibre, receiver = random_link(rng, bool(rng.integers(2)), overlap)
        receiver = dataclasses.replace(receiver, trusted=bool(rng.integers(2)))
        c = expected_passive_channel(source, fibre, receiver)
        rest = (receiver.efficiency, receiver.electronic_noise_snu, 0.95, not c.heterodyne, c.trusted)
        t, known, missed = float(c.transmittance), source.modulation_variance_snu, source.preparation_noise_snu
        at_input = (fibre.excess_noise_snu + (1.0 - overlap) * source.outgoing_variance_snu) / overlap
        information, eve, _ = peer.cv_rate(known, t, at_input + missed, *rest)
        if source.trusted:
            _, eve, _ = peer.cv_rate(known + missed, t, at_input, *rest)
        assert c.mutual_information == pytest.approx(information, abs=1e-9)
        assert holevo(c) == pytest.approx(eve, abs=3e-6)


trusted_channels = st.builds(
    lambda photons, attenuation, overlap, noise, detection, n: (
        ThermalSource(1e9, photons, attenuation, mode_overlap=overlap, trusted=True),
        SplitFibre(LENGTH_M, 0.2, excess_noise_snu=noise),
        OscillatorReceiver(detection, 0.6, 0.05),
        n,
    ),
    st.floats(1, 1e4),
    st.floats(3, 40),
    st.floats(0.5, 1),
    st.floats(0, 0.1),
    st.sampled_from(["homodyne", "heterodyne"]),
    st.floats(1e3, 1e12),
)


@settings(max_examples=100, deadline=None)
@given(trusted_channels)
def test_no_channel_within_the_estimates_is_worse_with_trusted_preparation(parts):
    *optics, n = parts
    c = expected_passive_channel(*optics)
    block = GaussianBlock(c, n, n, 0.95, 0.0, 1)
    ends = channels_within(block, 6.5)
    values = n * c.values_per_symbol
    most = c.value_noise_snu * (1.0 + 6.5 * np.sqrt(2.0 / values))
    t = np.linspace(np.sqrt(ends.transmittance[0]), np.sqrt(ends.transmittance[2]), 2001) ** 2
    left = (most - 1.0 - c.electronic_noise_snu) / c.gain - t * c.trusted_preparation_snu
    dense = dataclasses.replace(c, transmittance=t, noise_snu=np.maximum(left, 0.0))
    assert holevo(dense).max() <= worst_holevo(block, 6.5) + 1e-12
