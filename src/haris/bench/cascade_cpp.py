"""The peer cascade-cpp (github.com/brunorijsman/cascade-cpp): its run_experiments, built by whoever measures.

Its path stands in the environment variable HARIS_CASCADE_CPP. It plays both parties in one process, as ours do, sends
nothing, and counts its processor time. Its best variant is `yanetal` (Yan et al., 2008). Its efficiency is the usual
count over n h(QBER). Its frame error rate looks at 32 of each 64 bits, and may miss a frame.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from haris.bench.contest import Figures
from haris.nouns.errors import ParameterError

ENVIRONMENT = "HARIS_CASCADE_CPP"
ABSENT = f"build its bin/run_experiments and name it in {ENVIRONMENT}"
ALGORITHM = "yanetal"
FRAME_BITS = 100_000
UNIT = "Mbit/s"


def peer(qber: float, n_frames: int) -> Callable[[], Figures] | None:
    """A run of n_frames at that error rate, or None where no program is named.

    Raises ParameterError where the program that is named is not there; its run raises one if the program fails.
    """
    named = os.environ.get(ENVIRONMENT)
    if not named:
        return None
    program = Path(named)
    if not os.access(program, os.X_OK):
        raise ParameterError(f"{ENVIRONMENT} names {named}, which is no program")

    def run() -> Figures:
        with TemporaryDirectory() as folder:
            return _figures(_measured(program, qber, n_frames, Path(folder)))

    return run


def _measured(program: Path, qber: float, n_frames: int, folder: Path) -> str:
    """The line that the program writes about one error rate."""
    experiment = {
        "independent_variable": "error_rate",
        "algorithm": ALGORITHM,
        "error_rate": qber,
        "key_size": FRAME_BITS,
        "runs": n_frames,
    }
    (folder / "experiment.json").write_text(json.dumps([experiment]))
    order = [str(program.absolute()), "experiment.json", "--output-dir", "."]
    ended = subprocess.run(order, cwd=folder, capture_output=True, text=True, check=False)
    written = sorted(folder.glob("data__*"))
    if ended.returncode or len(written) != 1:
        raise ParameterError(f"{program} ended with {ended.returncode}: {ended.stderr.strip() or 'no data'}")
    return written[0].read_text()


def _figures(line: str) -> Figures:
    data = json.loads(line)
    return {
        UNIT: data["key_size"] / data["elapsed_process_time"]["average"] / 1e6,
        "f": data["efficiency"]["average"],
        "frame_error_rate": data["remaining_frame_error_rate"]["average"],
    }
