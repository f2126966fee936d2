"""The peer SatQuMA (github.com/cnqo-qcomms/SatQuMA): key length and optimum of a pass, in a process of its own.

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
from typing import Any

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


_OPTIMISER = """
import json, sys, time
import numpy as np
sys.path.insert(0, ".")
from key.get_key import optimise_loop
from key.protocols.key_efficient_BB84 import key_length
from optimize.optimiser import set_constraints
asked = json.load(sys.stdin)
fixed = asked["fixed"] | {"FSeff": np.array(asked["fixed"]["FSeff"])}
np.random.seed(asked["seed"])
ranges = {"Px": (0.3, 1.0), "P1": (0.6, 0.9999), "P2": (0.0, 0.4), "mu1": (0.3, 1.0), "mu2": (0.1, 0.5)}
knobs = {name: [True, False, None, *ends] for name, ends in ranges.items()} | {"tOptimise": True}
way = {"method": "COBYLA", "NoptMin": 10, "NoptMax": 1000, "tStopZero": True, "tStopBetter": False, "Nmax": 1200,
       "ctol": 1e-12, "rhobeg": 0.002}
bits, seconds = [], 0.0
for _ in range(asked["n"]):
    began = time.process_time()
    bounds, cons, options, x, xb = set_constraints(knobs, {"mu3": fixed["mu3"]}, way, "aBB84-WCP")
    found = optimise_loop(False, x, np.empty((5, 1, 1, 1, 1, 1)), np.zeros(5, int), fixed["mu3"], xb, fixed, bounds,
                          cons, options, way)[0]
    seconds += time.process_time() - began
    bits.append(float(key_length(found.x, fixed)[0]))
print(json.dumps([bits, seconds]))
"""
"""As its own main loop has it, with the ranges and the advanced input of its inputfiles/ (input-opt-calcloss.txt)."""


def optimiser(fixed: Mapping[str, object], n: int, seed: int) -> Callable[[], Figures] | None:
    """n optima of one pass, or None where no folder is named: the best key, and how many runs ended with none.

    fixed and what is raised: as of peer.
    """
    ask = _asked_of(_OPTIMISER, {"fixed": dict(fixed), "n": n, "seed": seed})
    if ask is None:
        return None

    def run() -> Figures:
        bits, seconds = ask()
        return {"optimum/s": n / seconds, "secret bits": max(bits), "of none": float(sum(each < 1.0 for each in bits))}

    return run


def peer(chosen: Sequence[float], fixed: Mapping[str, object], n: int) -> Callable[[], Figures] | None:
    """n key lengths of one pass, or None where no folder is named.

    chosen: probability of the key basis, those of two intensities, and the intensities themselves. fixed: its
    arguments by their names. Raises ParameterError where the folder is not there; its run raises one if it fails.
    """
    ask = _asked_of(_PROGRAM, {"chosen": list(chosen), "fixed": dict(fixed), "n": n})
    if ask is None:
        return None

    def run() -> Figures:
        bits, seconds = ask()
        return {"pass/s": n / seconds, "secret bits": bits}

    return run


def _asked_of(program: str, question: Mapping[str, object]) -> Callable[[], Any] | None:
    """What a program in its folder answers to a question, both JSON."""
    named = os.environ.get(ENVIRONMENT)
    if not named:
        return None
    if not (Path(named) / "key" / "protocols").is_dir():
        raise ParameterError(f"{ENVIRONMENT} names {named}, which is no folder of SatQuMA")
    asked = json.dumps(question)

    def ask() -> Any:
        order = [sys.executable, "-c", program]
        ended = subprocess.run(order, cwd=named, input=asked, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise ParameterError(f"{named} ended with {ended.returncode}: {ended.stderr.strip()[-200:]}")
        return json.loads(ended.stdout.splitlines()[-1])

    return ask
