"""The table of the first act on a terminal of eighty columns."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from haris.demo.screen import Screen


def test_the_table_of_blocks_fits_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    block = SimpleNamespace(sifted_bits=650_748, qber_key=0.1042, leaked_bits=355_095, secret_bits=268_894)
    record = SimpleNamespace(good=[block], secret_bits_per_s=3345.0, quick_motion=416.0)
    watch = SimpleNamespace(spans={"bank-midway": record, "midway-exchange": record}, pools={})
    Screen().blocks(SimpleNamespace(watch=watch))  # type: ignore[arg-type]
    lines = capsys.readouterr().out.splitlines()[:3]
    assert [line.split("  ")[0].strip() for line in lines] == ["link", "bank-midway", "midway-exchange"]
    assert all(len(line.rstrip()) <= 80 for line in lines)
    assert "…" not in "".join(lines)
