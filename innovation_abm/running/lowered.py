"""The functions of the compiled engine that are written from the agents."""

from __future__ import annotations

from pathlib import Path

from innovation_abm.agents.cast import ROLES
from innovation_abm.kernel import mark
from innovation_abm.kernel.lowering import lowered
from innovation_abm.model import InnovationModel

DECISIONS = Path(mark.__file__).with_name("decisions.py")
"""The file that holds those of the shipped agents."""


def shipped() -> str:
    """Return the source of the functions for the shipped agents."""
    return lowered(ROLES, InnovationModel)


if __name__ == "__main__":
    DECISIONS.write_text(shipped(), encoding="utf-8")
