"""The peer SatQuMA (github.com/cnqo-qcomms/SatQuMA): its key length of a pass, in a process of its own.

The path of its folder stands in the environment variable HARIS_SATQUMA. It is given the loss second by second, and the
settings; what it takes for the loss profile itself is not measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from haris.bench.contest import Figures
from haris.nouns.errors import ParameterError

ENVIRONMENT = "HARIS_SATQUMA"
ABSENT = f"{ENVIRONMENT} names none"

_PROGRAM = """
import json, sys, time
import numpy as np
sys.path.insert(0, ".")
from key.protocols.key_efficient_BB84 import key_length
asked = json.load(sys.stdin)
fixed = asked["fixed"] | {"FSeff": np.array(asked["fixed"]["FSeff"])}
bits = key_length(asked["chosen"], fixed)[0]
began = time.process_time()
for _ in range(asked["n"]):
    key_length(asked["chosen"], fixed)
print(json.dumps([float(bits), time.process_time() - began]))
"""


def peer(chosen: Sequence[float], fixed: Mapping[str, object], n: int) -> Callable[[], Figures] | None:
    """n key lengths of one pass, or None where no folder is named.

    chosen: probability of the key basis, those of two intensities, and the intensities themselves. fixed: its
    arguments by their names. Raises ParameterError where the folder is not there; its run raises one if it fails.
    """
    named = os.environ.get(ENVIRONMENT)
    if not named:
        return None
    if not (Path(named) / "key" / "protocols").is_dir():
        raise ParameterError(f"{ENVIRONMENT} names {named}, which is no folder of SatQuMA")
    asked = json.dumps({"chosen": list(chosen), "fixed": dict(fixed), "n": n})

    def run() -> Figures:
        order = [sys.executable, "-c", _PROGRAM]
        ended = subprocess.run(order, cwd=named, input=asked, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise ParameterError(f"{named} ended with {ended.returncode}: {ended.stderr.strip()[-200:]}")
        bits, seconds = json.loads(ended.stdout.splitlines()[-1])
        return {"pass/s": n / seconds, "secret bits": bits}

    return run
