import numpy as np
import pytest

from haris.kernels.reference_light import pulse_settings
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses, Settings
from haris.quantum.protocols.preparation import settings_at

KEY = bytes(range(32))


def test_keyed_settings_are_numbered_from_the_start_of_the_block():
    pulses = Pulses(n_pulses=100, start=10**12, key=KEY)
    index = np.array([99, 0, 7, 7], dtype=np.int64)
    found = settings_at(pulses, index, 0.8, (0.6, 0.4))
    basis, bit, intensity = pulse_settings(KEY, index + 10**12, 0.8, (0.6, 0.4))
    assert np.array_equal(found.basis, basis)
    assert np.array_equal(found.bit, bit)
    assert np.array_equal(found.intensity, intensity)


def test_recorded_settings_are_looked_up():
    recorded = Settings.of(*(np.arange(5, dtype=np.uint8) % m for m in (2, 2, 3)))
    found = settings_at(Pulses(n_pulses=5, recorded=recorded), np.array([4, 1]), 0.5, (1.0,))
    assert found.intensity.tolist() == [1, 1]
    assert found.basis.tolist() == [0, 1]


@pytest.mark.parametrize("index", [np.array([5]), np.array([-1]), np.array([[0]]), np.array([0.0])])
def test_an_index_outside_the_block_is_refused(index):
    with pytest.raises(ParameterError):
        settings_at(Pulses(n_pulses=5, key=KEY), index, 0.5, (1.0,))
