"""The peer cascade-cpp, with a stand-in that answers as its run_experiments does."""

import stat
import sys

import pytest

from haris.bench import cascade_cpp
from haris.nouns.errors import ParameterError

STAND_IN = """#!{python}
import json, pathlib, sys
asked, = json.loads(pathlib.Path(sys.argv[1]).read_text())
average = {{"elapsed_process_time": 0.01, "efficiency": 1.05 + asked["error_rate"], "remaining_frame_error_rate": 0.1}}
line = {{name: {{"average": value, "deviation": 0.0}} for name, value in average.items()}}
written = pathlib.Path(sys.argv[3]) / ("data__algorithm=" + asked["algorithm"])
written.write_text(json.dumps({{**line, "key_size": asked["key_size"], "reconciliations": asked["runs"]}}))
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Writes a program and names it in the environment."""

    def write(text):
        path = tmp_path / "run_experiments"
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv(cascade_cpp.ENVIRONMENT, str(path))
        return path

    return write


def test_its_figures_are_read(program):
    program(STAND_IN.format(python=sys.executable))
    figures = cascade_cpp.peer(0.02, 3)()
    assert figures == {"Mbit/s": pytest.approx(10.0), "f": pytest.approx(1.07), "frame_error_rate": 0.1}


def test_without_a_name_there_is_no_peer(monkeypatch):
    monkeypatch.delenv(cascade_cpp.ENVIRONMENT, raising=False)
    assert cascade_cpp.peer(0.02, 3) is None


def test_a_name_of_nothing_and_a_program_that_fails_are_told(program, monkeypatch):
    path = program("#!/bin/sh\necho no such option >&2\nexit 3\n")
    with pytest.raises(ParameterError, match=r"ended with 3: no such option"):
        cascade_cpp.peer(0.02, 3)()
    path.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(ParameterError, match="no data"):
        cascade_cpp.peer(0.02, 3)()
    monkeypatch.setenv(cascade_cpp.ENVIRONMENT, str(path.with_name("nothing")))
    with pytest.raises(ParameterError, match="is no program"):
        cascade_cpp.peer(0.02, 3)
