"""Text files: read as a whole, or said why not; written as a whole, or left as they were."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from os import PathLike


def read_text(
    path: str | PathLike[str], fault: type[InnovationAbmError] = InnovationAbmError
) -> str:
    """Read a file of UTF-8 text.

    Args:
        path: the file.
        fault: the kind of error to raise.

    Raises:
        InnovationAbmError: of the kind ``fault``, if the file cannot be read, or is no such text.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")  # some editors begin UTF-8 with a mark
    except UnicodeDecodeError:
        raise fault(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise fault(f"{path}: cannot be read: {_reason(error)}") from None


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


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file so that there is the old one or the new one, whatever happens.

    Raises:
        OSError: if it cannot be written; then it is as it was.
    """
    temporary = beside(path)
    try:
        with temporary.open("wb") as stream:
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
