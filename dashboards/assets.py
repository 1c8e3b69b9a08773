"""The files that the page loads, from the packages that are installed, and no others.

Solara would fetch what it does not find from the internet, keep it among the installed files, and
remove folders that it takes for old ones, for whoever asks. So its route is replaced: the files are
listed once, when the server starts, and only those that are listed are served. Nothing is fetched,
written or deleted.
"""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FOLDER: Final = "SOLARA_ASSETS_PROXY_CACHE_DIR"
"""Environment variable of Solara that names the folder of its assets."""
PACKAGES: Final = ("@widgetti/solara-vuetify-app@", "requirejs@", "font-awesome@")
"""What the page loads of Solara's assets: folders whose names begin so, whatever the version."""
EXTENSIONS: Final = {
    "jupyter-vue": "ipyvue",
    "jupyter-vuetify": "ipyvuetify",
    "anywidget": "anywidget",
}
"""Extensions by which widgets are drawn, and the packages that bring them."""
CODE: Final = (".py", ".pyc")
"""Ends of names of files that are not for browsers."""


def assets_folder() -> Path | None:
    """Return the folder of Solara's assets; ``None`` if they are not installed."""
    if given := os.environ.get(FOLDER):
        return Path(given)
    return _installed("solara-assets", "share/solara/cdn", "requirejs@2.3.6")


def extension_folders() -> list[Path]:
    """Return the folders below which the extensions are; each is there once."""
    found = (
        _installed(package, "share/jupyter/nbextensions", name)
        for name, package in EXTENSIONS.items()
    )
    return list(dict.fromkeys(folder for folder in found if folder is not None))


def _installed(package: str, below: str, known: str) -> Path | None:
    """Find a folder wherever its package is installed.

    It is below ``sys.prefix``, but not after ``pip install --user`` for one.

    Args:
        package: name of the package.
        below: where the folder is below the prefix.
        known: what is in it.
    """
    usual = Path(sys.prefix) / below
    if (usual / known).exists():
        return usual
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    tail = (Path(below).name, known)
    for file in files:
        there = Path(str(file.locate()))
        for folder in there.parents:
            if (folder.parent.name, folder.name) == tail:
                return folder.parent.resolve()
    return None


def listed(folder: Path | None, names: Sequence[str]) -> dict[str, str]:
    """List the files of a folder that may be served.

    Args:
        folder: the folder; ``None``: there are none.
        names: how their paths begin, with slashes.

    Returns:
        Where each file is, without links, by its path below the folder. What a link leads out
        of the folder is left out.
    """
    if folder is None:
        return {}
    real = os.path.realpath(folder)
    found = {}
    for file in _files(folder, names):
        there = os.path.realpath(file)
        if there.startswith(real + os.sep):
            found[file.relative_to(folder).as_posix()] = there
    return found


def _files(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Walk through the files below a folder whose paths begin with one of some names."""
    tops = {folder / Path(name).parent for name in names}
    for top in tops:
        for place, _, here in os.walk(top):
            for one in here:
                file = Path(place) / one
                path = file.relative_to(folder).as_posix()
                if path.startswith(tuple(names)) and file.suffix not in CODE:
                    yield file


def still(files: Mapping[str, str], path: str) -> str | None:
    """Return where a listed file is; ``None`` if it is not listed, or is a link by now."""
    there = files.get(path)
    return there if there is not None and os.path.realpath(there) == there else None
