"""The output of commands: pages for people, JSON for machines, errors and progress.

The results of a command go to standard output. Errors and progress go to standard error, so that
standard output with ``--json`` is the JSON alone.
"""

from __future__ import annotations

import json
import math
import sys
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from innovation_abm.errors import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

WIDTH: Final = 80
"""The most columns that a page takes; fewer if the terminal has fewer."""

LONGEST: Final = 1_000
"""Most characters of a line of an error: a path, for instance, may be very long."""

PATIENCE: Final = 1.0
"""Seconds after which progress is shown."""

WRONG: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130
"""Exit statuses: a check found something wrong; the input is wrong; stopped by Ctrl-C."""


def page(*, stderr: bool = False) -> Console:
    """Return a console for people: no markup, no automatic colours, at most 80 columns."""
    from rich.console import Console

    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    console.width = min(console.width, WIDTH)
    return console


def bar(console: Console, share: float, width: int) -> str:
    """Draw a horizontal bar; ``share`` of ``width`` columns, in [0, 1], at least one if above 0."""
    if not share > 0:
        return ""
    mark = "#" if console.options.ascii_only else "█"
    return mark * max(1, round(min(share, 1.0) * width))


def to_json(value: object) -> str:
    """Write a value as JSON, in ASCII; undefined and infinite numbers become null."""
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(value: object) -> None:
    """Print a value as JSON; see :func:`to_json`."""
    print(to_json(value))


def print_error(message: str) -> None:
    """Print an error on standard error; lines are wrapped only on a terminal."""
    lines = [shortened(line, LONGEST) for line in f"innovation-abm: {message}".splitlines()]
    if sys.stderr.isatty():
        lines = [part for line in lines for part in wrapped(line)]
    print("\n".join(lines), file=sys.stderr)


@contextmanager
def resumable(folder: str | None) -> Iterator[None]:
    """Report where finished work is if it is interrupted; ``None``: nothing is kept."""
    try:
        yield
    except KeyboardInterrupt:
        if folder is not None and Path(folder).is_dir():
            print_error(f"what is finished is in {folder}; the same command continues")
        raise


def wrapped(line: str, width: int = WIDTH) -> list[str]:
    """Wrap a line, continued four columns further in; words are not broken."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def survive_any_text() -> None:
    """Escape characters that the terminal or file cannot hold, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


class Working:
    """Shows progress on a terminal, once the work has taken a second; elsewhere nothing.

    A context manager; call it with how much is done, how much there is in all, and optionally what
    is being done. It disappears when the work ends, in whatever way.
    """

    def __init__(self, what: str) -> None:
        """Announce ``what`` is being done, in a few words."""
        self._what = what
        self._done, self._total = 0, 0
        self._bar: Any = None
        self._lock = threading.Lock()
        self._over = False
        self._noted: set[str] = set()
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Begin; nothing is shown yet."""
        if sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        """End, and clear what was shown."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.stop()

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Show how far the work is: ``done`` of ``total``."""
        self._done, self._total = done, total
        self._what = what or self._what
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0], completed=done, total=total, description=self._what
            )

    def say(self, what: str) -> None:
        """Show what is being done now, where progress is not known."""
        self._what, self._done, self._total = what, 0, 0
        if self._bar is not None:
            self._bar.remove_task(self._bar.task_ids[0])
            self._bar.add_task(what, total=None)

    def note(self, line: str) -> None:
        """Print a line that stays, beside the progress; the same line only once."""
        if line in self._noted:
            return
        self._noted.add(line)
        if self._bar is None:
            print_error(line)
        else:
            self._bar.console.print(f"innovation-abm: {line}")

    def _show(self) -> None:
        """Put the bar on the terminal; runs in the timer's thread."""
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        with self._lock:
            if self._over:
                return
            shown = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=30),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                console=page(stderr=True),
                transient=True,
            )
            shown.add_task(self._what, total=self._total or None, completed=self._done)
            shown.start()
            self._bar = shown
