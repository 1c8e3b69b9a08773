"""The compiled engine that comes with the package: made when the wheel was built, if it was.

It is machine code for any processor of an architecture, and the bitcode that rules are linked
with. A record beside it says what it was made of and for, and what its files contain. Where any of
that differs from what is here, nothing of it is read, and the engine is compiled as if it were not
there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.kernel import linking, patching, tiers

if TYPE_CHECKING:
    from collections.abc import Mapping

    MadeOf = Mapping[str, str]
    """What an engine is made of and for, each by a name that a user knows."""

FOLDER: Final = Path(__file__).with_name("prebuilt")
"""Where the engine is, if the package was built with it."""
RECORD: Final = "engine.json"
"""File that says what the engine was made of, and what the other files contain."""
BOOK: Final = "book.code"
"""File with machine code of the engine and the shipped rules."""
COPIED: Final = (patching.FUNCTIONS, tiers.RULES, tiers.ENGINE_CODE, tiers.PARTS)
"""Files that are copied to where rule books are linked; the last one is what is looked for."""
FILES: Final = (*COPIED, BOOK)


def write(folder: Path, made_of: MadeOf, kept_in: Path) -> None:
    """Write an engine that was compiled just now, for a wheel to carry.

    Args:
        folder: where; the record is written last, and nothing is used without it.
        made_of: what the engine is made of and for.
        kept_in: folder of the engine, as :func:`.tiers.keep` keeps it.

    Raises:
        LinkError: if the engine cannot be taken apart from its rules, or linked with them again.
    """
    parts = tiers.read(kept_in / tiers.PARTS, tiers.Parts)
    if parts is None:
        raise linking.LinkError("the engine cannot be taken apart from its rules here")
    both = linking.code_of_both(parts.engine, parts.bodies)
    book = tiers.BookCode(linking.architecture(), "", parts.engine.entry, both, ())
    folder.mkdir(parents=True, exist_ok=True)
    tiers.write(folder / tiers.PARTS, parts)
    tiers.write(folder / tiers.ENGINE_CODE, linking.code_of_engine(parts.engine))
    tiers.write(folder / BOOK, book)
    for name in (patching.FUNCTIONS, tiers.RULES):
        shutil.copyfile(kept_in / name, folder / name)
    record = {"made_of": dict(made_of), "files": {name: _sha256(folder / name) for name in FILES}}
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def problem(made_of: MadeOf) -> str:
    """Return why the engine that comes with the package cannot be used here; "" if it can.

    Args:
        made_of: what an engine is made of and for here.
    """
    return _problem(FOLDER, tuple(made_of.items()))


@lru_cache(maxsize=4)
def _problem(folder: Path, made_of: tuple[tuple[str, str], ...]) -> str:
    if not (folder / RECORD).exists():
        return "the package was built without it"
    if not linking.takes_apart():
        return "engines that were compiled elsewhere were not tried on this system"
    try:
        record = json.loads((folder / RECORD).read_bytes())
        then, files = record["made_of"], record["files"]
        damaged = [name for name in FILES if files[name] != _sha256(folder / name)]
    except (OSError, ValueError, LookupError, TypeError) as error:
        return f"its files are damaged: {error}"
    if damaged:
        return f"its files are damaged: {', '.join(damaged)}"
    return _difference(then, dict(made_of))


def _difference(then: Any, now: MadeOf) -> str:  # noqa: ANN401 - whatever the record holds
    """Return in what two engines differ, first in what users know; "" if they are the same."""
    for name, value in now.items():
        if not isinstance(then, dict) or then.get(name) != value:
            before = then.get(name, "another one") if isinstance(then, dict) else "another one"
            return f"it was compiled for another {name}: {before}, not {value}"
    return ""


def load(folder: Path, made_of: MadeOf) -> tiers.Tiered | None:
    """Load the engine with the shipped rules; ``None`` if it cannot be used here.

    Args:
        folder: where the code of this rule book is kept, once it was made for this processor.
        made_of: what an engine is made of and for here.
    """
    if problem(made_of):
        return None
    book = tiers.read(FOLDER / BOOK, tiers.BookCode, linking.architecture())
    return None if book is None else tiers.Tiered(folder, FOLDER / tiers.PARTS, book, [book.code])


def copy_engine(folder: Path, made_of: MadeOf) -> bool:
    """Copy the engine to where rule books are linked with it.

    Args:
        folder: of the engine; it is there.
        made_of: what an engine is made of and for here.

    Returns:
        Whether it could be used, and was copied.
    """
    if problem(made_of):
        return False
    for name in COPIED:
        # Several processes may copy it at once, each for agents of its own.
        new = folder / f"{name}.{os.getpid()}.{threading.get_ident()}"
        shutil.copyfile(FOLDER / name, new)
        new.replace(folder / name)
    return True


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
