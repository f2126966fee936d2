#!/usr/bin/env bash
# Makes $VENV with haris and everything it needs. Says in one line what the machine lacks; as root on a
# machine with apt it installs that itself.
set -euo pipefail
PYTHON="${PYTHON:-python3}"
VENV="${VENV:-.venv}"

missing=()
command -v "$PYTHON" >/dev/null || missing+=(python3)
command -v g++ >/dev/null || command -v clang++ >/dev/null || missing+=(g++)
if command -v "$PYTHON" >/dev/null; then
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "haris needs Python 3.11 or newer, and $PYTHON is $("$PYTHON" -V): make PYTHON=python3.12" >&2
        exit 2
    }
    "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
    "$PYTHON" - <<'PY' || missing+=(python3-dev)
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
PY
else
    missing+=(python3-venv python3-dev)
fi
command -v curl >/dev/null || missing+=(curl)

if ((${#missing[@]})); then
    install="apt-get install -y ${missing[*]}"
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "haris: installing ${missing[*]}"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
    else
        echo "haris needs ${missing[*]}: sudo $install" >&2
        exit 2
    fi
fi

[[ -x $VENV/bin/python ]] || "$PYTHON" -m venv "$VENV"
[[ -x $VENV/bin/uv ]] || "$VENV/bin/python" -m pip install --quiet -c constraints.txt uv
export VIRTUAL_ENV="$PWD/$VENV"
echo "haris: installing packages and building the kernels (about a minute the first time)"
"$VENV/bin/uv" pip install --quiet -c constraints.txt scikit-build-core nanobind cmake ninja
PATH="$PWD/$VENV/bin:$PATH" "$VENV/bin/uv" pip install --quiet -c constraints.txt --no-build-isolation -e '.[dev]'
