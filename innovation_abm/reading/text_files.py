"""Text files: read in full, or an error; written in full, or left as they were."""

from __future__ import annotations

import os
import secrets
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import InnovationAbmError, shortened

if TYPE_CHECKING:
    from os import PathLike


MOST_BYTES: Final = 1_000_000
"""Most bytes of a text; the longest timeline, with a change every week, has a fifth."""


def read_text(
    path: str | PathLike[str], fault: type[InnovationAbmError] = InnovationAbmError
) -> str:
    """Read a file of UTF-8 text.

    Args:
        path: the file.
        fault: the kind of error to raise.

    Raises:
        InnovationAbmError: of the kind ``fault``, if the file cannot be read, is not an ordinary
            file, has more than :data:`MOST_BYTES`, or is not UTF-8 text.
    """
    try:
        return read_bytes(path, fault).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise fault(f"{path_shown(path)}: is not UTF-8 text; save it as UTF-8") from None


def read_bytes(
    path: str | PathLike[str],
    fault: type[InnovationAbmError] = InnovationAbmError,
    most: int = MOST_BYTES,
) -> bytes:
    """Read an ordinary file of limited size.

    Args:
        path: the file.
        fault: the kind of error to raise.
        most: bytes that it may have.

    Raises:
        InnovationAbmError: of the kind ``fault``, if it cannot be read, is a folder, a pipe or a
            device, or is larger.
    """
    try:
        about = os.stat(path)
        if stat.S_ISDIR(about.st_mode):
            problem: object = "it is a folder; name a file"
        elif not stat.S_ISREG(about.st_mode):  # a pipe would hold up whoever opens it
            problem = "it is not an ordinary file"
        else:
            with open(path, "rb") as stream:
                content = stream.read(min(about.st_size, most) + 1)  # room is made for so many
            if len(content) <= most:
                return content
            problem = f"it has {max(about.st_size, most + 1):,} bytes; at most {most:,} are allowed"
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        problem = _reason(error)
    raise fault(f"{path_shown(path)}: cannot be read: {problem}")


def path_shown(path: str | PathLike[str]) -> str:
    """Return a path for a message, shortened if it is too long."""
    return shortened(str(path), 200)


def write_text(
    path: str | PathLike[str], text: str, fault: type[InnovationAbmError] = InnovationAbmError
) -> None:
    """Write a file of UTF-8 text, line ends as they are; what is there stays unless all is written.

    Args:
        path: the file.
        text: what it is to hold.
        fault: the kind of error to raise.

    Raises:
        InnovationAbmError: of the kind ``fault``, if the file cannot be written.
    """
    try:
        write_whole(Path(path), text.encode("utf-8"))
    except UnicodeEncodeError as error:  # half a character
        raise fault(f"{path}: cannot be written as UTF-8: {error}") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise fault(f"{path}: cannot be written: {_reason(error)}") from None


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a small file so that there is the old one or the new one, whatever happens.

    Args:
        path: the file.
        content: what it is to hold.
        mode: who may read and write it, from its first byte on, where the user's mask allows it.

    Raises:
        OSError: if it cannot be written; then it is as it was.
    """
    temporary = beside(path)
    try:
        with open(temporary, "wb", opener=partial(os.open, mode=mode)) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def beside(target: Path) -> Path:
    """Name a folder or file that does not exist, on the same disk, hidden where dots hide."""
    return target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")


def _reason(error: Exception) -> object:
    return getattr(error, "strerror", None) or error
