"""The peer of space is run as it is, in a process of its own."""

import pytest

from haris.bench import satquma
from haris.nouns.errors import ParameterError


def test_the_peer_is_asked_with_our_settings(tmp_path, monkeypatch):
    folder = tmp_path / "key" / "protocols"
    folder.mkdir(parents=True)
    program = folder / "key_efficient_BB84.py"
    program.write_text("def key_length(x, args):\n    return sum(x) + args['FSeff'].sum(), 0\n")
    monkeypatch.setenv(satquma.ENVIRONMENT, str(tmp_path))
    run = satquma.peer((0.5, 0.25), {"FSeff": [1.0, 2.0]}, 3)
    assert run()["secret bits"] == 3.75
    program.write_text("raise SystemExit(3)\n")
    with pytest.raises(ParameterError, match="ended with 3"):
        run()
    monkeypatch.setenv(satquma.ENVIRONMENT, str(tmp_path / "none"))
    with pytest.raises(ParameterError, match="no folder of SatQuMA"):
        satquma.peer((), {}, 1)
