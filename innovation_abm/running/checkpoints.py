"""Checkpoints: a Mesa model kept in mid-run, and taken up again later to the same result.

A checkpoint is one file: a line that names the format, a line of JSON (versions, week, SHA-256 of
the rest), and the pickled model. A pickled object can run code as it is opened, so a checkpoint is
for those who trust where it comes from; to hand a run to somebody else, save its scenario.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.model import InnovationModel
from innovation_abm.reading.text_files import path_shown, read_bytes, write_whole
from innovation_abm.rules.pickling import pickled

if TYPE_CHECKING:
    from os import PathLike


FORMAT: Final = b"innovation-abm checkpoint 1"
MOST_BYTES: Final = 4 * 2**30
"""Most bytes of a checkpoint; a model of 100,000 people takes about a tenth."""
SAME: Final = ("innovation-abm", "mesa", "networkx", "numpy")
"""Packages of whose objects a model is made: another version may not know them."""


def save_checkpoint(model: InnovationModel, path: str | PathLike[str]) -> None:
    """Save a model as it stands, in any week.

    Args:
        model: the model. Rules and agents from files are saved with it, as text; classes of agents
            must be such as :mod:`pickle` can find again: at the top level of a module.
        path: the file. One that is there is replaced only once all is written.

    Raises:
        InnovationAbmError: if the model cannot be pickled, or the file cannot be written.
    """
    try:
        held = pickled(model, model.book)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InnovationAbmError(
            f"{path_shown(path)}: the model cannot be saved: {error}; rules and agents must come "
            "from files, or stand at the top level of a module"
        ) from None
    about = {**_versions(), "week": model.week, "sha256": hashlib.sha256(held).hexdigest()}
    try:
        write_whole(Path(path), b"\n".join((FORMAT, json.dumps(about).encode(), held)))
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise InnovationAbmError(f"{path_shown(path)}: cannot be written: {reason}") from None


def resume(path: str | PathLike[str]) -> InnovationModel:
    """Return the model of a checkpoint, which goes on to the result that it would have had.

    Opening a checkpoint may run code: open only files that you trust.

    Args:
        path: a file that :func:`save_checkpoint` has written.

    Raises:
        InnovationAbmError: if the file cannot be read, is not a checkpoint, is damaged, or was
            written with other versions of Python or of a package than are installed.
    """
    about, held = _parts(path, read_bytes(path, most=MOST_BYTES))
    ours = _versions()
    if other := [f"{name} {about.get(name)}, here {ours[name]}" for name in _changed(about, ours)]:
        raise InnovationAbmError(
            f"{path_shown(path)}: was saved with {'; '.join(other)}; install what it was saved "
            "with, or run the scenario again, which gives the same result"
        )
    try:
        model = pickle.loads(held)
    except InnovationAbmError:
        raise
    except Exception as error:  # whatever code of others may raise while it is loaded
        raise InnovationAbmError(f"{path_shown(path)}: cannot be opened: {error}") from error
    if not isinstance(model, InnovationModel):
        raise _damaged(path)
    return model


def _parts(path: str | PathLike[str], content: bytes) -> tuple[dict[str, Any], bytes]:
    """Take a checkpoint apart: what its second line says, and the pickled model."""
    first, _, rest = content.partition(b"\n")
    if first != FORMAT:
        raise InnovationAbmError(
            f"{path_shown(path)}: is not a checkpoint of a model, as save_checkpoint() writes it"
        )
    line, _, held = rest.partition(b"\n")
    try:
        about = json.loads(line)
    except ValueError:
        raise _damaged(path) from None
    if not isinstance(about, dict) or about.get("sha256") != hashlib.sha256(held).hexdigest():
        raise _damaged(path)
    return about, held


def _damaged(path: str | PathLike[str]) -> InnovationAbmError:
    return InnovationAbmError(
        f"{path_shown(path)}: is damaged; save the model again, or run the scenario again"
    )


def _versions() -> dict[str, str]:
    minor = python_version().rpartition(".")[0]  # within it, pickled objects stay the same
    return {"python": minor, **{name: version(name) for name in SAME}}


def _changed(about: dict[str, Any], ours: dict[str, str]) -> list[str]:
    return [name for name, kept in ours.items() if about.get(name) != kept]
