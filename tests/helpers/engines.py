"""The shipped engine in a folder of a test's own, without half a minute of compiling."""

import shutil
from pathlib import Path

import pytest

from innovation_abm.kernel import compiling
from innovation_abm.rules import RuleBook


def keep_apart(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keep compiled code in a folder, in which only the shipped engine is at first."""
    book, kept = RuleBook(), compiling.cache_folder()
    parts = (compiling._folder(compiling.digest(book)), compiling.engine_folder(book))
    for part in parts:
        if part.is_dir():
            shutil.copytree(part, folder / part.relative_to(kept))
    patch.setenv(compiling.CACHE_VARIABLE, str(folder))
    compiling._built.cache_clear()
    if not all(part.is_dir() for part in parts):  # one was in the way of others, and is gone
        shutil.rmtree(folder, ignore_errors=True)
        compiling.build(book, print)
