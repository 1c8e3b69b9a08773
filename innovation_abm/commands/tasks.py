"""From the options of a command to its task: a scenario, and the organisation that it runs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import read_settings, read_strengths

if TYPE_CHECKING:
    from innovation_abm.charts.charts import Chart
    from innovation_abm.console import Working
    from innovation_abm.options import ChartReading
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario


# --- the scenario ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Changes:
    """What the options of a command change in a scenario.

    Attributes:
        chart: A chart to run on; this and the next two: ``None`` leaves what the scenario says.
        weeks: Length of the run.
        seed: Its random seed.
        settings: Pairs ``NAME=VALUE``, by the option that they were given with.
        levers: Pairs ``KEY=STRENGTH``, likewise.
        lever_file: A file of levers to add.
    """

    chart: str | None = None
    weeks: int | None = None
    seed: int | None = None
    settings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    levers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lever_file: str | None = None

    def and_also(
        self, settings: Mapping[str, Sequence[str]], levers: Mapping[str, Sequence[str]]
    ) -> Changes:
        """Return these changes and, after them, some more."""
        return replace(
            self, settings={**self.settings, **settings}, levers={**self.levers, **levers}
        )

    def applied(self, name: str, rules: RuleBook | None = None) -> Scenario:
        """Return a preset or scenario file with the changes, which its new name lists.

        Args:
            name: The preset or file.
            rules: The rules that it will be run with, whose own parameters may be set.

        Raises:
            InnovationAbmError: If the scenario does not exist, or a change is wrong.
        """
        return self.applied_to(find_scenario(name, rules))

    def applied_to(self, scenario: Scenario) -> Scenario:
        """Return a scenario with the changes; see :meth:`applied`."""
        values: dict[str, Any] = {}
        for option, pairs in self.settings.items():
            values |= read_settings(option, pairs, scenario.parameters())
        given = {"chart": self.chart, "weeks": self.weeks, "seed": self.seed}
        values |= {key: value for key, value in given.items() if value is not None}
        if self.chart is not None:
            values["title"] = ""  # it describes the scenario's own organisation
        scenario = _named(scenario.but(**values), self.settings)
        strengths: dict[str, float] = {}
        for option, pairs in self.levers.items():
            strengths |= read_strengths(option, pairs)
        scenario = with_levers_of(self.lever_file, scenario)
        if strengths:
            scenario = scenario.but(levers={**scenario.levers, **strengths})
        return _named(scenario, self.levers)


def _named(scenario: Scenario, changes: Mapping[str, Sequence[str]]) -> Scenario:
    """Return a scenario whose name lists what was changed in it."""
    changed = ", ".join(pair.strip() for pairs in changes.values() for pair in pairs)
    return scenario.but(name=f"{scenario.name} with {changed}") if changed else scenario


FOR_ROOMS: Final = "workshop"
"""The scenario that runs by default."""
FOR_CHARTS: Final = "typical"
"""The default scenario on a chart: the workshop preset has an unrealistically high idea rate."""


def usual_scenario(chart: str | None) -> str:
    """Return the name of the scenario that runs if none is named."""
    return FOR_ROOMS if chart is None else FOR_CHARTS


def find_scenario(name: str, rules: RuleBook | None = None) -> Scenario:
    """Return a preset by its name, or read a scenario file or profile, to be run with rules."""
    from innovation_abm.rules.files import own_parameters
    from innovation_abm.scenario.possible_worlds import central_of, has_worlds
    from innovation_abm.scenario.presets import is_preset, preset
    from innovation_abm.scenario.scenario import Scenario

    path, declared = Path(name), own_parameters(rules)
    if is_preset(name):
        return preset(name).with_parameters(declared)
    if has_worlds(path):
        return central_of(path, declared)
    if path.suffix.lower() in (".csv", ".tsv", ".xlsx"):
        raise InnovationAbmError(f"{name}: looks like a chart, not a scenario; use --chart {name}")
    if path.suffix.lower() == ".toml" or path.name != name or path.exists():
        return Scenario.load(path, declared)
    return preset(name).with_parameters(declared)  # which suggests the nearest name


def with_levers_of(file: str | None, scenario: Scenario) -> Scenario:
    """Return a scenario to which the levers of a file, if one is given, are added."""
    from innovation_abm.scenario.levers import load_levers
    from innovation_abm.scenario.scenario import ScenarioError

    if file is None:
        return scenario
    own = (*scenario.own_levers, *load_levers(file))
    try:
        return scenario.but(own_levers=own)
    except ScenarioError as error:
        raise InnovationAbmError(f"{file}: {error}") from None


# --- its rules ------------------------------------------------------------------------------------


def read_rules(file: str | None) -> RuleBook | None:
    """Read a rule file, if one is given."""
    if file is None:
        return None
    from innovation_abm.rules.files import load_rules

    return load_rules(file)


def warn_of_rules(name: str, rules: RuleBook | None, working: Working) -> None:
    """Warn if a scenario was saved by a run with other rules."""
    from innovation_abm.results.files import rules_missing
    from innovation_abm.scenario.presets import is_preset

    if not is_preset(name) and Path(name).is_file():
        line = rules_missing(name, rules)
        if line is not None:
            working.note(line)


# --- its organisation -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """A scenario and the organisation that it is to run on, with the chart that was read for it."""

    scenario: Scenario
    organization: Organization
    chart: Chart | None


def task_of(scenario: Scenario, reading: ChartReading, working: Working) -> Task:
    """Read the chart that a scenario names, or generate its departments.

    Raises:
        InnovationAbmError: If the chart is refused, or there is none to use ``reading`` for.
    """
    from innovation_abm.charts.charts import ChartError
    from innovation_abm.organization.organization import generate

    working.say("reading the chart" if scenario.chart else "building the organisation")
    if scenario.chart is None:
        reading.check_unused()
        shape = (scenario.departments, scenario.middle_layers, scenario.span)
        return Task(scenario, generate(*shape), None)
    chart = reading.read(scenario.chart)
    if chart.organization is None:
        raise ChartError(chart.faults)
    return Task(scenario, chart.organization, chart)


def prepared(
    name: str, changes: Changes, reading: ChartReading, rules: str | None, working: Working
) -> tuple[Task, RuleBook | None]:
    """Return the task of a command, and the rules of the file that it names.

    Args:
        name: A preset or scenario file.
        changes: What the options change in it.
        reading: How a chart is read.
        rules: A rule file, if one is given.
        working: Where warnings go.
    """
    book = read_rules(rules)
    wanted = changes.applied(name, book)
    warn_of_rules(name, book, working)
    return task_of(wanted, reading, working), book


def check_compiled(rules: RuleBook | None) -> None:
    """Refuse agents that only Mesa can run, for commands that need many thousands of runs.

    Raises:
        InnovationAbmError: If there are such agents.
    """
    from innovation_abm.running.engines import mesa_only

    if agents := mesa_only(rules):
        raise InnovationAbmError(f"only Mesa can run {agents}, which would take hours here")
