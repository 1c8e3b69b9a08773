"""The optional parts of the package: which libraries each needs, and whether they are installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from innovation_abm.errors import InnovationAbmError

EXTRAS: Final = {
    "dashboard": (
        "altair",
        "anywidget",
        "ipyvue",
        "ipyvuetify",
        "matplotlib",
        "psutil",
        "segno",
        "solara",
    ),
    "pdf": ("fpdf",),
    "studies": ("matplotlib", "optuna", "pyarrow", "SALib"),
    "trees": ("sklearn",),
}
"""Modules that each extra of ``pyproject.toml`` installs and the package imports."""

PACKAGES: Final = {"fpdf": "fpdf2", "sklearn": "scikit-learn"}
"""Packages that are called otherwise than the module that they bring."""


def missing(extra: str) -> list[str]:
    """Return the libraries of an extra that are not installed.

    Args:
        extra: a key of :data:`EXTRAS`.
    """
    return [PACKAGES.get(name, name) for name in EXTRAS[extra] if find_spec(name) is None]


def require(extra: str, what: str) -> None:
    """Check that the libraries of an extra are installed.

    Args:
        extra: a key of :data:`EXTRAS`.
        what: what needs them, to begin the message with; in the plural.

    Raises:
        InnovationAbmError: if any is missing; the message names the command that installs them.
    """
    names = missing(extra)
    if names:
        raise InnovationAbmError(
            f"{what} need {', '.join(names)}, not installed here; install with: "
            f'python -m pip install "innovation-abm[{extra}]"'
        )
