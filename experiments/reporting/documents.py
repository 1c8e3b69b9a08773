"""Reports for the site: ``python -m innovation_abm.experiments.reporting.documents``.

It writes the report of every study that comes with the package into ``docs/reports``, unless one
from the current version of the model is there already. With ``--check`` it only says which are
missing or outdated, and exits with status 1 if any is.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORTS: Final = Path(__file__).resolve().parents[2] / "docs" / "reports"
"""Folder of reports in a checkout."""
NO_REPORT: Final = ("own_chart",)
"""Studies that need a chart of your own."""


def model_of(page: str) -> str:
    """Find the model and version of a report: ``"innovation eb0fdc2aa5210125"``.

    Args:
        page: the report, as HTML.

    Returns:
        The model named in its last table; "" if there is none.
    """
    words = html.unescape(re.sub(r"<[^>]*>", " ", page))
    found = re.search(r"\bmodel\s+((?:innovation\s+[0-9a-f]{16})|ishigami|sobol_g)\b", words)
    return "" if found is None else " ".join(found[1].split())


def is_current(page: str) -> bool:
    """Whether a report is from the current version of the model, or from a test function."""
    from innovation_abm.experiments.running.identity import model_version

    model = model_of(page)
    return model in ("ishigami", "sobol_g", f"innovation {model_version()}")


def write(name: str, file: Path) -> None:
    """Sweep a study that comes with the package, and write its report to a file.

    Args:
        name: name of the study.
        file: file to write; it is overwritten.
    """
    from innovation_abm.experiments.design.shipped import find
    from innovation_abm.experiments.reporting.report import write_report
    from innovation_abm.experiments.running.execution import sweep

    with TemporaryDirectory() as folder:
        shutil.copyfile(write_report(sweep(find(name), Path(folder, name)), folder), file)


def main(arguments: Sequence[str] | None = None, reports: Path = REPORTS) -> int:
    """Check all reports, and write those that are missing or from another version of the model.

    Args:
        arguments: command-line arguments.
        reports: the folder of the reports.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="only say which are missing or outdated"
    )
    asked = parser.parse_args(arguments)
    from innovation_abm.experiments.design.shipped import names

    if not reports.is_dir():
        print(f"{reports} does not exist; run this command in a checkout", file=sys.stderr)
        return 2
    stale = 0
    for name in names():
        file = reports / f"{name}.html"
        if name in NO_REPORT:
            continue
        if file.exists() and is_current(file.read_text(encoding="utf-8")):
            print(f"{file.name}: current")
        elif asked.check:
            print(f"{file.name}: {'outdated' if file.exists() else 'missing'}")
            stale += 1
        else:
            write(name, file)
            print(f"{file.name}: written", flush=True)
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
