"""What a profile found, as frames and in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.charts.charts import load_chart
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.profiles.answers import Answers, load_answers
from innovation_abm.experiments.profiles.questions import questionnaire
from innovation_abm.notebook import html_table, paragraph, titled
from innovation_abm.reading.text_files import write_text
from innovation_abm.scenario.possible_worlds import central_of, has_worlds, worlds_in

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.experiments.calibration.result import CalibrationResult
    from innovation_abm.organization.organization import Organization
    from innovation_abm.scenario.scenario import Scenario

ANSWERS: Final = "answers.toml"
CHART: Final = "chart.csv"
ERRORS: Final = ("omission", "commission")
MOST_SHOWN: Final = 6
"""Most strategies that are shown in a notebook."""
TABLES: Final = ("unknowns", "figures", "headlines", "ranking", "losses", "maturity", "information")


@dataclass(frozen=True, eq=False, repr=False)
class Profile:
    """An organisation as its answers leave it: every world that fits them, and what holds there.

    Every figure has two intervals: ``..._luck_low`` and ``..._luck_high`` enclose 95% of single
    runs of the central world, ``..._worlds_low`` and ``..._worlds_high`` 95% of the means of the
    worlds, which is what is not known.

    Attributes:
        answers: the answers.
        organization: its chart.
        calibration: the calibration behind it; ``None`` if it was read from its folder.
        central: the world nearest to all others.
        worlds: the worlds, by name; all of them are equally likely.
        unknowns: a row for each parameter that is not known: ``unknown``, ``prior_low``,
            ``prior_high``, ``median``, ``low`` and ``high`` (90% of the worlds), ``spread``
            (standard deviation of the worlds as a share of the prior's).
        figures: a row for each answer: ``question``, ``answer``, ``error`` (its standard
            deviation), ``median``, ``low``, ``high`` (90% of single runs, one of each world), in
            the question's units; ``met``, whether the answer is within two errors of these.
        headlines: see :func:`.losses.headlines`.
        ranking: see :func:`.ranking.ranking`.
        losses: see :func:`.losses.losses`.
        maturity: see :func:`.losses.maturity`.
        information: see :func:`.information.information`.
    """

    answers: Answers
    organization: Organization
    calibration: CalibrationResult | None
    central: Scenario
    worlds: Mapping[str, Scenario]
    unknowns: pd.DataFrame
    figures: pd.DataFrame
    headlines: pd.DataFrame
    ranking: pd.DataFrame
    losses: pd.DataFrame
    maturity: pd.DataFrame
    information: pd.DataFrame

    def __repr__(self) -> str:
        """Return a one-line summary; the tables have their own representation."""
        return f"<Profile {self.answers.name}: {self._summary}>"

    def _repr_html_(self) -> str:
        """Show it in a notebook: both errors, and what helps most in all worlds."""
        return _shown_in_notebook(self)

    @property
    def _summary(self) -> str:
        answered, asked = len(self.figures), len(questionnaire().questions)
        people = f"{self.organization.size:,} people"
        return f"{people}, {answered} of {asked} questions answered, {len(self.worlds)} worlds"

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON; replace NaN with null."""
        return {
            "name": self.answers.name,
            "people": self.organization.size,
            "worlds": len(self.worlds),
            "assumed_not_in_place": list(self.answers.assumed),
            **{name: getattr(self, name).to_dict("records") for name in TABLES},
        }

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the worlds and the tables into a folder.

        Raises:
            InnovationAbmError: if they cannot be written.
        """
        place = Path(folder)
        for name in TABLES:
            write_text(place / _file(name), getattr(self, name).to_csv(index=False))


def load_profile(folder: str | PathLike[str]) -> Profile:
    """Return the profile in a folder, as :func:`profile` made it, without running anything.

    Its ``calibration`` is ``None``.

    Raises:
        InnovationAbmError: if the folder holds no finished profile, naming what is missing.
    """
    place = Path(folder)
    missing = [
        name for name in (ANSWERS, CHART, *map(_file, TABLES)) if not (place / name).is_file()
    ]
    if missing or not has_worlds(place):
        raise InnovationAbmError(
            f"{place}: must be the folder of a finished profile; it has no "
            f"{(missing or ['worlds'])[0]}"
        )
    return Profile(
        answers=load_answers(place / ANSWERS),
        organization=load_chart(place / CHART),
        calibration=None,
        central=central_of(place),
        worlds=worlds_in(place),
        **{name: _table(place / _file(name)) for name in TABLES},
    )


def _file(table: str) -> str:
    return f"{table}.csv"


def _table(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(file, dtype={"unit": str}).fillna({"unit": ""})  # which may be blank
    except (OSError, ValueError) as error:
        raise InnovationAbmError(f"{file}: is not a table of a profile: {error}") from None


def _shown_in_notebook(found: Profile) -> str:
    """Show both errors and the strategies that gain most, each with both intervals."""
    both = found.headlines[found.headlines["measure"].isin(ERRORS)].to_dict("records")
    errors = [(row["title"], *_three(row, "value", 100.0)) for row in both]
    best = [
        (row["title"], *_three(row, "gain", 1.0), f"{row['best_three']:.0%}")
        for row in found.ranking.head(MOST_SHOWN).to_dict("records")
    ]
    ranges = ("luck", "not known")
    return titled(
        f"Profile: {found.answers.name}",
        paragraph(found._summary),
        html_table(("in 100 ideas decided", "all worlds", *ranges), errors),
        html_table(("strategy", "gain", *ranges, "best three"), best),
        paragraph(
            "Luck: 95% of single runs of the central world. Not known: 95% of the means of the "
            "worlds. Gain: worthwhile ideas adopted less worthless ones, in 100 decided."
        ),
    )


def _three(row: Mapping[Any, Any], name: str, unit: float) -> tuple[str, str, str]:
    """Return a figure and the ends of both of its intervals, as texts."""
    luck, worlds = (
        " to ".join(f"{unit * row[f'{name}_{one}_{end}']:.0f}" for end in ("low", "high"))
        for one in ("luck", "worlds")
    )
    return f"{unit * row[name]:.1f}", luck, worlds
