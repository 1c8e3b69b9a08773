"""Checking rules in a separate process, which ends in time whatever the rules do.

A rule may loop for ever, call itself without end, fill the memory or end its process. So this
process watches another one, which says how far it is after each check, and, when its time is up,
where it is. It ends with this one, too.
"""

from __future__ import annotations

import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.kernel.memory import free_memory
from innovation_abm.rules.book import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike
    from types import FrameType

    from innovation_abm.extending.checking import Check, Checking

LIMIT: Final = 300.0
"""Seconds that ``check-rules`` takes at most, unless told otherwise."""
GRACE: Final = 5.0
"""Seconds beyond its time after which the other process is ended, if it does not end by itself."""
START: Final = 120.0
"""Seconds that it may take to load."""
LOOK: Final = 0.2
"""Seconds between checks of the clock and the memory."""
SHARE: Final = 0.5
"""Share of the memory free at the start that the rules may use."""


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
    command = [sys.executable, "-m", __name__, json.dumps(asked)]
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
    from innovation_abm.extending.checking import checks

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
        return _cut_off(path, known, _not_within(timeout))
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


def _not_within(timeout: float) -> str:
    return f"does not end within {timeout:g} seconds"


def _cut_off(path: str, known: dict[str, Any], why: str) -> list[Check]:
    """List the checks where checking was cut short: the check under way has failed."""
    from innovation_abm.extending.checking import QUESTIONS, checks

    stage, found, skipped = known["stage"], known["found"], known["skipped"]
    if not stage:
        raise RuleError(f"{path}: {why} while it is loaded")
    if stage == "engines":  # to compile takes what it takes: no fault of the rules
        skipped = {"engines": f"{why}; try a longer --timeout", **skipped}
    else:
        found = {**found, stage: why}
    rest = dict.fromkeys(set(QUESTIONS) - set(found), "not checked: the check was cut short")
    return checks(found, rest | skipped)


# --- in the other process -------------------------------------------------------------------------


class _Reporter:
    """Says how far the checking is, whatever the rules print.

    The streams that it was started with are for that; rules get others.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        self.parent = os.fdopen(os.dup(0), "rb", buffering=0)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        self._lock = threading.Lock()

    def say(self, **line: Any) -> None:  # noqa: ANN401 - what JSON can hold
        """Write a line."""
        with self._lock:
            self._out.write(json.dumps(line).encode() + b"\n")


def main() -> None:
    """Check, and report; the arguments are those of :func:`check_apart`, as JSON."""
    path, scenarios, seed, engines, timeout = json.loads(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this ends it
    reporter = _Reporter()
    threading.Thread(target=_end_with_parent, args=(reporter.parent,), daemon=True).start()
    from innovation_abm.extending.checking import Checking

    try:
        checking = Checking(path, scenarios, seed, engines, lambda line: reporter.say(say=line))
        reporter.say(ready=True)
        _watch(reporter, checking, path, timeout)
        checking.run(lambda: reporter.say(**_known(checking)))
        reporter.say(**_known(checking), through=True)
    except InnovationAbmError as error:
        reporter.say(error=str(error), of_rules=isinstance(error, RuleError))


def _known(checking: Checking) -> dict[str, Any]:
    return {
        "stage": checking.stage,
        "found": dict(checking.found),
        "skipped": dict(checking.skipped),
    }


def _end_with_parent(parent: IO[bytes]) -> None:
    parent.read()  # which ends when the other end is closed
    os._exit(1)


def _watch(reporter: _Reporter, checking: Checking, path: str, timeout: float) -> None:
    """Watch time and memory from another thread; end this process when either is used up."""
    end = time.monotonic() + timeout
    most = _memory() + SHARE * free_memory()
    main_thread = threading.main_thread().ident

    def watch() -> None:
        while True:
            time.sleep(LOOK)
            why = ""
            if time.monotonic() > end:
                why = _not_within(timeout)
            elif _memory() > most:
                why = f"uses too much memory, more than {most / 1e9:.1f} GB"
            if why:
                frame = sys._current_frames().get(main_thread or 0)
                if checking.stage == "runs":
                    checking.seen(so_far=True)
                reporter.say(**_known(checking), late=f"{why}{_place(frame, path)}")
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _place(frame: FrameType | None, path: str) -> str:
    """Return where in the user's files a thread is; "" if in none."""
    folder = Path(path).resolve().parent
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if file.is_absolute() and file.parent == folder:
            return f" ({file.name}, line {frame.f_lineno}, in {frame.f_code.co_name})"
        frame = frame.f_back
    return ""


def _memory() -> float:
    """Return the memory that this process uses, in bytes; 0 where the system does not report it."""
    with suppress(OSError, ValueError, IndexError):  # Linux
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
    with suppress(ImportError, OSError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return float(peak if sys.platform == "darwin" else 1024 * peak)
    return 0.0


if __name__ == "__main__":
    main()
