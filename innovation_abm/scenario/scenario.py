"""The scenario: every parameter of a run, in one typed, validated and documented record.

A scenario is flat in Python (``Scenario(risk_aversion=0.7)``) and grouped in TOML, one section a
group. Everything that lists parameters (files, commands, documentation, designs of experiments)
reads :func:`parameters`, so a parameter is added here and nowhere else: one field in the group
that it belongs to.

Each parameter has an *off* value, at which its mechanism does nothing. With everything off the
model is the textbook screen: ideas pass a row of gates, each with a constant probability.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import BaseModel, ConfigDict, InstanceOf, ValidationError, model_validator

from innovation_abm.errors import (
    MOST,
    InnovationAbmError,
    listed,
    unknown,
)
from innovation_abm.notebook import html_table, paragraph, titled
from innovation_abm.reading.plain_numbers import of_kind, plain
from innovation_abm.reading.text_files import read_text, write_text
from innovation_abm.reading.toml_files import TomlError, read_toml
from innovation_abm.scenario.faults import (
    JOINT,
    cross_faults,
    entry_fault,
    explained,
    is_sound,
    key_fault,
    lever_faults,
    nan_faults,
    own_faults,
    own_lever_faults,
    undeclared,
    value_faults,
)
from innovation_abm.scenario.levers import (
    Lever,
    LeverError,
    apply,
    catalogue,
    lever_entry,
    lever_from,
)
from innovation_abm.scenario.networks import NETWORKS, named_by_file, network_faults
from innovation_abm.scenario.parameters import (
    GROUPS,
    OWN,
    Agency,
    Context,
    Determinants,
    Everyday,
    Facets,
    Ideas,
    Implementation,
    Learning,
    Parameter,
    Pilots,
    PlatformGroup,
    Review,
    Revival,
    RunGroup,
    Shape,
    Traits,
    Value,
    Voice,
    Work,
    parameters,
)
from innovation_abm.scenario.verdicts import (
    Verdict,
    VerdictError,
    verdict_faults,
    verdicts_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORMAT: Final = 1
"""Version of the scenario file format that this release writes."""


class ScenarioError(InnovationAbmError):
    """A scenario, or its file, is wrong.

    Attributes:
        faults: every mistake that was found; the message lists them.
    """

    def __init__(self, faults: Sequence[str] | str, source: str = "") -> None:
        """Make one message of one or more faults, beginning with where they are."""
        self.faults = (faults,) if isinstance(faults, str) else tuple(faults)
        self.source = source
        super().__init__(listed(self.faults, source))

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[tuple[str, ...], str]]:
        """Make the error picklable, with its faults."""
        return type(self), (self.faults, self.source)


class Change(BaseModel):
    """One entry of the timeline: parameters and levers that take other values from a week on.

    Attributes:
        week: first week in which the values hold (1 is the run's first week).
        until: first week in which they no longer hold; ``None``: to the end of the run. Then
            each parameter takes the value of the latest other entry that holds, else its own.
        values: parameter names and their values.
        levers: keys of levers and their strengths, in [0, 1].

    Raises:
        ScenarioError: if a week is not a whole number, or a value is neither a number nor a flag.
            Names and bounds are checked by the scenario that the entry becomes part of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    week: int
    until: int | None = None
    values: dict[str, float | int | bool] = {}
    levers: dict[str, float] = {}

    def __init__(self, **entry: Any) -> None:  # noqa: ANN401 - checked by pydantic
        try:
            super().__init__(**_entry_of_kind(entry))
        except ValidationError as error:
            faults = {entry_fault(fault) for fault in error.errors()[:MOST]}
            raise ScenarioError(sorted(faults)) from None

    def holds(self, week: int) -> bool:
        """Whether the values hold in ``week``."""
        return self.week <= week and (self.until is None or week < self.until)


class Scenario(
    Context,
    Determinants,
    Learning,
    Implementation,
    Pilots,
    Agency,
    PlatformGroup,
    Everyday,
    Revival,
    Review,
    Work,
    Voice,
    Traits,
    Facets,
    Ideas,
    Shape,
    RunGroup,
):
    """All that a run depends on, but for the rules: parameters, levers, timeline and seed.

    Immutable; make variants with :meth:`but`. See :func:`parameters` for every parameter with
    its meaning, unit, bounds and off value, and :func:`innovation_abm.scenario.levers.catalogue`
    for the levers.

    Attributes:
        name: its name, in tables and files.
        title: what it stands for, in a sentence.
        levers: levers that are moved from the start, by key: strengths in [0, 1].
        own_levers: custom levers, in addition to those of the catalogue.
        own_parameters: parameters that custom rules or agents declare, in addition to those of
            :func:`parameters`; ``load_rules(...).parameters``. They are set and read like those.
        own_values: their values, by name.
        timeline: what changes during the run.
        verdicts: what people decide in the place of simulated reviewers.

    Raises:
        ScenarioError: naming each unknown parameter, wrong type or value out of bounds.
    """

    name: str = "scenario"
    title: str = ""
    levers: dict[str, float] = {}  # noqa: RUF012 - pydantic copies it
    own_levers: tuple[Lever, ...] = ()
    own_parameters: tuple[InstanceOf[Parameter], ...] = ()
    own_values: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies it
    timeline: tuple[Change, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - checked by pydantic
        given = values.get("own_parameters", ())
        declared = tuple(given) if isinstance(given, tuple | list) else ()
        known = _known(declared)
        try:
            super().__init__(**_with_own_values(_plain_values(values, known), declared))
        except ValidationError as error:
            raise ScenarioError(_all_explained(error, known)) from None

    if not TYPE_CHECKING:  # it would hide from the type checker that a name is wrong

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            """Return the value of a parameter that custom rules declare."""
            own = self.__dict__.get("own_values", {})
            return own[name] if name in own else super().__getattr__(name)

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self._given()
        found = chain(
            nan_faults(given),
            own_faults(self.own_parameters, self.own_values),
            cross_faults(given),
            network_faults(given),
            own_lever_faults(self.own_levers, self.parameters()),
            lever_faults(self.levers, self.catalogue()),
            verdict_faults(self.verdicts, self.weeks, self.serves_arrivals),
        )
        faults = list(islice(found, MOST))
        if not faults:  # the effect of levers and timeline can be worked out
            faults = list(islice(_timeline_faults(self), MOST))
        if faults:
            raise ScenarioError(faults)
        return self

    def but(self, **values: Any) -> Scenario:  # noqa: ANN401 - checked by pydantic
        """Return a copy with other values; ``scenario.but(risk_aversion=0.2)``."""
        known = self.parameters()
        values = _plain_values(values, known)
        if all(is_sound(name, value, known) for name, value in values.items()):
            return self.unchecked(**values)  # the rest was checked when this was made
        return Scenario(**{**self._given(), **values})

    def unchecked(self, **values: Any) -> Scenario:  # noqa: ANN401 - the caller's concern
        """Return a copy with other values, each of which must be as the scenario would hold it."""
        return self.model_copy(update=_with_own_values(values, (), self.own_values))

    def with_parameters(self, declared: tuple[Parameter, ...]) -> Scenario:
        """Return the scenario as rules run it that declare parameters of their own.

        Those that it does not set are at their defaults.

        Raises:
            ScenarioError: if it has a parameter that the rules do not declare, or a value that is
                out of its bounds there.
        """
        if declared == self.own_parameters:
            return self
        if not (self.own_parameters or self.own_levers):  # defaults need no check
            defaults = {one.name: one.default for one in declared}
            return self.model_copy(update={"own_parameters": declared, "own_values": defaults})
        names = [one.name for one in declared]
        for name in self.own_values:
            if name not in names:
                raise ScenarioError(undeclared(name, names))
        return self.but(own_parameters=declared)

    def off(self, *groups: str) -> Scenario:
        """Return a copy with every mechanism of ``groups`` (default: all) at its off value."""
        there = (*GROUPS, OWN)
        for group in groups:
            if group not in there:
                raise ScenarioError(unknown("group", group, there))
        wanted = set(groups or there)
        known = self.parameters().values()
        there_is = (p for p in known if p.off is not None or p.name in NETWORKS)
        off = {p.name: p.off for p in there_is if p.group in wanted}
        return self.but(**off)

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return _shown_in_notebook(self)

    def at(self, week: int) -> dict[str, Value]:
        """Return the value of every parameter in ``week``, timeline and levers applied.

        The timeline sets parameters and strengths of levers; then the levers move the parameters
        from there.
        """
        known = self.parameters()
        values: dict[str, Value] = {name: getattr(self, name) for name in known}
        for change in self._holding(week):
            values.update(change.values)
        return apply(values, self.strengths(week), self.catalogue().values(), known)

    def strengths(self, week: int = 1) -> dict[str, float]:
        """Return the strength of each lever in ``week``; levers that are not named are at 0."""
        strengths = dict(self.levers)
        for change in self._holding(week):
            strengths.update(change.levers)
        return strengths

    def parameters(self) -> Mapping[str, Parameter]:
        """Return the parameters by name: the shipped ones, then those that its rules declare."""
        return _known(self.own_parameters)

    def catalogue(self) -> Mapping[str, Lever]:
        """Return the levers that the scenario may move: the shipped ones, then its own."""
        if not self.own_levers:
            return catalogue()
        return {**catalogue(), **{lever.key: lever for lever in self.own_levers}}

    def _holding(self, week: int) -> list[Change]:
        """List the entries of the timeline that hold in ``week``, the latest last."""
        holding = [change for change in self.timeline if change.holds(week)]
        return sorted(holding, key=lambda change: change.week)

    def seeds(self) -> tuple[int, int, int, int]:
        """Return the seeds of the four groups of draws: people, ideas, decisions, context."""
        own = (self.people_seed, self.ideas_seed, self.decisions_seed, self.context_seed)
        people, ideas, decisions, context = (self.seed if s is None else s for s in own)
        return people, ideas, decisions, context

    @property
    def serves_arrivals(self) -> bool:
        """Whether ideas may be decided on in the week in which they are conceived."""
        changed = {name for change in self.timeline for name in change.values}
        switched = {name for lever in self.own_levers for name in lever.switches}
        return self.same_week_service or "same_week_service" in changed | switched

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}

    @classmethod
    def from_toml(
        cls, text: str, source: str = "scenario", own_parameters: tuple[Parameter, ...] = ()
    ) -> Scenario:
        """Read a scenario from TOML.

        Args:
            text: what the file holds.
            source: what names it in errors.
            own_parameters: the parameters of its section ``[own]``, which custom rules declare.

        Raises:
            ScenarioError: naming source, key and what is allowed.
        """
        try:
            values, faults = _from_toml(text, own_parameters)
            try:
                scenario = cls(**values)
            except ScenarioError as error:
                faults = [*error.faults, *faults]
            if faults:
                raise ScenarioError(faults)
        except ScenarioError as error:
            raise ScenarioError(error.faults, source) from None
        return scenario

    @classmethod
    def load(cls, path: str | Path, own_parameters: tuple[Parameter, ...] = ()) -> Scenario:
        """Read a scenario file. Charts and networks are found from the file's own folder.

        Args:
            path: the file.
            own_parameters: see :meth:`from_toml`.

        Raises:
            ScenarioError: if the file cannot be read or is wrong.
        """
        scenario = cls.from_toml(read_text(path, ScenarioError), str(path), own_parameters)
        found = {name: str(Path(path).parent / file) for name, file in scenario.files()}
        return scenario.but(**found) if found else scenario

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield the parameters that name a file: the chart, and networks; each with the file."""
        for name in ("chart", *NETWORKS):
            file = getattr(self, name)
            if file is not None and (name == "chart" or named_by_file(file)):
                yield name, file

    def to_toml(self) -> str:
        """Write the scenario as TOML that reads back to an equal one."""
        import tomli_w

        document: dict[str, Any] = {"format": FORMAT, "name": self.name, "title": self.title}
        for group in GROUPS:
            document[group] = {
                p.name: getattr(self, p.name)
                for p in parameters().values()
                if p.group == group and getattr(self, p.name) is not None
            }
        if self.own_values:
            document[OWN] = self.own_values
        if self.levers:
            document["levers"] = self.levers
        if self.own_levers:
            document["lever"] = [lever_entry(lever) for lever in self.own_levers]
        if self.timeline:
            document["timeline"] = [_entry(change) for change in self.timeline]
        if self.verdicts:
            document["verdict"] = [verdict.model_dump() for verdict in self.verdicts]
        return tomli_w.dumps(document)

    def save(self, path: str | Path) -> None:
        """Write the scenario to a TOML file, which names other files from its own folder.

        Raises:
            ScenarioError: if the file cannot be written; one that is there stays as it was.
        """
        folder = Path(path).parent
        found = {
            name: _seen_from(folder, file) for name, file in self.files() if not os.path.isabs(file)
        }
        scenario = self.but(**found) if found else self
        write_text(path, scenario.to_toml(), ScenarioError)


def _shown_in_notebook(scenario: Scenario) -> str:
    """Show what a scenario sets: the parameters that are not at their defaults."""
    known = scenario.parameters()
    rows = [
        (one.name, getattr(scenario, one.name), one.default, one.unit, one.meaning)
        for one in known.values()
        if getattr(scenario, one.name) != one.default
    ]
    parts = [paragraph(scenario.title)] if scenario.title else []
    if rows:
        parts.append(html_table(("parameter", "value", "default", "unit", "meaning"), rows))
    else:
        parts.append(paragraph("Every parameter is at its default."))
    if scenario.levers:
        parts.append(html_table(("lever", "strength"), scenario.levers.items()))
    if scenario.timeline:
        changes = (
            (c.week, c.until or "", ", ".join([*c.values, *c.levers])) for c in scenario.timeline
        )
        parts.append(html_table(("from week", "until", "changes"), changes))
    if scenario.verdicts:
        decided = ((v.week, v.idea, v.post, v.endorse) for v in scenario.verdicts)
        parts.append(html_table(("week", "idea", "post", "endorse"), decided))
    return titled(f"Scenario {scenario.name}", *parts)


def _seen_from(folder: Path, file: str) -> str:
    """Return the path of a file from a folder; in full, if it is on another drive."""
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:
        return Path(file).absolute().as_posix()


def _all_explained(error: ValidationError, known: Mapping[str, Parameter]) -> list[str]:
    """Return in plain words each fault that pydantic found, those of the scenario's checks too."""
    faults: list[str] = []
    for found in error.errors()[:MOST]:
        ours = found.get("ctx", {}).get("error")
        faults += ours.faults if isinstance(ours, ScenarioError) else [explained(found, known)]
    return faults


def _known(own: tuple[Parameter, ...]) -> Mapping[str, Parameter]:
    """Return the shipped parameters and ``own`` ones, by name."""
    if not own:
        return parameters()
    return {**parameters(), **{one.name: one for one in own if isinstance(one, Parameter)}}


def _with_own_values(
    values: dict[str, Any], declared: tuple[Parameter, ...], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the fields of a scenario: values of own parameters are kept together in one.

    Args:
        values: what was given, each parameter by its name.
        declared: the own parameters of a new scenario.
        before: or else their values so far.
    """
    held = before or {one.name: one.default for one in declared if isinstance(one, Parameter)}
    given = {**values.pop("own_values", {}), **values}
    if not held:
        return values
    own = {name: _as_float(given.get(name, value)) for name, value in held.items()}
    return {
        **{name: value for name, value in values.items() if name not in held},
        "own_values": own,
    }


def _as_float(value: object) -> object:
    """Return a whole number as a float, as pydantic does for the shipped parameters."""
    return float(value) if type(value) is int else value


def _plain_values(values: Mapping[str, Any], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the values given for a scenario, numbers as their parameters hold them."""
    made = {
        name: of_kind(known[name].kind, value) if name in known else plain(value)
        for name, value in values.items()
    }
    if isinstance(made.get("levers"), Mapping):
        made["levers"] = {key: plain(strength) for key, strength in made["levers"].items()}
    return made


def _entry_of_kind(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values given for a timeline entry, numbers as their parameters hold them."""
    made = {name: of_kind("int", value) for name, value in entry.items()}
    if isinstance(entry.get("values"), Mapping):
        made["values"] = {name: _as_held(name, value) for name, value in entry["values"].items()}
    if isinstance(entry.get("levers"), Mapping):
        made["levers"] = {key: plain(strength) for key, strength in entry["levers"].items()}
    return made


def _as_held(name: str, value: object) -> object:
    """Return a parameter's value as a scenario holds it, if it is valid."""
    known = parameters().get(name)
    if known is None:
        return plain(value)
    made = of_kind(known.kind, value)
    if known.kind == "float" and type(made) is int and known.low <= made <= known.high:  # type: ignore[operator]
        return float(made)
    return made


def _timeline_faults(scenario: Scenario) -> Iterable[str]:
    """Check each entry of the timeline, and if all are valid, their effect together."""
    faults = list(islice(_entry_faults(scenario), MOST))
    return faults or _turning_faults(scenario)


def _entry_faults(scenario: Scenario) -> Iterable[str]:
    seen: dict[tuple[int, str], int] = {}
    levers, known = scenario.catalogue(), scenario.parameters()
    for number, change in enumerate(scenario.timeline, 1):
        where = f"timeline entry {number}"
        if not 1 <= change.week <= scenario.weeks:
            yield f"{where}: week = {change.week}: must be a week of the run, 1 to {scenario.weeks}"
        if change.until is not None and change.until <= change.week:
            yield f"{where}: until = {change.until}: must be after week = {change.week}"
        if not change.values and not change.levers:
            yield f"{where}: sets no parameter and no lever"
        for name, value in change.values.items():
            yield from (f"{where}: {fault}" for fault in value_faults(name, value, known))
        yield from (f"{where}: {fault}" for fault in lever_faults(change.levers, levers))
        for name in (*change.values, *(f"lever {key}" for key in change.levers)):
            first = seen.setdefault((change.week, name), number)
            if first != number:
                yield (
                    f"{where}: sets {name} in week {change.week}, as entry {first} does; "
                    "keep one of them"
                )


def _turning_faults(scenario: Scenario) -> Iterable[str]:
    """Check, in each week in which parameters change, those that may be wrong together."""
    own = set(cross_faults(scenario._given()))
    for fault in cross_faults(scenario.at(1)) if scenario.levers else ():
        if fault not in own:
            yield f"levers: {fault}"
            own.add(fault)
    joint = (change.levers or not JOINT.isdisjoint(change.values) for change in scenario.timeline)
    if not scenario.levers and not any(joint):
        return  # the weeks of a long timeline, times its entries, would take a long time
    ends = [change.until or 1 for change in scenario.timeline]
    for week in sorted({*(change.week for change in scenario.timeline), *ends}):
        for fault in cross_faults(scenario.at(week)):
            if fault not in own:
                yield f"timeline: from week {week} on {fault}"
                own.add(fault)


def _entry(change: Change) -> dict[str, Any]:
    entry: dict[str, Any] = {"week": change.week}
    if change.until is not None:
        entry["until"] = change.until
    return entry | change.values | ({"levers": change.levers} if change.levers else {})


def _from_toml(
    text: str, own_parameters: tuple[Parameter, ...]
) -> tuple[dict[str, Any], list[str]]:
    """Flatten a TOML document into arguments of :class:`Scenario`, and faults of other keys."""
    try:
        document = read_toml(text)
    except TomlError as error:
        raise ScenarioError(str(error)) from None
    version = document.pop("format", None)
    if type(version) is not int or version < 1:
        raise ScenarioError(f'needs a line "format = {FORMAT}" at its top')
    if version > FORMAT:
        raise ScenarioError(
            f"format = {version} is newer than this release reads ({FORMAT}); update innovation-abm"
        )
    values: dict[str, Any] = {
        key: document.pop(key) for key in ("name", "title") if key in document
    }
    values["timeline"] = tuple(_changes(document.pop("timeline", [])))
    values["levers"] = document.pop("levers", {})
    values["verdicts"] = tuple(_verdicts(document.pop("verdict", [])))
    values["own_levers"] = tuple(_own_levers(document.pop("lever", [])))
    if isinstance(document.get("provenance"), dict):
        del document["provenance"]  # what a saved run was run with: for people, not for the run
    values["own_parameters"] = own_parameters
    known = _known(own_parameters)
    strays: list[tuple[str, str]] = []
    for section, content in document.items():
        if section not in (*GROUPS, OWN):
            strays.append((section, ""))
            continue
        if not isinstance(content, dict):
            raise ScenarioError(
                f"{section} is a section: write its parameters under a line [{section}]"
            )
        own = {name for name in content if name in known and known[name].group == section}
        values |= {name: value for name, value in content.items() if name in own}
        strays += [(name, section) for name in content if name not in own]
    wrong = (key_fault(name, known, section) for name, section in strays)
    return values, list(islice(wrong, MOST))


def _own_levers(entries: object) -> Iterable[Lever]:
    if not isinstance(entries, list):
        raise ScenarioError("lever: write each custom lever under a line [[lever]]")
    for number, entry in enumerate(entries, 1):
        try:
            yield lever_from(entry, number)
        except LeverError as error:
            raise ScenarioError(str(error)) from None


def _verdicts(entries: object) -> Iterable[Verdict]:
    try:
        yield from verdicts_from(entries)
    except VerdictError as error:
        raise ScenarioError(str(error)) from None


def _changes(entries: object) -> Iterable[Change]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ScenarioError("timeline: write each entry under a line [[timeline]]")
    for number, entry in enumerate(entries, 1):
        own = {key: entry.pop(key) for key in ("week", "until", "levers") if key in entry}
        try:
            yield Change(**own, values=entry)
        except ScenarioError as error:
            where = f"timeline entry {number}"
            raise ScenarioError([f"{where}: {fault}" for fault in error.faults]) from None
