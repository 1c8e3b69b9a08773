"""Installing the package elsewhere, as its users do, without network.

The dependencies are those of the environment that runs the tests, shown to a new one by a ``.pth``
file.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from places import ROOT

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RELEASE: Final = PROJECT["tool"]["setuptools_scm"]["fallback_version"]
"""The version of copies without git."""


def run(
    command: Sequence[str | Path], cwd: Path, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, with nothing of this test run in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


class Environment:
    """A new virtual environment, empty but for the dependencies made visible to it."""

    def __init__(self, folder: Path, *, dependencies: bool = True) -> None:
        self.folder = folder
        run([sys.executable, "-m", "venv", "--without-pip", folder], folder.parent)
        paths = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
        self.scripts = Path(paths["scripts"])
        self.python = self.scripts / Path(sys.executable).name
        self.packages = Path(paths["purelib"])
        if dependencies:
            ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
            lines = "".join(f"{path}\n" for path in sorted(ours))
            (self.packages / "dependencies.pth").write_text(lines, encoding="utf-8")
            for beside in ("etc", "share"):  # what Solara's pages are made of
                (folder / beside).symlink_to(Path(sys.prefix, beside))
        self._before = set(os.listdir(self.packages))

    def install(self, *what: str | Path) -> None:
        """Install without dependencies, network, or the build tools' own environments."""
        offline = ["--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
        run([self.python, "-m", "pip", "install", *offline, *what], self.packages)

    def installed(self) -> set[str]:
        """List what the installs added to the environment's site-packages."""
        return set(os.listdir(self.packages)) - self._before - {"__pycache__"}


def copy_of_checkout(target: Path) -> Path:
    """Copy what a release is built from: no caches, no environments, nothing built."""
    unwanted = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "dist", "venv")
    shutil.copytree(ROOT, target, ignore=unwanted)
    return target
