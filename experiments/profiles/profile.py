"""A profile from beginning to end: answers, the worlds that fit them, and what holds in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.charts.charts import ChartError, load_chart, write_chart
from innovation_abm.errors import InnovationAbmError, first_few
from innovation_abm.experiments.calibration.calibration import calibrate
from innovation_abm.experiments.portfolios.memory import Memory
from innovation_abm.experiments.profiles import fitting
from innovation_abm.experiments.profiles.answers import AnswerError, Answers, Must, load_answers
from innovation_abm.experiments.profiles.information import information
from innovation_abm.experiments.profiles.losses import headlines, losses, maturity
from innovation_abm.experiments.profiles.ranking import EACH, effects, ranking
from innovation_abm.experiments.profiles.result import ANSWERS, CHART, Profile
from innovation_abm.experiments.running.identity import model_version
from innovation_abm.extras import require
from innovation_abm.reading.plain_numbers import whole_number
from innovation_abm.reading.text_files import path_shown, read_text, write_text
from innovation_abm.scenario.possible_worlds import save_worlds, worlds_of

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.experiments.calibration.result import CalibrationResult
    from innovation_abm.organization.organization import Organization
    from innovation_abm.scenario.scenario import Scenario

CALIBRATION: Final = "calibration"
MEASURED: Final = "measured"
MET: Final = 2.0
"""Errors that an answer may be from what 90% of the worlds give; beyond, they do not meet it."""

Told = Callable[[str, int, int], object]


def profile(
    answers: str | PathLike[str] | Answers,
    out: str | PathLike[str] | None = None,
    *,
    draws: int = fitting.DRAWS,
    replications: int = EACH,
    seed: int = 1,
    told: Told | None = None,
) -> Profile:
    """Find the worlds that fit an organisation's answers, and what holds in all of them.

    Args:
        answers: the file of answers, or what :func:`load_answers` returns.
        out: a folder for everything; called again with it, work that was ended goes on. ``None``
            keeps it only until Python ends: the worlds name a chart, which has to stay that long.
        draws: draws from the priors, of which 3% are kept; at least about 3,700.
        replications: runs of each world for each strategy, at least 1.
        seed: of the draws and of their luck.
        told: called with what is being done, how much is done, and of how much.

    Raises:
        AnswerError: naming each wrong answer, where it is, and what is allowed.
        InnovationAbmError: if the chart is not valid, the folder holds something else, the answers
            contradict each other, or the work cannot be done.
    """
    require("studies", "Profiles")
    replications = whole_number("replications", replications)
    if replications < 1:
        raise InnovationAbmError(f"replications = {replications}: must be at least 1")
    given = answers if isinstance(answers, Answers) else load_answers(Path(answers))
    if not any(given.used()):
        where = "" if isinstance(answers, Answers) else f"{path_shown(answers)}: "
        raise AnswerError(where + Must("one").said())
    draws = whole_number("draws", draws)
    if draws < (least := fitting.least_draws(given)):
        raise InnovationAbmError(f"draws = {draws:,}: must be at least {least:,}")
    organization = _organization(given)
    place = _until_the_end() if out is None else Path(out)
    _prepare(place, given, organization)
    if not isinstance(answers, Answers):
        write_text(place / ANSWERS, _with_own_chart(read_text(answers)))
    found = _Making(given, organization, place, draws, replications, seed, told).profile()
    found.save(place)
    return found


def _until_the_end() -> Path:
    """Return a new folder that is removed when Python ends, whatever still refers to it."""
    folder = TemporaryDirectory(prefix="innovation-abm-")
    _folders.append(folder)
    return Path(folder.name)


_folders: Final[list[TemporaryDirectory[str]]] = []


def _with_own_chart(text: str) -> str:
    """Return answers that name the chart beside them, as it was understood, if they name any."""
    text = re.sub(r"(?m)^(\s*)chart\s*=.*$", rf'\1chart = "{CHART}"', text)
    return re.sub(r"(?m)^\s*repair\s*=.*\n?", "", text)


def _organization(answers: Answers) -> Organization:
    if answers.chart is None:
        return fitting.tree(answers.people, answers.layers)
    try:
        return load_chart(answers.chart, repair=answers.repair)
    except ChartError as error:
        lines = first_few(map(str, error.faults))
        if not answers.repair and any(fault.repairable for fault in error.faults):
            lines.append("to repair it: repair = true, under [organisation] in the answers")
        raise InnovationAbmError("\n".join((f"{answers.chart}: is refused:", *lines))) from None


def _prepare(place: Path, answers: Answers, organization: Organization) -> None:
    """Write the chart into a new folder; refuse a folder of something else."""
    # Wherever the chart is: the folder's own answers name the one that is kept, which is repaired.
    described, former = (
        f"{replace(answers, chart=None, repair=one)!r} {organization.digest()} {model_version()}\n"
        for one in (False, answers.repair)
    )
    mark = place / "identity.txt"
    if mark.is_file():
        if read_text(mark) not in (described, former):
            raise InnovationAbmError(
                f"{place}: holds the profile of other answers, another chart or another version of "
                "the model; name another folder"
            )
        _keep_chart(place, organization)  # if it was interrupted here before
        return
    try:
        if place.is_dir() and any(place.iterdir()):
            raise InnovationAbmError(f"{place}: holds something else; name another folder")
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InnovationAbmError(f"{place}: cannot be used: {error.strerror}") from None
    write_text(mark, described)
    _keep_chart(place, organization)


def _keep_chart(place: Path, organization: Organization) -> None:
    if not (place / CHART).is_file():
        write_chart(organization, place / CHART)


@dataclass(frozen=True)
class _Making:
    """What a profile is made from."""

    answers: Answers
    organization: Organization
    place: Path
    draws: int
    replications: int
    seed: int
    told: Told | None

    def profile(self) -> Profile:
        """Make everything, step by step; what is finished is kept."""
        found = self._calibrated()
        central, worlds, points = self._worlds(found)
        measured = effects(
            central,
            worlds,
            each=self.replications,
            organization=self.organization,
            memory=self._memory(points),
            told=self.told,
        )
        names = [prior.name for prior in found.calibration.parameters]
        shares = _shares(found, points)
        return Profile(
            answers=self.answers,
            organization=self.organization,
            calibration=found,
            central=central,
            worlds=worlds,
            unknowns=_unknowns(found, points),
            figures=_figures(self.answers, self.organization.size, points),
            headlines=headlines(central, worlds, organization=self.organization),
            ranking=ranking(central, measured),
            losses=losses(central, worlds, organization=self.organization, told=self.told),
            maturity=maturity(central, worlds, organization=self.organization),
            information=information(names, shares, measured.gains, self.seed),
        )

    def _calibrated(self) -> CalibrationResult:
        folder = self.place / CALIBRATION
        folder.mkdir(exist_ok=True)  # the path of the chart goes through it
        wanted = fitting.calibration_of(
            self.answers,
            self.organization.size,
            chart=f"../{CHART}",
            folder=folder,
            draws=self.draws,
            seed=self.seed,
        )

        def progress(done: int, total: int, _: str) -> None:
            if self.told is not None:
                self.told("drawing worlds", done, total)

        found = calibrate(wanted, folder, progress=progress)
        if found.empty:
            raise InnovationAbmError(
                "no world comes near all answers, so some contradict each other in this model: "
                + " ".join(found.conflicts)
            )
        return found

    def _worlds(
        self, found: CalibrationResult
    ) -> tuple[Scenario, dict[str, Scenario], pd.DataFrame]:
        points = fitting.worlds_from(found.sample, fitting.WORLDS, self.seed)
        names = [prior.name for prior in found.calibration.parameters]
        table = points[names].to_numpy(float).tolist()
        rows = [dict(zip(names, row, strict=True)) for row in table]
        middle = rows[fitting.central(_shares(found, points))]
        chart = str(self.place / CHART)
        base = found.calibration.scenario().but(
            name=self.answers.name, title="", chart=chart, seed=self.seed, **middle
        )
        save_worlds(self.place, base, rows)
        return base, worlds_of(base, rows), points

    def _memory(self, points: pd.DataFrame) -> Memory:
        digest = hashlib.sha256(points.to_csv().encode()).hexdigest()[:32]
        return Memory.of_folder(self.place / MEASURED, {"worlds": digest, "model": model_version()})


def _shares(found: CalibrationResult, points: pd.DataFrame) -> Any:  # noqa: ANN401 - an array
    """Return worlds as shares of the priors below them, (worlds, parameters)."""
    priors = found.calibration.parameters
    return np.column_stack([one.shares(points[one.name].to_numpy(float)) for one in priors])


def _unknowns(found: CalibrationResult, points: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for prior in found.calibration.parameters:
        values = points[prior.name]
        low, median, high = values.quantile([0.05, 0.5, 0.95])
        share = prior.shares(values.to_numpy(float))
        rows.append(
            {
                "unknown": prior.name,
                "prior_low": prior.low,
                "prior_high": prior.high,
                "median": median,
                "low": low,
                "high": high,
                "spread": float(share.std() * 12**0.5),
            }
        )
    return pd.DataFrame(rows)


def _figures(answers: Answers, people: int, points: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for question, answer in answers.used():
        unit = 1.0 / question.figure(1.0, people)
        off = MET * answer.error
        low, median, high = unit * points[question.key].quantile([0.05, 0.5, 0.95])
        rows.append(
            {
                "question": question.key,
                "answer": answer.value,
                "error": answer.error,
                "median": median,
                "low": low,
                "high": high,
                "met": low - off <= answer.value <= high + off,
            }
        )
    return pd.DataFrame(rows)
