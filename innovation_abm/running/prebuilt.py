"""Compile the engine for a wheel to carry: ``python -m innovation_abm.running.prebuilt FOLDER``.

A build of the package runs this, see ``setup.py``. The code is for every processor of the
architecture, of which numba is told before it is loaded.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from innovation_abm.agents import Staff
from innovation_abm.kernel import carried, compiling
from innovation_abm.organization.organization import Role
from innovation_abm.rules.book import SHIPPED
from innovation_abm.rules.files import with_agents

LEAST_PROCESSOR = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
"""Environment variables by which numba compiles for any processor of the architecture."""


class Plain(Staff):
    """Agents that differ in nothing, but are custom ones."""


def make(folder: Path, version: str) -> None:
    """Compile the engine with nothing kept, and write it.

    Args:
        folder: where.
        version: the version of the package that is built.

    Raises:
        EngineError: if numba cannot be used.
        LinkError: if engines cannot be taken apart here.
    """
    with tempfile.TemporaryDirectory() as kept:
        os.environ |= {**LEAST_PROCESSOR, compiling.CACHE_VARIABLE: kept}
        compiling.build(SHIPPED, print)
        compiling.build(with_agents(SHIPPED, {Role.STAFF: Plain}), print)  # rules are checked there
        carried.write(folder, compiling.made_of(version), compiling.engine_folder(SHIPPED))


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])
