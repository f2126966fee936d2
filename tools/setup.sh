#!/usr/bin/env bash
# Makes $VENV with haris and everything it needs. Says in one line what the machine lacks; as root on a
# machine with apt it installs that itself.
set -euo pipefail
PYTHON="${PYTHON:-python3}"
VENV="$(realpath -m "${VENV:-.venv}")"

fail() {
    echo "haris: $*" >&2
    exit 2
}

runs() { "$PYTHON" -c "$1" >/dev/null 2>&1; }

lacking() { # the Debian packages that this machine still needs, one a line
    if runs ''; then
        local version
        version="$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
        runs 'import ensurepip, venv' || echo "python$version-venv"
        runs 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' || echo "python$version-dev"
    else
        printf '%s\n' python3 python3-venv python3-dev
    fi
    command -v g++ >/dev/null || command -v clang++ >/dev/null || echo g++
    command -v curl >/dev/null || echo curl
}

require_version() {
    runs 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or newer is needed, and $PYTHON is $("$PYTHON" -V 2>&1): name one that you have, as in make PYTHON=python3.12"
}

runs '' || [[ $PYTHON == python3 ]] || fail "$PYTHON does not run here: name one that does, as in make PYTHON=python3"
! runs '' || require_version
mapfile -t missing < <(lacking)
if ((${#missing[@]})); then
    install="apt-get install -y ${missing[*]}"
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || fail "${missing[*]} missing: sudo $install"
    echo "haris: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && $install -qq; } >/dev/null || fail "apt could not install everything: apt-get update && $install"
    require_version
fi

# A virtual environment without pip is one that was left half made.
if ! "$VENV/bin/python" -c 'import pip' 2>/dev/null; then
    [[ ! -e $VENV || -e $VENV/pyvenv.cfg ]] || fail "$VENV is in the way and no virtual environment: make VENV=another"
    "$PYTHON" -m venv --clear "$VENV"
fi
export VIRTUAL_ENV="$VENV" PATH="$VENV/bin:$PATH"
echo "haris: installing packages and building the kernels (the first time: four minutes of one core's work)"
[[ -x $VENV/bin/uv ]] || python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
uv pip install --quiet -c constraints.txt scikit-build-core nanobind cmake ninja
uv pip install --quiet -c constraints.txt --no-build-isolation -e '.[dev]'
