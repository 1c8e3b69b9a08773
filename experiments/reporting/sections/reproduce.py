"""How to reproduce the figures, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.experiments.reporting.sections.parts import (
    Section,
    Table,
    file_name,
    shortened,
    version_of,
)
from innovation_abm.experiments.reporting.wording import count

if TYPE_CHECKING:
    from innovation_abm.experiments.design.study import Study

MEASURED: Final = ("innovation-abm", "numpy", "pandas", "scipy", "SALib", "matplotlib")
"""Packages whose versions the page lists."""


class Reproduce(Section):
    """The section on reproducing the study."""

    @property
    def file(self) -> str:
        """Name of the study file."""
        return f"{self.study.name}.toml"

    @property
    def commands(self) -> str:
        """The commands that repeat the study."""
        name = self.study.name
        return (
            f"innovation-abm sweep {name}.toml --out {name}\n"
            f"innovation-abm report {name}\n"
            f"innovation-abm export {name} --out {name}-tables"
        )

    @property
    def words(self) -> Iterator[str]:
        """How to reproduce the figures."""
        yield (
            f"With innovation-abm {version_of('innovation-abm')} installed, save the study file "
            f"below as {self.file} and run these commands. The first runs the study, or what is "
            "missing from it; the second writes this page; the third writes all tables for other "
            "programs. The figures are the same on every machine, with one processor or many."
        )
        files_beside = self._files_beside()
        if files_beside:
            yield f"In addition to the study file, this requires: {', '.join(files_beside)}."
        wanted = self.study.replications
        if str(wanted.luck) == "common":
            yield (
                f"Seeds: replication r of every point, counted from 0, has the seed {wanted.seed} "
                "+ r."
            )
        else:
            yield (
                f"Seeds: each point and replication has its own seed, derived from {wanted.seed}, "
                "the point and the replication."
            )

    def _files_beside(self) -> list[str]:
        base = self.study.base
        named = [base.file, base.chart, base.rules, self.study.design.file]
        for factor in self.study.factors:
            for one in factor.level:
                named += [one.file, one.chart]
        return list(dict.fromkeys(file_name(one) for one in named if one))

    @property
    def study_text(self) -> str:
        """The study file."""
        return portable(self.study)

    @property
    def provenance(self) -> Table:
        """Where the figures come from, without the names of machines or people."""
        results, told = self.results, self.told
        rows = [
            ("points of the design", f"{told['points']:,}"),
            ("runs", f"{told['runs']:,}"),
            ("failed runs", f"{told['failed']:,}"),
            ("missing runs", f"{told['missing']:,}"),
        ]
        provenance = results.provenance
        if len(provenance):
            times = provenance["started"]
            rows += [
                (label, f"{time:%Y-%m-%d %H:%M} UTC")
                for label, time in (("first started", times.min()), ("last started", times.max()))
            ]
            rows.append(("run by", count(int(provenance["worker"].nunique()), "worker")))
        rows += [(key, shortened(x)) for key, x in results.manifest.items() if "\n" not in x]
        for name in MEASURED:
            here, there = version_of(name), ""
            if name in results.sessions:
                there = ", ".join(sorted(set(results.sessions[name].dropna().astype(str))))
            differs = there not in ("", here)
            rows.append((name, f"{there} for the runs, {here} for this page" if differs else here))
        return Table("Where the figures come from", ("what", "value"), tuple(rows))


def portable(study: Study) -> str:
    """Return a study's file without the folders of the machine in its file names."""
    text = study.to_toml()
    document = study.document()
    if _without_folders(document):
        import tomli_w

        text = tomli_w.dumps(document)
    return text


def _without_folders(part: dict[str, Any]) -> bool:
    """Remove the folders from absolute paths in a document; return whether there were any."""
    found = False
    for key, value in part.items():
        if isinstance(value, dict):
            found |= _without_folders(value)
        elif isinstance(value, (list, tuple)):
            found |= any([_without_folders(one) for one in value if isinstance(one, dict)])
        elif key in ("file", "chart", "rules") and isinstance(value, str) and _absolute(value):
            part[key] = file_name(value)
            found = True
    return found


def _absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


# --- helpers --------------------------------------------------------------------------------------
