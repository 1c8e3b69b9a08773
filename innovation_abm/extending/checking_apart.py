"""Checking rules in a separate process, which ends in time whatever the rules do.

A rule may loop for ever, call itself without end, fill the memory or end its process. So this
process watches another one, which says how far it is after each check, and, when its time is up,
where it is. It ends with this one, too.
"""

from __future__ import annotations

import json
import math
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.extending.answers import QUESTIONS, Check, checks
from innovation_abm.rules.book import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike


LIMIT: Final = 300.0
"""Seconds that ``check-rules`` takes at most, unless told otherwise."""
CHILD: Final = "innovation_abm.extending.checking_child"
"""The program of the other process."""
LOOK: Final = 0.2
"""Seconds between checks of the clock and the memory."""
GRACE: Final = 5.0
"""Seconds beyond its time after which the other process is ended, if it does not end by itself."""
START: Final = 120.0
"""Seconds that it may take to load."""


def check_apart(
    path: str | PathLike[str],
    scenarios: int,
    seed: int,
    engines: bool,
    timeout: float,
    say: Callable[[str], None],
) -> list[Check]:
    """Check rules in a separate process; see :func:`innovation_abm.extending.checking.check_rules`.

    Raises:
        InnovationAbmError: as that does; or if the time is not above 0, or was up, or the process
            died, before the file was loaded.
    """
    if not (timeout > 0.0 and math.isfinite(timeout)):
        raise InnovationAbmError(f"timeout = {timeout:g}: must be a number of seconds above 0")
    asked = [str(path), scenarios, seed, engines, timeout]
    command = [sys.executable, "-m", CHILD, json.dumps(asked)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as other:  # type: ignore[call-overload]
        try:
            return _watched(str(path), other, timeout, say)
        finally:
            other.kill()


@dataclass
class _End:
    """The latest time at which the other process is ended."""

    at: float

    @property
    def has_come(self) -> bool:
        return time.monotonic() >= self.at


def _watched(
    path: str, other: subprocess.Popen[bytes], timeout: float, say: Callable[[str], None]
) -> list[Check]:
    """Listen to the other process until it finishes, its time is up, or it dies."""
    known: dict[str, Any] = {"stage": "", "found": {}, "skipped": {}}
    end = _End(time.monotonic() + START)
    for line in _lines(other, end):
        if line.get("ready"):
            end.at = time.monotonic() + timeout + GRACE
        if "say" in line:
            say(line["say"])
        if "error" in line:
            raise (RuleError if line["of_rules"] else InnovationAbmError)(line["error"])
        known |= {name: line[name] for name in known if name in line}
        if line.get("through"):
            return checks(known["found"], known["skipped"])
        if "late" in line:
            return _cut_off(path, known, line["late"])
    if end.has_come:
        return _cut_off(path, known, not_within(timeout))
    code = other.wait()
    ended = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return _cut_off(path, known, f"the process ended ({ended}), possibly out of memory")


def _lines(other: subprocess.Popen[bytes], end: _End) -> Iterator[dict[str, Any]]:
    """Yield what the other process reports, until it ends or its time is up."""
    said: queue.Queue[bytes] = queue.Queue()
    assert other.stdout is not None
    stream: IO[bytes] = other.stdout

    def listen() -> None:
        for line in stream:
            said.put(line)
        said.put(b"")

    threading.Thread(target=listen, daemon=True).start()
    while not end.has_come:
        with suppress(queue.Empty):
            if not (line := said.get(timeout=LOOK)):
                return
            yield json.loads(line)


def _cut_off(path: str, known: dict[str, Any], why: str) -> list[Check]:
    """List the checks where checking was cut short: the check under way has failed."""
    stage, found, skipped = known["stage"], known["found"], known["skipped"]
    if not stage:
        raise RuleError(f"{path}: {why} while it is loaded")
    if stage == "engines":  # to compile takes what it takes: no fault of the rules
        skipped = {"engines": f"{why}; try a longer --timeout", **skipped}
    else:
        found = {**found, stage: why}
    rest = dict.fromkeys(set(QUESTIONS) - set(found), "not checked: the check was cut short")
    return checks(found, rest | skipped)


def not_within(timeout: float) -> str:
    """Return what is said of rules whose time is up."""
    return f"does not end within {timeout:g} seconds"
