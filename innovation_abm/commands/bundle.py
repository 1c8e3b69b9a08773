"""The command ``bundle``: wheels for machines that may not install from the internet."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import distribution
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlparse
from urllib.request import url2pathname

import typer

from innovation_abm.console import Working
from innovation_abm.errors import InnovationAbmError, unknown
from innovation_abm.extras import EXTRAS
from innovation_abm.version import __version__

WHEELS: Final = "wheels"
ALWAYS: Final = "dashboard"
"""The optional part that every bundle includes: its README begins with it."""
NOT_SOURCE: Final = (".*", "__pycache__", "build", "dist", "*.egg-info", "venv")
"""What wheels are not built from."""
TRIED: Final = (
    ("innovation-abm", "doctor"),
    ("innovation-abm", "run", "workshop", "--weeks", "8", "--engine", "mesa"),
    ("innovation-abm", "dashboard", "--help"),
    # Loads all that the dashboard needs; isolated, as a checkout may be in the current folder.
    (
        "python",
        "-I",
        "-c",
        "import innovation_abm.dashboards.app, innovation_abm.dashboards.server",
    ),
)
"""Programs of a new environment that must work there, with their arguments."""
LINES: Final = 15
"""Most lines of a program that failed that are shown."""

FolderOption = Annotated[
    Path, typer.Option("--out", metavar="FOLDER", help="Folder to write; must not exist yet.")
]
ExtraOption = Annotated[
    list[str] | None,
    typer.Option(
        help=f"Optional part to include besides {ALWAYS}: "
        f"{', '.join(name for name in EXTRAS if name != ALWAYS)}. Repeat for several.",
        metavar="NAME",
    ),
]
EngineOption = Annotated[
    bool,
    typer.Option(
        "--engine/--no-engine",
        help="Put the compiled engine into the package, so that nothing is compiled on first use.",
    ),
]


def bundle(out: FolderOption, extra: ExtraOption = None, engine: EngineOption = True) -> None:
    """Make a folder of wheels, to install on machines without internet.

    The wheels are for this machine's system and Python version. They are tried in a new
    environment before the folder is written. Takes a few minutes and needs the internet.
    """
    extras = list(dict.fromkeys([ALWAYS, *(extra or ())]))
    for name in extras:
        if name not in EXTRAS:
            raise InnovationAbmError(f"--extra: {unknown('part', name, EXTRAS)}")
    if out.exists():
        raise InnovationAbmError(f"{out}: already exists; name a new folder with --out")
    wanted = f"innovation-abm[{','.join(extras)}]"
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        Working("collecting wheels") as working,
        tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder,
    ):
        made = Path(folder) / out.name
        _collect(made / WHEELS, extras, engine=engine)
        working.say("trying them in a new environment")
        _try(made / WHEELS, wanted, Path(folder) / "environment")
        (made / "README.txt").write_text(_readme(wanted), encoding="utf-8")
        made.rename(out)
    number = len(list((out / WHEELS).iterdir()))
    print(f"{out}: {number} wheels, tried in a new environment; README.txt tells how to install")


def _readme(wanted: str) -> str:
    """Return two lines: how to install, and how to begin."""
    scripts, python = (".venv\\Scripts", "py") if os.name == "nt" else (".venv/bin", "python3")
    version = ".".join(map(str, sys.version_info[:2]))
    where = f"Python {version}, {platform.system()} {platform.machine()}"
    then = "; " if os.name == "nt" else " && "
    return (
        f"Install ({where}): {python} -m venv .venv{then}{scripts}{os.sep}python -m pip install "
        f'--no-index --find-links {WHEELS} "{wanted}"\n'
        f"Begin: {scripts}{os.sep}innovation-abm dashboard\n"
    )


def _collect(wheels: Path, extras: list[str], *, engine: bool) -> None:
    """Build or download the wheels of the package, as it is installed here, and of its needs."""
    parts = f"[{','.join(extras)}]"
    prebuilt = {"INNOVATION_ABM_PREBUILT": "yes" if engine else "no"}
    with tempfile.TemporaryDirectory() as folder:
        source = _source()
        if source is None:
            asked = f"innovation-abm{parts}=={__version__}"
        elif source.is_file():
            asked = f"{source}{parts}"
        else:  # building leaves things behind
            copy = Path(folder) / "source"
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*NOT_SOURCE))
            asked = f"{copy}{parts}"
            prebuilt["SETUPTOOLS_SCM_PRETEND_VERSION"] = __version__
        _run(_pip("wheel", "--wheel-dir", str(wheels), asked), os.environ | prebuilt)


def _source() -> Path | None:
    """Return the checkout or wheel that the package is from; ``None``: from an index."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").exists():
        return checkout
    found = json.loads(distribution("innovation-abm").read_text("direct_url.json") or "{}")
    url = urlparse(found.get("url", ""))
    path = Path(url2pathname(url.path))
    return path if url.scheme == "file" and path.exists() else None


def _try(wheels: Path, wanted: str, place: Path) -> None:
    """Install from the wheels alone, whatever pip is set to do here, and run some commands."""
    venv.create(place, symlinks=os.name != "nt")
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    alone |= {"PIP_CONFIG_FILE": os.devnull, "INNOVATION_ABM_CACHE_DIR": str(place / "cache")}
    offline = ("install", "--no-index", "--find-links", str(wheels))
    _run(_pip(f"--python={scripts / 'python'}", *offline, wanted), alone)
    for program, *arguments in TRIED:
        _run([str(scripts / program), *arguments], alone)


def _pip(*options: str) -> list[str]:
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", *options]


def _run(command: list[str], environment: dict[str, str]) -> None:
    """Run a program.

    Raises:
        InnovationAbmError: if it fails, with its last lines.
    """
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-LINES:])
        raise InnovationAbmError(f"{' '.join(command)}\nfailed:\n{said}")
