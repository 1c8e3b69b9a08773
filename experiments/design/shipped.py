"""The studies that come with the package, by name."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from innovation_abm.errors import InnovationAbmError, did_you_mean

if TYPE_CHECKING:
    from innovation_abm.experiments.design.study import Study


def names() -> list[str]:
    """List the studies that come with the package."""
    folder = files("innovation_abm.experiments") / "studies"
    return sorted(one.name.removesuffix(".toml") for one in folder.iterdir())


def find(name: str, *, check: bool = True) -> Study:
    """Read a study file, or a study that comes with the package.

    Args:
        name: the file, or the name of the study.
        check: see :meth:`~innovation_abm.experiments.design.study.Study.load`.

    Raises:
        InnovationAbmError: if there is no such study, or it is not valid.
    """
    from innovation_abm.experiments.design.study import Study

    if Path(name).suffix or Path(name).name != name:
        return Study.load(name, check=check)
    with as_file(shipped(name)) as path:
        return Study.load(path, check=check)


def shipped(name: str) -> Any:  # noqa: ANN401 - a file inside the package
    """Return the file of a study that comes with the package.

    Raises:
        InnovationAbmError: if there is no such study.
    """
    known = names()
    if name not in known:
        beside = f'; did you mean "{name}.toml"?' if Path(f"{name}.toml").exists() else ""
        advice = beside or did_you_mean(name, known)
        advice = advice or f"; must be one of {', '.join(known)}, or a .toml file"
        raise InnovationAbmError(f'unknown study "{name}"{advice}')
    return files("innovation_abm.experiments") / "studies" / f"{name}.toml"
