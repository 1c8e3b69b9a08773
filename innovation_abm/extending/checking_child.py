"""The process in which rules are checked: it reports after each check, and ends in time.

Its time and memory are watched from another thread; :mod:`.checking_apart` starts it and listens.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.extending.checking_apart import LOOK, not_within
from innovation_abm.kernel.memory import free_memory
from innovation_abm.rules.book import RuleError

if TYPE_CHECKING:
    from types import FrameType

    from innovation_abm.extending.checking import Checking

SHARE: Final = 0.5
"""Share of the memory free at the start that the rules may use."""
LOOKS_FOR_PLACE: Final = 50
"""How often the place is looked for, within a second, where the user's code is still running."""


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
    from innovation_abm.extending.checking import Checking  # slow to load; the time starts after

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
                why = not_within(timeout)
            elif _memory() > most:
                why = f"uses too much memory, more than {most / 1e9:.1f} GB"
            if why:
                place = _place_of_thread(main_thread or 0, path)
                if checking.stage == "runs":
                    checking.seen(so_far=True)
                reporter.say(**_known(checking), late=f"{why}{place}")
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _place_of_thread(ident: int, path: str) -> str:
    """Return where in the user's files a thread is found within a second; "" if in none.

    A week may call the user's code again and again, and be elsewhere at any one moment.
    """
    for _ in range(LOOKS_FOR_PLACE):
        if place := _place(sys._current_frames().get(ident), path):
            return place
        time.sleep(1.0 / LOOKS_FOR_PLACE)
    return ""


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
