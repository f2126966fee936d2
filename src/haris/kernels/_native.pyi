import numpy as np
from numpy.typing import NDArray

def instruction_set() -> str: ...
def toeplitz(
    key: NDArray[np.uint8], n: int, seed: NDArray[np.uint8], out: NDArray[np.uint8], m: int, portable: bool
) -> None: ...
