"""What failed, and what is undefined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from innovation_abm.experiments.reporting.sections.parts import EXPORT, Section, Table, shortened
from innovation_abm.experiments.reporting.wording import count, percent

ERRORS: Final = 20
"""Maximum number of different errors that are listed."""


class Failures(Section):
    """The section on failures."""

    @property
    def words(self) -> Iterator[str]:
        """Failures and undefined measures, in words."""
        failed = self.told["failed"]
        if failed:
            yield (
                f"{count(failed, 'run')} failed. No figure on this page includes them. The same "
                "sweep with --retry runs them again."
            )
        else:
            yield "No run failed."
        undefined = {
            name: one["undefined"]
            for name, one in self.told["measures"].items()
            if one["undefined"]
        }
        if undefined:
            yield (
                "A measure is undefined in a run that has nothing to take a share or mean of, such "
                "as the survival of ideas in a run without ideas. Such runs are left out of its "
                "means, which then hold only for runs in which it is defined."
            )
        else:
            yield "Every measure is defined in every run."

    @property
    def tables(self) -> Iterator[Table]:
        """Errors by how often they occurred, and measures by how often they are undefined."""
        failures = self.results.failures
        if len(failures):
            groups = failures.groupby("error", sort=False)
            listed = sorted(
                ((error, rows) for error, rows in groups), key=lambda one: (-len(one[1]), one[0])
            )
            rows = [
                (
                    shortened(str(error)),
                    f"{len(of):,}",
                    f"point {of['point'].iloc[0]}, replication {of['replication'].iloc[0]}",
                )
                for error, of in listed[:ERRORS]
            ]
            left = len(listed) - len(rows)
            note = f"{left:,} more kinds of errors are left out here: {EXPORT}." if left else ""
            yield Table("Errors", ("error", "runs", "first at"), tuple(rows), frozenset({1}), note)
        undefined = [
            (
                self.names.measure(name).short,
                f"{one['undefined']:,}",
                percent(one["undefined"] / self.told["runs"]),
            )
            for name, one in self.told["measures"].items()
            if one["undefined"]
        ]
        if undefined:
            yield Table(
                "Undefined measures",
                ("measure", "runs in which it is undefined", "of all runs"),
                tuple(undefined),
                frozenset({1, 2}),
            )
