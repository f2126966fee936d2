"""What is wrong in a recording is told with file, place and both numbers; nothing wrong gets as far as an engine."""

import io

import numpy as np
import pytest
from small_light import LINK, SEED, raw_key_files, record, with_pulses

from haris.node.distil.folder import NewFolder, Recorder, open_folder
from haris.node.distil.halves import raw, recorded
from haris.node.distil.light import emulated
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin
from haris.nouns.pulses import Pulses, Settings
from haris.quantum.distill.transcript import Sender
from haris.wire import recording
from haris.wire.recording import BlockHeader, FileHeader, Half, Kind

SHORT = with_pulses(2000)


def written(blocks):
    files = io.BytesIO(), io.BytesIO()
    recorder = Recorder(*files, Origin.EMULATED, bytes(16))
    for block in blocks:
        recorder.write(*block)
    recorder.close()
    return [file.getvalue() for file in files]


def read(octets, role=Sender.BOB, link=SHORT):
    return list(recorded(io.BytesIO(octets), "bob.tags", role, link))


def test_blocks_come_back_as_they_shone():
    blocks = list(emulated(SHORT, 3, SEED))
    alice, bob = written(blocks)
    for (pulses, detections), mine, theirs in zip(blocks, read(alice, Sender.ALICE), read(bob), strict=True):
        assert mine.half == pulses
        assert np.array_equal(theirs.half.time_ps, detections.time_ps)
        assert np.array_equal(theirs.half.channel, detections.channel)


def test_wherever_a_file_is_cut_it_is_refused():
    _, bob = written(emulated(SHORT, 2, SEED))
    n = len(bob)
    for end in {*range(130), *range(130, n, 97), *range(n - 70, n)}:
        with pytest.raises(ParameterError, match=r"^bob\.tags: "):
            read(bob[:end])
    with pytest.raises(ParameterError, match=r"block 1 at octet \d+: the file ends within the block: \d+ octets of \d"):
        read(bob[: n - 70])
    with pytest.raises(ParameterError, match=r"block 2 at octet \d+: octet 00 behind the closing record"):
        read(bob + b"\0")


def test_wherever_a_bit_is_flipped_the_file_is_refused():
    _, bob = written(emulated(SHORT, 2, SEED))
    for at in {*range(16), *range(32, 110), *range(110, len(bob), 41)}:  # 16..31 is the name, which tells halves apart
        damaged = bytearray(bob)
        damaged[at] ^= 1 << at % 8
        if at == 13:  # the origin: open_folder compares it with the other half's
            continue
        with pytest.raises(ParameterError, match=r"^bob\.tags"):
            read(bytes(damaged))


def test_a_block_of_another_length_is_refused():
    _, bob = written(emulated(SHORT, 1, SEED))
    with pytest.raises(ParameterError, match=r"bob\.tags: block 0 .*2000 pulses; by link\.toml a block has 2001"):
        read(bob, link=with_pulses(2001))


def test_blocks_out_of_order_are_refused():
    files = [written([block])[1] for block in emulated(SHORT, 2, SEED)]
    head, end = recording.FILE_OCTETS, recording.BLOCK_OCTETS
    twice = files[0][:-end] + files[1][head:-end] + recording.write_end(2)
    with pytest.raises(ParameterError, match=r"block 1 at octet \d+: block 0 where block 1 belongs"):
        read(twice)


def test_an_alice_of_three_states_is_refused_by_the_bound_of_four():
    rng = np.random.default_rng(3)
    basis = (rng.random(2000) >= 0.8).astype(np.uint8)
    sent = Settings.of(basis, rng.integers(0, 2, 2000, dtype=np.uint8) * (1 - basis), np.zeros(2000, np.uint8))
    dark = Detections(2000, np.zeros(0, np.int64), np.zeros(0, np.uint8))
    alice, _ = written([(Pulses(2000, recorded=sent), dark)])
    with pytest.raises(ParameterError, match="basis 1, bit 1 is sent in 0 of 2000 pulses"):
        read(alice, Sender.ALICE)


def test_measured_light_is_not_drawn_from_a_key():
    files = io.BytesIO(), io.BytesIO()
    recorder = Recorder(*files, Origin.MEASURED, bytes(16))
    recorder.write(*next(emulated(SHORT, 1, SEED)))
    recorder.close()
    with pytest.raises(ParameterError, match="block 0 at octet 32: settings that follow from a key belong to emulated"):
        read(files[0].getvalue(), Sender.ALICE)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (BlockHeader(Kind.TAGS, 0, 2000, 0, 2**23 + 1), "8388609 time tags; at most 8388608 are taken"),
        (BlockHeader(Kind.SETTINGS, 0, 2000, 0, 2**40), "1099511627776 octets; at most 2147483648 are taken"),
    ],
)
def test_a_block_beyond_all_bounds_is_refused_before_it_is_read(header, words):
    start = recording.write_file_header(FileHeader(Half.BOB, Origin.EMULATED, bytes(16)))
    with pytest.raises(ParameterError, match=words):
        read(start + recording.write_block_header(header))


def test_halves_of_two_recordings_and_missing_files_are_refused(tmp_path):
    record(tmp_path / "one", 1, SHORT)
    assert open_folder(tmp_path / "one").link == SHORT
    bob = tmp_path / "one" / "bob.tags"
    octets = bytearray(bob.read_bytes())
    octets[20] ^= 1
    bob.write_bytes(octets)
    with pytest.raises(ParameterError, match=r"bob\.tags: the half of recording 00000000010+ "):
        open_folder(tmp_path / "one")
    (tmp_path / "one" / "bob.old").write_bytes(b"")
    with pytest.raises(ParameterError, match=r"one file bob\.\* belongs there, found 2: bob\.old, bob\.tags"):
        open_folder(tmp_path / "one")
    with pytest.raises(ParameterError, match="no folder"):
        open_folder(tmp_path / "two")
    with pytest.raises(ParameterError, match="exists already"):
        record(tmp_path / "one", 1, SHORT)


def test_a_recording_that_failed_leaves_nothing(tmp_path):
    def make():
        with NewFolder(tmp_path / "x", SHORT, Origin.EMULATED, bytes(16)) as recorder:
            recorder.write(*next(emulated(SHORT, 1, SEED)))
            raise ParameterError("dark")

    with pytest.raises(ParameterError, match="dark"):
        make()
    assert list(tmp_path.iterdir()) == []


def raw_halves(folder, role):
    return list(raw(open_folder(folder).paths, role, LINK.agreement()))


def test_raw_keys_are_states_at_the_place_of_their_order(tmp_path):
    folder = raw_key_files(tmp_path / "lab", 2, 400)
    assert open_folder(folder).header is None
    for mine, theirs in zip(raw_halves(folder, Sender.ALICE), raw_halves(folder, Sender.BOB), strict=True):
        assert mine.half.n_pulses == theirs.half.n_pulses == mine.agreement.protocol.block_pulses == 400
        same = mine.half.recorded.basis == theirs.half.channel >> 1
        key = same & (mine.half.recorded.basis == 0)
        wrong = (mine.half.recorded.bit ^ theirs.half.channel & 1)[key]
        assert 0.5 < same.mean() < 1
        assert wrong.mean() < 0.1
        assert np.all(mine.half.recorded.bit[mine.half.recorded.basis == 1] == 0)
        assert np.array_equal(theirs.half.time_ps // 1000, np.arange(400))


@pytest.mark.parametrize("who", ["alice", "intensity", "bob"])
def test_raw_files_that_do_not_fit_each_other_are_told_with_both_numbers(tmp_path, who):
    folder = raw_key_files(tmp_path / "lab", 2, 400)
    path = folder / f"{who}.bin"
    whole = path.read_bytes()
    for octets, words in (
        (whole[:-1], "the file ends within the block: 99 octets of 100"),
        (whole[:112], "the file ends within a length: 4 octets of 8"),
        (whole[:108], "the file ends after 1 blocks, the others go on"),
        (whole[:108] + (99).to_bytes(8, "big") + whole[117:], "99 octets|100 octets, bob.bin has 99"),
        (whole[:108] + bytes(8), "a block of 0 octets"),
    ):
        path.write_bytes(octets)
        for role in Sender:
            with pytest.raises(ParameterError, match=rf"\.bin: block 1 at octet 108: .*({words})"):
                raw_halves(folder, role)


def test_an_intensity_that_there_is_not_is_told(tmp_path):
    folder = raw_key_files(tmp_path / "lab", 1, 400)
    octets = bytearray((folder / "intensity.bin").read_bytes())
    octets[9] = 0b01
    (folder / "intensity.bin").write_bytes(octets)
    with pytest.raises(ParameterError, match=r"intensity\.bin: block 0 at octet 0: intensity 4 is 10"):
        raw_halves(folder, Sender.ALICE)
