import numpy as np
from numpy.typing import NDArray

def instruction_set() -> str: ...
def toeplitz(
    key: NDArray[np.uint8], n: int, seed: NDArray[np.uint8], out: NDArray[np.uint8], m: int, portable: bool
) -> None: ...
def philox4x64(counter: NDArray[np.uint64], key: NDArray[np.uint64], words: NDArray[np.uint64]) -> None: ...
def pulse_settings(
    key: NDArray[np.uint64],
    thresholds: NDArray[np.uint64],
    number: NDArray[np.int64],
    basis: NDArray[np.uint8],
    bit: NDArray[np.uint8],
    intensity: NDArray[np.uint8],
) -> None: ...
def sample_clicks(
    pulse_key: NDArray[np.uint64],
    receiver_key: NDArray[np.uint64],
    thresholds: NDArray[np.uint64],
    p_click: NDArray[np.float64],
    p_photon: NDArray[np.float64],
    p_max: float,
    eve: int,
    hold_off_gates: int,
    scalars: NDArray[np.float64],
    start: int,
    n_pulses: int,
    state: NDArray[np.uint64],
    time_ps: NDArray[np.int64],
    channel: NDArray[np.uint8],
) -> int: ...
