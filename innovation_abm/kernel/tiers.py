"""Code for a rule book in two tiers: quick to make, and quick to run.

To compile the engine takes half a minute, and nearly all of it is the same for every rule book. So
the engine is kept without its rules, and of another rule book only the rules that differ are
compiled. The first tier is the engine's machine code, which calls the rules: it is ready in a
second and runs somewhat slower. The second has the rules written out where they are called. It is
made in the background once the first has run for a while, replaces it, and is kept.

Both compute the same bits. Where :mod:`.linking` cannot do this, nothing is kept or found here,
and the whole engine is compiled for each rule book.
"""

from __future__ import annotations

import logging
import os
import pickle
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.kernel import linking
from innovation_abm.kernel.linking import Code, EngineBitcode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    Advance = Callable[..., int]

PARTS: Final = "engine.parts"
"""File of an engine's folder: what rules are linked into, and the rules that it was made with."""
ENGINE_CODE: Final = "engine.code"
"""File of an engine's folder: its machine code, without rules."""
RULES: Final = "rules.parts"
"""File of the shipped engine's folder: rules that were compiled, for any engine."""
KNOWN: Final = 300
"""Compiled rules that are kept beside engines, of some kilobytes each."""
FIRST_TIER: Final = "first-tier.code"
"""File of a rule book's folder: machine code of its rules."""
SECOND_TIER: Final = "second-tier.code"
"""File of a rule book's folder: machine code of the engine with its rules."""
PATIENCE: Final = 10.0
"""Seconds that the first tier runs before the second is made, which takes about as long."""


@dataclass(frozen=True)
class Parts:
    """An engine as it is kept, and the rules that it was made with.

    Attributes:
        engine: all but the rules.
        rules: of each rule its fingerprint, and its bitcode; none if it was made from another one.
    """

    engine: EngineBitcode
    rules: dict[str, tuple[str, tuple[bytes, ...]]]

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """Bitcode of all the rules, in the engine's order."""
        return tuple(body for name in self.engine.rules for body in self.rules[name][1])


@dataclass(frozen=True)
class BookCode:
    """A tier of a rule book.

    Attributes:
        target: the processor that it is for; see :func:`.linking.target`. Or the architecture, see
            :func:`.linking.architecture`.
        engine: name of the engine's folder.
        entry: name of the function by which Python calls it.
        code: machine code.
        rules: bitcode of the rules, from which the second tier is made; empty if they are those
            that the engine was made with.
    """

    target: str
    engine: str
    entry: str
    code: Code
    rules: tuple[bytes, ...]


def keep(folder: Path, entry: object, rules: Mapping[str, Any], prints: Mapping[str, str]) -> None:
    """Keep an engine that was just compiled for other rule books to be linked with.

    Args:
        folder: where; it is there.
        entry: the entry, compiled.
        rules: the compiled rules that it calls.
        prints: fingerprints of the rules.
    """
    with tolerated():  # without it, the next rule book is compiled as this one was
        engine = linking.engine_of(entry, rules)
        bodies = {
            name: (prints[name], linking.bodies(rules[name], calls))
            for name, calls in engine.rules.items()
        }
        write(folder / PARTS, Parts(engine, bodies))


def keep_quick(folder: Path, engine: EngineBitcode) -> None:
    """Keep an engine with code that is quick to make, and none of the rules.

    Args:
        folder: where; it is there.
        engine: the engine.
    """
    write(folder / ENGINE_CODE, linking.code_of_engine(engine, quick=True))
    write(folder / PARTS, Parts(engine, {}))


def link(
    folder: Path,
    engine_folder: Path,
    rules: Mapping[str, Any],
    prints: Mapping[str, str],
    known: Path,
) -> Advance | None:
    """Link a rule book with the engine that is kept; only rules that differ are compiled.

    Args:
        folder: where the code of the rule book is kept; it is there.
        engine_folder: where the engine is kept.
        rules: the rules, for numba to compile.
        prints: fingerprints of the rules.
        known: file with rules that were compiled before, for any engine.

    Returns:
        The entry; ``None`` if no engine is kept there, or its rules return other types.
    """
    parts = read(engine_folder / PARTS, Parts)
    if parts is None:
        return None
    with tolerated():
        bodies = _bodies(parts, rules, prints, known)
        code = linking.code_of_rules(parts.engine, bodies, quick=not parts.rules)
        if not (engine_folder / ENGINE_CODE).exists():
            write(engine_folder / ENGINE_CODE, linking.code_of_engine(parts.engine))
        entry, target = parts.engine.entry, linking.target()
        tier = BookCode(target, engine_folder.name, entry, code, tuple(bodies))
        write(folder / FIRST_TIER, tier)
        return load(folder, engine_folder.parent)
    return None


def _bodies(
    parts: Parts, rules: Mapping[str, Any], prints: Mapping[str, str], known: Path
) -> list[bytes]:
    """Return the bitcode of the rules; what is neither the engine's nor known is compiled."""
    found: list[bytes] = []
    before = read(known, dict) or {}
    after = dict(before)
    for name, calls in parts.engine.rules.items():
        of, body = parts.rules.get(name, ("", ()))
        if of != prints[name]:
            key = (prints[name], repr(calls))
            body = after.pop(key, None) or linking.bodies(rules[name], calls)
            after[key] = body  # the latest last
        found += body
    if after.keys() != before.keys():
        write(known, dict(list(after.items())[-KNOWN:]))
    return found


def load(folder: Path, engines: Path) -> Advance | None:
    """Load a rule book's code; ``None`` if it was not linked here, or its engine is gone.

    Args:
        folder: of the rule book.
        engines: where the folders of engines are.
    """
    if (second := read(folder / SECOND_TIER, BookCode)) is not None:
        return linking.load([second.code], second.entry)
    if (first := read(folder / FIRST_TIER, BookCode)) is None:
        return None
    engine = read(engines / first.engine / ENGINE_CODE, Code)
    if engine is None:
        return None
    return Tiered(folder, engines / first.engine / PARTS, first, [engine, first.code])


def tier(folder: Path) -> int:
    """Return which tier of a rule book a folder holds; 0 if it was not linked here."""
    if (folder / SECOND_TIER).exists():
        return 2
    return int((folder / FIRST_TIER).exists())


def is_kept(engine_folder: Path) -> bool:
    """Whether a folder holds an engine that rule books can be linked with."""
    return (engine_folder / PARTS).exists()


class Tiered:
    """The entry of an engine: the first tier, until there is the second."""

    def __init__(self, folder: Path, parts: Path, first: BookCode, codes: Iterable[Code]) -> None:
        """Begin with the first tier.

        Args:
            folder: where the code of the rule book is kept.
            parts: file with the engine's parts.
            first: the first tier.
            codes: all machine code that it needs.
        """
        self._folder, self._parts, self._first = folder, parts, first
        self._advance = linking.load(codes, first.entry)
        self._spent = 0.0
        self._begun = threading.Lock()

    def __call__(self, *arguments: object) -> int:
        """Call the fastest code that there is."""
        began = time.perf_counter()
        try:
            return self._advance(*arguments)
        finally:
            self._spent += time.perf_counter() - began  # roughly, where threads meet
            if self._spent > PATIENCE and self._begun.acquire(blocking=False):
                # Python waits for the thread when it ends, for LLVM must not be cut off.
                threading.Thread(target=self.improve, name="second tier").start()

    def improve(self) -> None:
        """Make the second tier, use it from now on, and keep it."""
        first, parts = self._first, read(self._parts, Parts)
        if parts is None:  # it was deleted meanwhile
            return
        with tolerated():
            code = linking.code_of_both(parts.engine, first.rules or parts.bodies)
            second = replace(first, target=linking.target(), code=code, rules=())
            self._advance = linking.load([second.code], second.entry)
            self._folder.mkdir(parents=True, exist_ok=True)
            write(self._folder / SECOND_TIER, second)
            (self._folder / FIRST_TIER).unlink(missing_ok=True)


@contextmanager
def tolerated() -> Iterator[None]:
    """Go on after whatever may go wrong inside numba or on the disk; there is the plain way."""
    try:
        yield
    except Exception:
        logging.getLogger("innovation_abm").debug("not linked", exc_info=True)


def write(file: Path, kept: object) -> None:
    """Write a file that others may read meanwhile: the old one, or all of the new one."""
    new = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        new.write_bytes(pickle.dumps(kept))
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def read(file: Path, kind: type[Any], target: str = "") -> Any:  # noqa: ANN401
    """Read what is kept; ``None`` if there is nothing, or what is of no use here.

    Args:
        file: the file.
        kind: the class of what it holds.
        target: what code must have been made for; default: this processor.
    """
    try:
        kept = pickle.loads(file.read_bytes())
    except Exception:  # missing or damaged, which shows in as many ways as there are
        return None
    if not isinstance(kept, kind):
        return None
    made_for = getattr(kept, "target", None)
    return kept if made_for in (None, target or linking.target()) else None
