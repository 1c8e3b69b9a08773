"""What a portfolio was asked for, kept in its folder, so that the folder alone repeats it.

``portfolio.toml`` has the options; the folder ``inputs`` has the scenario, its worlds, and what
they refer to, as the folder of a study has it, see
:mod:`~innovation_abm.experiments.design.inputs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.charts.charts import load_chart, write_chart
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.design.inputs import KeptFiles, changed, written
from innovation_abm.experiments.design.sections import INPUTS, Base
from innovation_abm.experiments.store.store import versions_used
from innovation_abm.reading.text_files import write_text
from innovation_abm.reading.toml_files import read_toml_file
from innovation_abm.rules.files import FileRules, load_rules, own_parameters
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    from os import PathLike

    from innovation_abm.experiments.design.factors import Start
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook

FILE: Final = "portfolio.toml"
FORMAT: Final = 1
"""Version of this file that this release reads and writes."""
SCENARIO: Final = "scenario.toml"
CHART: Final = "chart.csv"
OPTIONS: Final = (
    *("budget", "levers", "strengths", "weeks", "costs", "require_lost"),
    *("replications", "fresh", "seed"),
)
"""Arguments of :func:`~.portfolio.portfolio` that are numbers, names and lists of them."""


@dataclass(frozen=True)
class Asked:
    """What a portfolio was asked for.

    Attributes:
        scenario: what levers are moved in.
        worlds: scenarios in which each plan is tried, by name; ``None``: the scenario alone.
        organization: the chart; that of each scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        options: the other arguments, by name; those that are missing have their defaults.
    """

    scenario: Scenario
    worlds: Mapping[str, Scenario] | None
    organization: Organization | None
    rules: RuleBook | None
    options: Mapping[str, Any]

    def path(self, name: str) -> Path:
        """Return the absolute path of a file: those of scenarios start where Python runs."""
        return Path(name).absolute()

    @property
    def base(self) -> Base:
        """What charts are read with: nothing special."""
        return Base()

    def origin(self, start: Start) -> Scenario:
        """Return what is asked about."""
        return self.scenario

    def read_rules(self, name: str | None) -> RuleBook | None:
        """Return the rule book."""
        return self.rules


def keep(asked: Asked, folder: str | PathLike[str]) -> None:
    """Write what was asked for, and all that it refers to, into a folder that exists.

    Raises:
        InnovationAbmError: if it cannot be read or written.
    """
    import tomli_w

    kept = KeptFiles(asked)
    document: dict[str, Any] = {"format": FORMAT, "scenario": SCENARIO}
    if asked.organization is not None:
        document["chart"] = CHART
        kept.files[CHART] = written(partial(write_chart, asked.organization))
        kept.organizations[CHART] = asked.organization.digest()
    if isinstance(asked.rules, FileRules):
        document["rules"] = kept.rules(str(Path(asked.rules.file).absolute()))
    kept.scenario(_bare(asked, asked.scenario), SCENARIO)
    if asked.worlds is not None:
        document["worlds"] = list(asked.worlds)
        for number, one in enumerate(asked.worlds.values(), 1):
            kept.scenario(_bare(asked, one), _of_world(number))
    document |= {name: x for name, x in asked.options.items() if x is not None}
    kept.write(Path(folder), versions_used({}))
    write_text(Path(folder) / FILE, tomli_w.dumps(document))


def _bare(asked: Asked, scenario: Scenario) -> Scenario:
    """Return a scenario without its chart, if another one is given."""
    return scenario if asked.organization is None else scenario.but(chart=None)


def _of_world(number: int) -> str:
    """Return the name of the file of a world, from 1."""
    return f"worlds/{number}.toml"


def is_portfolio(folder: str | PathLike[str]) -> bool:
    """Whether a folder says what a portfolio was asked for."""
    return (Path(folder) / FILE).is_file()


def asked_in(folder: str | PathLike[str]) -> Asked:
    """Return what the portfolio of a folder was asked for.

    Raises:
        InnovationAbmError: if a file is missing or not valid.
    """
    home, inputs = Path(folder), Path(folder) / INPUTS
    document = read_toml_file(home / FILE, InnovationAbmError)
    if faults := list(_faults(document)):
        raise InnovationAbmError(f"{home / FILE}: {'; '.join(faults)}")
    rules = load_rules(inputs / document["rules"]) if "rules" in document else None
    load = partial(Scenario.load, own_parameters=own_parameters(rules))
    worlds = None
    if "worlds" in document:
        named = enumerate(document["worlds"], 1)
        worlds = {str(name): load(inputs / _of_world(number)) for number, name in named}
    return Asked(
        scenario=load(inputs / document["scenario"]),
        worlds=worlds,
        organization=load_chart(inputs / document["chart"]) if "chart" in document else None,
        rules=rules,
        options={name: document[name] for name in OPTIONS if name in document},
    )


def _faults(document: Mapping[str, Any]) -> Iterator[str]:
    version = document.get("format")
    if type(version) is not int or version < 1:
        yield f"needs a line format = {FORMAT} at its top"
    elif version > FORMAT:
        yield f"format = {version} is newer than this release can read; update innovation-abm"
    for name in ("scenario", "chart", "rules"):
        text = document.get(name, "" if name != "scenario" else None)
        if not isinstance(text, str) or os.path.isabs(text) or ".." in Path(text).parts:
            yield f"{name} must be the path of a file in {INPUTS}"
    if not isinstance(document.get("worlds", []), list):
        yield "worlds must be a list of names"


def notes(folder: str | PathLike[str]) -> list[str]:
    """Return lines about kept files that are no longer what they were."""
    return list(changed(Path(folder), "portfolio"))
