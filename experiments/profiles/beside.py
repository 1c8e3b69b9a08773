"""A profile made in a process of its own, beside a server that has to answer meanwhile.

``python -m innovation_abm.experiments.profiles.beside FOLDER`` reads ``FOLDER/answers.toml``, as
``innovation-abm profile`` does, and makes ``FOLDER/mine`` with its page. Each line that it prints
is JSON: a list of what is being done, how much is done, and of how much; at last ``null``, or a
text with what is wrong. It ends when its standard input is closed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.running.endings import end_with

MADE: Final = "mine"
"""The folder of the profile."""
NICENESS: Final = 10
"""The page goes first."""


def main(folder: Path) -> None:
    """Make the profile of a folder's answers."""
    end_with(sys.stdin.buffer)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        _make(folder)
    except InnovationAbmError as error:
        _print(str(error))
    else:
        _print(None)


def _make(folder: Path) -> None:
    from innovation_abm.experiments.profiles.answers import load_answers
    from innovation_abm.experiments.profiles.page import write_page
    from innovation_abm.experiments.profiles.profile import profile
    from innovation_abm.experiments.profiles.result import ANSWERS

    load_answers(folder / ANSWERS)  # what is wrong is said at once
    found = profile(folder / ANSWERS, folder / MADE, told=lambda *step: _print(step))
    write_page(found, folder / MADE)


def _print(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
