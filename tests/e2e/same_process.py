"""A command run in the process of the tests, which saves the second or two that a new one takes to load all."""

from __future__ import annotations

import contextlib
import gc
import io
from unittest import mock

from haris.cli.main import main
from haris.node.system import memory


def run_here(*words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr. What a site does with its memory is left out: see test_memory.py."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.multiple(memory, protect_memory=list, share_one_arena=lambda: None),
        mock.patch.object(gc, "freeze"),
    ):
        return main(words), out.getvalue(), err.getvalue()
