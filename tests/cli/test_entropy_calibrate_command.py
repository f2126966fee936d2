"""haris entropy calibrate."""

from haris.cli.main import main
from haris.quantum.entropy.sources import read_source
from haris.quantum.entropy.vacuum import VACUUM, VacuumFluctuations


def test_two_recordings_become_a_source(tmp_path, capsys):
    for name, signal in (("on", 0.1), ("off", 0.02)):
        parameters = VacuumFluctuations(8, 0.6, 1e9, signal, 0.0, 1)
        VACUUM.emulate(parameters, 200_000, 3 if name == "on" else 4).samples.write(tmp_path / name)
    command = ["entropy", "calibrate", str(tmp_path / "on"), str(tmp_path / "off"), "--range", "0.6", "--dnl", "0.1"]
    assert main(command) == 0
    file = tmp_path / "source.toml"
    file.write_text(capsys.readouterr().out)
    parameters = read_source(file).parameters
    assert 0.098 < parameters.signal_rms_v < 0.102
    assert 0.019 < parameters.dark_rms_v < 0.021
    assert parameters.dnl_lsb == 0.1
    assert main(["entropy", "sources", str(file)]) == 0


def test_a_recording_that_is_not_there_is_an_input_error(tmp_path, capsys):
    assert main(["entropy", "calibrate", str(tmp_path / "on"), str(tmp_path / "off"), "--range", "0.6"]) == 2
    assert "recording.toml" in capsys.readouterr().err
