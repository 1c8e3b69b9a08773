"""Build the package as pyproject.toml says, and let a wheel carry the compiled engine.

INNOVATION_ABM_PREBUILT says whether: `no`; `yes`, for which what compiles it is installed for the
build, and which fails if that cannot be; by default, if it is at hand and works.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib.util import find_spec
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

VARIABLE = "INNOVATION_ABM_PREBUILT"
WANTED = os.environ.get(VARIABLE, "")
HOW = f"build with --no-isolation where the package's dependencies are, or set {VARIABLE}=yes"


class BuildWithEngine(build_py):
    """Collect the package's files, and compile its engine."""

    def run(self) -> None:
        """Collect and compile; an editable install compiles when it is first used."""
        super().run()
        if self.editable_mode:
            return
        package = Path(self.build_lib).resolve()
        folder = package / "innovation_abm" / "kernel" / "prebuilt"
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier build
        if why := self.left_out(package, folder):
            if WANTED == "yes":
                raise SystemExit(f"the engine cannot be compiled: {why}")
            print(f"built without the compiled engine: {why}")

    def left_out(self, package: Path, folder: Path) -> str:
        """Compile the engine from what was collected; return why not, "" if it was."""
        if WANTED == "no":
            return f"{VARIABLE}=no"
        if missing := [one for one in ("numba", "mesa", "scipy") if find_spec(one) is None]:
            return f"{missing[0]} is not installed for the build; {HOW}"
        print("compiling the engine, which takes a minute or two ...", flush=True)
        program = [sys.executable, "-m", "innovation_abm.running.prebuilt", str(folder)]
        version = self.distribution.get_version()
        # On this path, pip puts what it installed for the build.
        path = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        with tempfile.TemporaryDirectory() as elsewhere:  # not among the sources, which lack parts
            done = subprocess.run([*program, version], env=environment, cwd=elsewhere)
        if done.returncode == 0:
            return ""
        shutil.rmtree(folder, ignore_errors=True)
        return f"the compiler ended with status {done.returncode}"


def to_compile() -> list[str]:
    """List what the engine is compiled with: what the package needs to run."""
    if WANTED != "yes":
        return []
    text = Path(__file__).with_name("pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["dependencies"]


setup(cmdclass={"build_py": BuildWithEngine}, setup_requires=to_compile())
