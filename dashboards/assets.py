"""The files that the page loads, from the packages that are installed, and no others.

Solara would fetch missing files from the internet, store them among the installed files, and
remove folders that it takes for old ones, whoever asks. So its route is replaced: the files are
listed once, when the server starts, and only listed files are served. Nothing is fetched, written
or deleted.
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
"""Solara's assets that the page loads: prefixes of folder names, whatever the version."""
EXTENSIONS: Final = {
    "jupyter-vue": "ipyvue",
    "jupyter-vuetify": "ipyvuetify",
    "anywidget": "anywidget",
}
"""Extensions that draw widgets, and the packages that contain them."""
CODE: Final = (".py", ".pyc")
"""Suffixes of files that are not for browsers."""


def assets_folder() -> Path | None:
    """Return the folder of Solara's assets; ``None`` if they are not installed."""
    if given := os.environ.get(FOLDER):
        return Path(given)
    return _installed("solara-assets", "share/solara/cdn", "requirejs@2.3.6")


def extension_folders() -> list[Path]:
    """Return the folders that contain the extensions, each once."""
    found = (
        _installed(package, "share/jupyter/nbextensions", name)
        for name, package in EXTENSIONS.items()
    )
    return list(dict.fromkeys(folder for folder in found if folder is not None))


def _installed(package: str, below: str, known: str) -> Path | None:
    """Find a folder wherever its package is installed.

    It is usually below ``sys.prefix``, but not after ``pip install --user``, for example.

    Args:
        package: name of the package.
        below: path of the folder below the prefix.
        known: a file or folder in it.
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
        folder: the folder; ``None``: no files.
        names: prefixes of their paths, with slashes.

    Returns:
        The real path of each file, by its path below the folder. Links that lead out of the
        folder are left out.
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
    """Walk through the files below a folder whose paths have one of some prefixes."""
    tops = {folder / Path(name).parent for name in names}
    for top in tops:
        for place, _, here in os.walk(top):
            for one in here:
                file = Path(place) / one
                path = file.relative_to(folder).as_posix()
                if path.startswith(tuple(names)) and file.suffix not in CODE:
                    yield file


def still(files: Mapping[str, str], path: str) -> str | None:
    """Return the real path of a listed file; ``None`` if it is not listed, or is now a link."""
    there = files.get(path)
    return there if there is not None and os.path.realpath(there) == there else None
