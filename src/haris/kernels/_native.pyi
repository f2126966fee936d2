import numpy as np
from numpy.typing import NDArray

Octets = bytes | bytearray | memoryview

def toeplitz_paths() -> list[str]: ...
def toeplitz_workspace(n: int, skip: int, m: int) -> int: ...
def toeplitz(
    key: NDArray[np.uint8],
    n: int,
    skip: int,
    seed: NDArray[np.uint8],
    out: NDArray[np.uint8],
    m: int,
    path: str,
    workspace: NDArray[np.uint8] | None = None,
) -> None: ...
def block_toeplitz_paths() -> list[str]: ...

class BlockToeplitz:
    def __init__(self, seed: NDArray[np.uint8], n: int, m: int) -> None: ...
    def hash(self, blocks: NDArray[np.uint8], n_blocks: int, out: NDArray[np.uint8], path: str) -> None: ...

def deal_8(
    frame: NDArray[np.uint8], turns: NDArray[np.uint32], first: int, last: int, out: NDArray[np.uint8]
) -> bool: ...
def deal_16(
    frame: NDArray[np.uint16], turns: NDArray[np.uint32], first: int, last: int, out: NDArray[np.uint16]
) -> bool: ...
def click_gates(
    time_ps: NDArray[np.int64],
    channel: NDArray[np.uint8],
    period_ps: float,
    half_gate_ps: float,
    n_pulses: int,
    hold_off: int,
    pulse: NDArray[np.int64],
    basis: NDArray[np.uint8],
    bit: NDArray[np.uint8],
    several: NDArray[np.int64],
    mask: NDArray[np.uint8],
    portable: bool,
) -> tuple[int, int]: ...
def sift_keyed(
    pulse: NDArray[np.int64],
    bob_basis: NDArray[np.uint8],
    key: NDArray[np.uint64],
    thresholds: NDArray[np.uint64],
    start: int,
    kept: NDArray[np.uint8],
    low: NDArray[np.uint8],
    high: NDArray[np.uint8],
    test_bits: NDArray[np.uint8],
    key_bits: NDArray[np.uint8],
    clicks: NDArray[np.uint64],
    portable: bool,
) -> int: ...
def sift_recorded(
    pulse: NDArray[np.int64],
    bob_basis: NDArray[np.uint8],
    settings: NDArray[np.uint8],
    kept: NDArray[np.uint8],
    low: NDArray[np.uint8],
    high: NDArray[np.uint8],
    test_bits: NDArray[np.uint8],
    key_bits: NDArray[np.uint8],
    clicks: NDArray[np.uint64],
    portable: bool,
) -> int: ...
def sift_received(
    basis: NDArray[np.uint8],
    bit: NDArray[np.uint8],
    n_clicks: int,
    kept: NDArray[np.uint8],
    intensities: NDArray[np.uint8],
    n_kept: int,
    test_bits: NDArray[np.uint8],
    n_test: int,
    key_bits: NDArray[np.uint8],
    key_low: NDArray[np.uint8],
    key_high: NDArray[np.uint8],
    clicks: NDArray[np.uint64],
    test_errors: NDArray[np.uint64],
    portable: bool,
) -> None: ...
def crc32(octets: NDArray[np.uint8], tables_only: bool) -> int: ...
def pack_ascending(numbers: NDArray[np.int64], out: NDArray[np.uint8]) -> int: ...
def unpack_ascending(octets: NDArray[np.uint8], below: int, numbers: NDArray[np.int64]) -> tuple[int, int]: ...
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
def write_container(
    key_ids: Octets, secrets: Octets, key_extension: Octets, container_extension: Octets
) -> bytearray: ...
def read_container(body: Octets) -> tuple[bytes, bytearray, bytes, bytes] | None: ...
def read_key_ids(body: Octets) -> bytes | None: ...
def write_key_ids(key_ids: Octets) -> bytes: ...
def ldpc_paths() -> list[str]: ...
def ldpc_syndrome(
    start: NDArray[np.int32],
    column: NDArray[np.int32],
    shift: NDArray[np.int32],
    lifting: int,
    bits: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None: ...
def ldpc_decode(
    start: NDArray[np.int32],
    column: NDArray[np.int32],
    shift: NDArray[np.int32],
    lifting: int,
    syndrome: NDArray[np.uint8],
    weight: NDArray[np.uint16],
    level: NDArray[np.int16],
    posterior: NDArray[np.int16],
    messages: NDArray[np.int8],
    iterations: int,
    path: str,
) -> int: ...
def sum_product_decode(
    start: NDArray[np.int32],
    column: NDArray[np.int32],
    shift: NDArray[np.int32],
    lifting: int,
    leaf: NDArray[np.float32],
    syndrome: NDArray[np.uint8],
    posterior: NDArray[np.float32],
    messages: NDArray[np.float32],
    iterations: int,
    path: str,
) -> int: ...
def cascade_instruction_set() -> str: ...
def cascade_masks(key: NDArray[np.uint64], stages: NDArray[np.int32], masks: NDArray[np.uint64]) -> None: ...
def cascade_step(
    levels: NDArray[np.int32],
    rows: NDArray[np.int32],
    masks: NDArray[np.uint64],
    bitmaps: NDArray[np.uint64],
    marks: NDArray[np.uint64],
    live: NDArray[np.int32],
    standing: NDArray[np.int32],
    nodes: NDArray[np.uint32],
    errors: NDArray[np.uint8],
    correct: bool,
    parities: NDArray[np.uint8],
    portable: bool,
) -> int: ...
def health_paths() -> list[str]: ...
def health_of_octets(
    codes: NDArray[np.uint8],
    bits: int,
    repetition_cutoff: int,
    proportion_cutoff: int,
    proportion_window: int,
    window: int,
    state: NDArray[np.int64],
    rows: NDArray[np.int64],
    digests: NDArray[np.uint64],
    path: str,
) -> tuple[int, int, int]: ...
def health_of_words(
    codes: NDArray[np.uint16],
    bits: int,
    repetition_cutoff: int,
    proportion_cutoff: int,
    proportion_window: int,
    window: int,
    state: NDArray[np.int64],
    rows: NDArray[np.int64],
    digests: NDArray[np.uint64],
    path: str,
) -> tuple[int, int, int]: ...
def pack_octets(codes: NDArray[np.uint8], bits: int, out: NDArray[np.uint8], portable: bool) -> None: ...
def pack_words(codes: NDArray[np.uint16], bits: int, out: NDArray[np.uint8], portable: bool) -> None: ...
def tuple_repeats(symbols: NDArray[np.uint8], width: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]: ...
def predict_mcw(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]: ...
def predict_lag(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]: ...
def predict_mmc(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]: ...
def predict_lz78y(symbols: NDArray[np.uint8], n_symbols: int) -> tuple[int, int]: ...
def collision_times(bits: NDArray[np.uint8]) -> tuple[int, int]: ...
def shuffle(values: NDArray[np.uint8], words: NDArray[np.uint64]) -> None: ...
def bzip2_length(values: NDArray[np.uint8]) -> int: ...
def permutation_statistics(
    values: NDArray[np.uint8],
    symbols: NDArray[np.uint8],
    n_symbols: int,
    mean: float,
    median: float,
    wanted: int,
    out: NDArray[np.float64],
) -> None: ...
