"""A folder as a source: whole files in the order of their names, burnt once they are used."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_rig import SourceRig

from haris.node.sources.folder import FolderBox
from haris.nouns.errors import KeyUnavailable, ParameterError


def drop(folder: Path, name: str, octets: bytes) -> None:
    part = folder / f"{name}.part"
    part.write_bytes(octets)
    part.rename(folder / f"{name}.key")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "at-a", tmp_path / "at-b"
    for folder in folders:
        folder.mkdir(mode=0o700)
    return folders


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SourceRig]:
    rig = SourceRig(tmp_path)
    yield rig
    rig.close()


async def test_files_are_given_in_order_once_and_parts_are_left_alone(folders: tuple[Path, Path]) -> None:
    folder, _ = folders
    (folder / "aaa.part").write_bytes(b"half a k")
    (folder / ".hidden.key").write_bytes(bytes(32))
    (folder / "notes.txt").write_text("not a key")
    for name in ("k3", "k1", "k2"):
        drop(folder, name, name.encode() * 16)
    box = FolderBox(folder)
    assert [key.name for key in await box.fresh(2)] == ["k1", "k2"]
    assert [(key.name, key.secret) for key in await box.fresh(2)] == [("k3", b"k3" * 16)]
    with pytest.raises(KeyUnavailable, match=r"no new \.key file"):
        await box.fresh(2)


async def test_burning_overwrites_what_a_second_name_still_shows(folders: tuple[Path, Path]) -> None:
    folder, elsewhere = folders
    drop(folder, "k1", b"secret" * 5)
    os.link(folder / "k1.key", elsewhere / "witness")
    await FolderBox(folder).burn(["k1", "never-there"])
    assert not (folder / "k1.key").exists()
    assert (elsewhere / "witness").read_bytes() == bytes(30)


async def test_names_that_lead_out_of_the_folder_and_links_are_refused(folders: tuple[Path, Path]) -> None:
    folder, elsewhere = folders
    (elsewhere / "k.key").write_bytes(os.urandom(32))
    box = FolderBox(folder)
    with pytest.raises(ParameterError, match="cannot name a file"):
        await box.named(["../at-b/k"])
    (folder / "k.key").symlink_to(elsewhere / "k.key")
    with pytest.raises(KeyUnavailable):
        await box.named(["k"])


async def test_a_folder_open_to_others_or_missing_gives_no_keys(folders: tuple[Path, Path]) -> None:
    folders[0].chmod(0o755)
    with pytest.raises(ParameterError, match="chmod 700"):
        await FolderBox(folders[0]).fresh(1)
    missing = FolderBox(folders[0] / "missing")
    assert await missing.open(b"") == ()
    with pytest.raises(KeyUnavailable, match="No such file"):
        await missing.fresh(1)


async def test_a_span_lives_on_files_that_arrive_late_at_the_other_end(
    rig: SourceRig, folders: tuple[Path, Path]
) -> None:
    at_a, at_b = folders
    late: list[tuple[str, bytes]] = []
    for number in range(1000):
        name, octets = f"{number:06}", os.urandom(32)
        drop(at_a, name, octets)
        late.append((name, octets))
    async with rig.running(FolderBox(at_a), FolderBox(at_b)):
        await asyncio.sleep(0.2)  # Alice's end has offered by now
        for name, octets in late:
            drop(at_b, name, octets)
        await rig.until(rig.full)
        await rig.until(lambda: len(list(at_a.glob("*.key"))) == len(list(at_b.glob("*.key"))))  # burnt alike
    assert rig.require_same() == 2 * rig.targets.n_keys
    assert len(list(at_a.glob("*.key"))) < 1000 - 2 * rig.targets.n_keys
    assert rig.alarms() == []


async def test_files_used_before_a_crash_are_burnt_at_the_next_start(
    rig: SourceRig, folders: tuple[Path, Path]
) -> None:
    for number in range(600):
        octets = os.urandom(32)
        for folder in folders:
            drop(folder, f"{number:06}", octets)
    for site in "ab":  # the last process had drawn these and was killed before it burnt them
        rig.stores[site].note_names("box", ["000000", "000007"])
    async with rig.running(FolderBox(folders[0]), FolderBox(folders[1])):
        await rig.until(rig.full)
    assert not any((folder / f"{name}.key").exists() for folder in folders for name in ("000000", "000007"))
    assert "quarantined" not in rig.states("a") + rig.states("b")


async def test_a_name_that_serves_twice_is_a_lie(rig: SourceRig, folders: tuple[Path, Path]) -> None:
    def fill() -> None:
        for number in range(600):
            octets = os.urandom(32)
            for folder in folders:
                drop(folder, f"{number:06}", octets)

    fill()
    async with rig.running(FolderBox(folders[0]), FolderBox(folders[1])):
        await rig.until(rig.full)
        fill()
        for site, peer in ("ab", "ba"):
            rig.stores[site].reserve(peer, "a", 40, "test")
        await rig.until(lambda: rig.states("a") == ["quarantined"])
    assert any("repeated key_ID" in text for text in rig.alarms())
