#!/usr/bin/env bash
# Tests against kernels that were built with g++ under the sanitizers of addresses and undefined behaviour: what tests hand
# to pytest. The first fault ends the run and is printed with where it happened.
#
#     tools/sanitize.sh tests/kernels tests/quantum/distill
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/sanitized
python="$PWD/.venv/bin/python"

cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=g++ -DHARIS_SANITIZE=ON \
    -DPython_EXECUTABLE="$python" >/dev/null
cmake --build "$build" -j 2 >/dev/null

# The runtimes come before Python; blocks of Python come from malloc, whose ends are guarded.
export LD_PRELOAD PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so) $(g++ -print-file-name=libstdc++.so)"
exec "$python" - -p no:cacheprovider "$@" <<'END'
import importlib.util, sys
from pathlib import Path

name = "haris.kernels._native"
spec = importlib.util.spec_from_file_location(name, next(Path("build/sanitized").glob("_native*.so")))
sys.modules[name] = kernels = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kernels)
import pytest

sys.exit(pytest.main(sys.argv[1:]))
END
