"""What is kept on disk of a game while it is played, so that a new server continues it.

A journal is a small file of lines: what is played, then who sits where, each answer and each week
that ended, as they happen. Reading it gives the game's state again, whenever the server ended. Of a
phone it holds a digest of the random number in its cookie, and nothing else.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import sqlite3
import threading
import time
import tomllib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.store.ledger import held
from innovation_abm.kernel.compiling import cache_folder
from innovation_abm.reading.text_files import read_bytes, write_whole
from innovation_abm.scenario.scenario import Scenario
from innovation_abm.scenario.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from innovation_abm.dashboards.archive import Played
    from innovation_abm.scenario.parameters import Parameter

FOLDER_VARIABLE: Final = "INNOVATION_ABM_GAMES_DIR"
"""Environment variable that names the folder in which journals are kept."""
FORMAT: Final = 1
"""Version of the format of journals."""
MOST_BYTES: Final = 50_000_000
"""Most bytes of a journal: some ten times those of the largest room that plays the longest run."""
KEPT: Final = 7 * 24 * 3_600
"""Seconds after which a journal that nobody continued is removed."""
PRIVATE: Final = 0o600
"""Who may read and write a journal: the user whose server keeps it."""
BROKEN: Final = ".broken"
"""How the name of a journal ends in which a week is missing: such a game is not offered."""


DAMAGED: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading raises where something else is in a journal than was written to it."""
LOCK: Final = ".lock"
"""How the name of the file ends that the server holds which plays the game."""


class JournalError(InnovationAbmError):
    """A game cannot be kept or continued."""


@dataclass(frozen=True)
class JournalHeader:
    """What a game is played on.

    Attributes:
        token: the secret in the address of its phones, which stays the same.
        owner: a digest of the browser whose page began it, and alone may continue it.
        scenario: what is played, without verdicts, as TOML.
        chart: the digest of the chart.
        own: whether that is a user's own chart, which is kept in the browser and not here.
        rules: what identifies the rules.
    """

    token: str
    owner: str
    scenario: str
    chart: str
    own: bool
    rules: str

    def scenario_with(self, declared: tuple[Parameter, ...]) -> Scenario:
        """Return what is played, with the parameters that the rules declare."""
        return Scenario.from_toml(self.scenario, "game", declared)


HEADER: Final = TypeAdapter(JournalHeader)


@dataclass
class Progress:
    """How far a game has come.

    Attributes:
        week: the week that is being decided on, from 1.
        verdicts: the verdicts of the weeks before.
        seats: the post of each phone.
        answers: what phones have answered this week, by phone and idea.
        rules: what identifies the rules that it went on with; ``None``: those it began with.
        stopped: whether it stands still, because a rule failed in this week.
        server: which process plays it, or did last.
    """

    week: int = 1
    verdicts: list[Verdict] = field(default_factory=list)
    seats: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[str, str], bool] = field(default_factory=dict)
    rules: str | None = None
    stopped: bool = False
    server: str = ""

    def take(self, entry: dict[str, Any]) -> None:
        """Bring it up to date with a line of the journal."""
        if "sit" in entry:
            phone, post = entry["sit"]
            self.seats[str(phone)] = int(post)
        elif "answer" in entry:
            phone, idea, endorse = entry["answer"]
            if phone not in self.seats:
                raise ValueError("an answer of a phone without a desk")
            self.answer(str(phone), str(idea), endorse)
        elif "ended" in entry:
            self.week = int(entry["ended"]) + 1
            self.verdicts += [Verdict(**one) for one in entry["verdicts"]]
            self.answers.clear()
            self.stopped = False
        elif "rules" in entry:
            self.rules, self.stopped = str(entry["rules"]), False
        elif "stopped" in entry:
            self.stopped = True
        elif "server" in entry:
            self.server = str(entry["server"])

    def keep_desks(self, posts: Collection[int]) -> None:
        """Drop phones whose desk does not exist, as in a damaged journal; they get another one."""
        self.seats = {phone: post for phone, post in self.seats.items() if post in posts}
        self.answers = {
            place: endorse for place, endorse in self.answers.items() if place[0] in self.seats
        }

    def answer(self, phone: str, idea: str, endorse: bool | None) -> None:
        """Note an answer instead of an earlier one; ``None`` takes it back."""
        self.answers.pop((phone, idea), None)
        if endorse is not None:
            self.answers[phone, idea] = bool(endorse)


class Journal:
    """The journal of a game.

    Attributes:
        header: what is played.
        progress: how far the game has come.
        broken: why a week is missing in the file, so that the game cannot be continued from it; ""
            while none is.
    """

    def __init__(self, header: JournalHeader, progress: Progress, path: Path) -> None:
        """Continue in the file at ``path``, which exists."""
        self.header, self.progress, self.broken = header, progress, ""
        self._path = path

    @property
    def name(self) -> str:
        """The name of the organisation that is played."""
        return str(tomllib.loads(self.header.scenario)["name"])

    @classmethod
    def begin(cls, header: JournalHeader) -> Journal:
        """Begin the journal of a new game.

        Raises:
            JournalError: if it cannot be written.
        """
        path = _folder() / f"{_digest(header.token)}.jsonl"
        with _written(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_old(path.parent)
            _hold(path)
            lines = {"format": FORMAT, **vars(header)}, {"server": _process()}
            try:
                write_whole(path, b"".join(map(_line, lines)), PRIVATE)
            except OSError:
                _release(path)
                path.with_suffix(LOCK).unlink(missing_ok=True)
                raise
        return cls(header, Progress(server=_process()), path)

    @classmethod
    def read(cls, path: Path) -> Journal:
        """Read a journal, without a last line that was not written in full.

        The file stays as it is: another server may be writing to it.

        Raises:
            JournalError: if it is not the journal of a game, or of a newer version.
        """
        content = read_bytes(path, JournalError, MOST_BYTES)
        whole, _, _ = content.rpartition(b"\n")
        lines = whole.split(b"\n")
        try:
            first = json.loads(lines[0])
            if first.pop("format") != FORMAT:
                raise JournalError(f"{path.name}: was written by a newer version")
            header, progress = HEADER.validate_json(json.dumps(first), strict=True), Progress()
            for line in lines[1:]:
                progress.take(json.loads(line))
        except DAMAGED as error:
            raise JournalError(f"{path.name}: is not a game that can be continued") from error
        return cls(header, progress, path)

    def again(self) -> Journal:
        """Read it again, as its game may have gone on since, to continue it in this process.

        A last line that was not written in full is removed, as the next would continue it.

        Raises:
            JournalError: as :meth:`read`, or if it cannot be written, or another process plays it.
        """
        with _written(self._path):
            if not _hold(self._path):
                by = Journal.read(self._path).progress.server
                raise JournalError(
                    f"another server plays this game, process {by}: leave the game there, or end "
                    "that server, and continue it then"
                )
            try:
                return self._repaired()
            except (JournalError, OSError):
                _release(self._path)
                raise

    def _repaired(self) -> Journal:
        found = Journal.read(self._path)
        with self._path.open("r+b") as file:
            self._path.chmod(PRIVATE)  # earlier versions let everybody read what they repaired
            file.truncate(file.read().rfind(b"\n") + 1)
        if found.progress.server != _process():
            found._add({"server": _process()})
        return found

    def release(self) -> None:
        """Let other processes continue it."""
        _release(self._path)

    def fits(self, played: Played, rules: str) -> bool:
        """Whether it can go on with a chart and rules: those that it was played with.

        A game that stopped because a rule failed goes on with the corrected file of that name.
        """
        same_chart = (self.header.chart, self.header.own) == (played.chart.digest(), played.own)
        same_file = _file(self.rules) == _file(rules) != ""
        return same_chart and (self.rules == rules or (self.progress.stopped and same_file))

    @property
    def rules(self) -> str:
        """What identifies the rules that it was played with last."""
        return self.header.rules if self.progress.rules is None else self.progress.rules

    def sit(self, phone: str, post: int) -> None:
        """Note where a phone sits."""
        self._add({"sit": [phone, post]})

    def answer(self, phone: str, idea: str, endorse: bool | None) -> None:
        """Note what a phone decides about an idea; ``None``: nothing any more."""
        self._add({"answer": [phone, idea, endorse]})

    def end_week(self, week: int, verdicts: tuple[Verdict, ...]) -> None:
        """Note that a week has ended, with its verdicts; it counts even if it cannot be written.

        The file then misses a week: it is put aside, and from here on nothing more is written.
        """
        entry = {"ended": week, "verdicts": [one.model_dump() for one in verdicts]}
        try:
            self._add(entry)
        except JournalError as error:
            self.progress.take(entry)
            self.broken = str(error)
            with suppress(OSError):
                self._path.rename(self._path.with_suffix(BROKEN))

    def stop(self) -> None:
        """Note that the week cannot end, because a rule fails in it."""
        if not self.progress.stopped:
            self._add({"stopped": self.progress.week})

    def go_on_with(self, rules: str) -> bool:
        """Note with which rules it goes on; return whether they are others than before.

        Raises:
            JournalError: if it cannot be written.
        """
        changed = rules != self.rules
        if changed:
            self._add({"rules": rules})
        return changed

    def _add(self, entry: dict[str, Any]) -> None:
        """Write a line, which then survives the end of the server, and count it.

        Raises:
            JournalError: if it cannot be written; then it does not count.
        """
        if not self.broken:
            with _written(self._path):
                _append(self._path, _line(entry))
        self.progress.take(entry)


def journals_of(owner: str) -> Iterator[Journal]:
    """Return the games that a browser began and may continue, the newest first."""
    if not owner:
        return
    files = [path for path in _folder().glob("*.jsonl") if _time(path) > time.time() - KEPT]
    for path in sorted(files, key=_time, reverse=True):
        with suppress(InnovationAbmError):  # of another version, or damaged: others may go on
            found = Journal.read(path)
            if found.header.owner == owner:
                yield found


def owner_of(session: str) -> str:
    """Return what a journal holds of the browser that began a game; "" for none."""
    return _digest(f"browser {session}") if session else ""


def seat_of(phone: str) -> str:
    """Return what a journal holds of a phone."""
    return _digest(f"phone {phone}")


_held: dict[Path, sqlite3.Connection] = {}
"""The locks of the journals that this process plays."""
_holding = threading.Lock()


def _hold(path: Path) -> bool:
    """Have this process alone write to a journal; return whether no other one does.

    Raises:
        OSError: if the file of the lock cannot be opened.
    """
    with _holding:
        if path not in _held:
            try:
                lock = held(path.with_suffix(LOCK))
            except sqlite3.Error as error:
                raise OSError(errno.EIO, str(error)) from None
            if lock is None:
                return False
            _held[path] = lock
    return True


def _release(path: Path) -> None:
    """Let other processes write to a journal; the file stays, as one may be waiting for it."""
    with _holding:
        lock = _held.pop(path, None)
    if lock is not None:
        lock.close()


def _process() -> str:
    """Return what tells the process that plays a game from others, in containers too."""
    return f"{os.getpid()} on {socket.gethostname()}"


def _file(rules: str) -> str:
    """Return the name of the file of rules from what identifies them."""
    return rules.rpartition(":")[0]


def _folder() -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else cache_folder() / "games"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _line(entry: dict[str, Any]) -> bytes:
    return (json.dumps(entry, separators=(",", ":")) + "\n").encode()


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Report in our own words that a journal cannot be written."""
    try:
        yield
    except OSError as error:
        raise JournalError(f"{path}: cannot be written: {error.strerror}") from None


def _append(path: Path, line: bytes) -> None:
    """Add a line to a file, which must exist: a journal without its first line is none.

    Raises:
        OSError: if it cannot be written in full; then the file is as it was: what is written next
            would else continue the half of a line.
    """

    def existing(name: str, flags: int) -> int:
        return os.open(name, flags & ~os.O_CREAT)

    with open(path, "ab", buffering=0, opener=existing) as file:
        before = os.fstat(file.fileno()).st_size
        try:
            while line:
                line = line[file.write(line) :]
        except OSError:
            file.truncate(before)
            raise


def _time(path: Path) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:  # it was just removed
        return 0.0


def _remove_old(folder: Path) -> None:
    for path in (*folder.glob("*.jsonl"), *folder.glob(f"*{BROKEN}")):
        if _time(path) < time.time() - KEPT:
            path.unlink(missing_ok=True)
            path.with_suffix(LOCK).unlink(missing_ok=True)
