"""Check that a rule file keeps what the model promises about its rules: ``check-rules FILE``.

Agents in the file are checked as far as possible: that they run, that a run can be repeated, that
the books balance, and the off-state.

A rule must be pure, return the same bits in both engines, stay within its range, and leave the
books balanced. None of this can be proved by reading; so the source is searched for what is known
to break a promise (:mod:`innovation_abm.rules.source`), and the rules are then run on random
scenarios, smallest first, until an example is found or all scenarios are done.
"""

from __future__ import annotations

import copy
import math
import struct
from dataclasses import fields
from random import Random
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.idea import Fate
from innovation_abm.errors import InnovationAbmError
from innovation_abm.extending.answers import OF_RULES, Check, checks
from innovation_abm.kernel.compiling import EngineError, build, fault_of_rules, parameters_of
from innovation_abm.model import InnovationModel
from innovation_abm.results.run import Run
from innovation_abm.rules.book import ANSWERS, CHANCE, LEEWAY, SHARE, RuleBook, RuleError, rule
from innovation_abm.rules.files import (
    blaming,
    modules_of,
    own_parameters,
    read_rules,
    roles_of,
)
from innovation_abm.rules.guarding import guarded, holding
from innovation_abm.rules.loading import explained
from innovation_abm.rules.source import Finding, FindingKind, examine
from innovation_abm.running.engines import mesa_only
from innovation_abm.running.simulation import simulate
from innovation_abm.scenario.parameters import Parameter
from innovation_abm.scenario.random_scenarios import far_from_usual, random_scenario
from innovation_abm.scenario.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from os import PathLike

CHANCES: Final = frozenset(name for name, answer in ANSWERS.items() if answer is CHANCE)
"""Rules that return a probability."""
SHARES: Final = frozenset(name for name, answer in ANSWERS.items() if answer is SHARE)
"""Rules that return a share of a whole: a state that the model keeps within [0, 1]."""

LOOKED_AT: Final = 400
"""Calls of each rule that are checked closely, in one run."""
ATTEMPTS: Final = 120
"""Most runs to find a smaller example."""


def check_rules(
    path: str | PathLike[str],
    *,
    scenarios: int = 40,
    seed: int = 1,
    engines: bool = True,
    timeout: float | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[Check]:
    """Check the rules of a file.

    Args:
        path: the file; it is executed, twice.
        scenarios: number of random scenarios to run.
        seed: random seed of the scenarios.
        engines: whether to compare the engines, for which the model is compiled for these rules:
            once, for about half a minute.
        timeout: seconds after which the check ends, whatever the rules do; it then runs in a
            separate process. If ``None``, it runs in this process without a limit.
        tell: called with a line about what is being done.

    Returns:
        The checks, in the order of :data:`QUESTIONS`.

    Raises:
        RuleError: if the file cannot be read or run, or declares neither a rule nor agents.
    """
    if scenarios < 1:
        raise InnovationAbmError(f"scenarios = {scenarios}: must be at least 1")
    say = tell or (lambda line: None)
    if timeout is not None:
        from innovation_abm.extending.checking_apart import check_apart

        return check_apart(path, scenarios, seed, engines, timeout, say)
    checking = Checking(path, scenarios, seed, engines, say)
    checking.run()
    return checks(checking.found, checking.skipped)


class Checking:
    """The check of one file, as far as it has come.

    Attributes:
        stage: the check under way; "" while the file is read.
        found: what was found so far, see :func:`checks`.
        skipped: what was not checked, and why.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        scenarios: int,
        seed: int,
        engines: bool,
        say: Callable[[str], None],
    ) -> None:
        """Keep the arguments."""
        self.path, self.engines, self.say = path, engines, say
        random = Random(seed)
        self.scenarios = [_sized(random, number, scenarios) for number in range(scenarios)]
        self.stage = ""
        self.found: dict[str, str | None] = {}
        self.skipped: dict[str, str] = {}
        self.watch: _Watch | None = None

    def run(self, at_stage: Callable[[], None] = lambda: None) -> None:
        """Run the checks; ``at_stage`` is called whenever another check begins."""
        for stage, look in (
            ("source", self._read),
            ("runs", self._run),
            ("deterministic", self._repeat),
            ("off", self._look_off),
            ("engines", self._compare),
        ):
            self.stage = stage if self.found or stage != "source" else ""
            at_stage()
            look()

    def seen(self, so_far: bool = False) -> None:
        """Take over what the runs showed; if only ``so_far``, just what is broken."""
        if self.watch is not None:
            told = {"pure": self.watch.impure, "range": self.watch.beyond}
            for name, example in (told | {"books": self.watch.unbalanced}).items():
                if name not in self.skipped and (example or not so_far):
                    self.found[name] = example

    def _read(self) -> None:
        self.book, impure = read_rules(self.path)
        self.own = own_rules(self.book)
        declared = self.book.parameters
        self.scenarios = [_at_bounds(*one, declared) for one in enumerate(self.scenarios)]
        terms = [one.name for one in declared]
        findings = examine([getattr(self.book, name) for name in self.own], terms)
        told = {(one.file, one.line) for one in findings}
        findings += [one for one in impure if (one.file, one.line) not in told]
        self.impure = _line(findings, FindingKind.PURITY)
        if self.own:
            self.found["source"] = self.impure
            self.found["arithmetic"] = _line(findings, FindingKind.BITS)
        else:
            self.skipped |= dict.fromkeys(OF_RULES, "the file declares no rule")

    def _run(self) -> None:
        self.say(f"running {len(self.scenarios)} random scenarios")
        self.watch = _Watch(self.book, self.own)
        self.found["runs"] = _run_all(self.watch, self.scenarios)
        self.seen()
        why = ""
        if self.watch.beyond:
            why = "a result out of range ends a run"
        if self.found["runs"] is not None:
            why = "the rules fail in a run"
        if why:
            self.skipped |= dict.fromkeys(("deterministic", "off", "engines"), why)
        if only := mesa_only(self.book):
            self.skipped["engines"] = f"only the Mesa engine can run {only}"
        elif not self.engines and not self._fails_alone():
            self.skipped["engines"] = "not requested"

    def _fails_alone(self) -> bool:
        """Compile each rule by itself, which takes a second, and note what keeps one from it."""
        unsound = "engines" in self.skipped or self.found.get("source")
        fault = "" if unsound else fault_of_rules(self.book)
        if fault:
            self.found["engines"] = fault
        return bool(fault)

    def _repeat(self) -> None:
        if "deterministic" in self.skipped:
            return
        assert self.watch is not None
        runs = self.watch.runs
        self.say("running them again")
        example = _broken(lambda: _again(self.path, runs))
        if self.impure and not self.own:  # of agents, whose source has no check of its own
            example = f"{example}; {self.impure}" if example else self.impure
        self.found["deterministic"] = example

    def _look_off(self) -> None:
        if "off" not in self.skipped:
            self.found["off"] = _broken(lambda: _off_state(self.book))

    def _compare(self) -> None:
        if "engines" not in self.skipped and "engines" not in self.found:
            assert self.watch is not None
            tried = [scenario for scenario, _ in self.watch.runs]
            example = _broken(lambda: _compare_engines(self.book, tried, self.say))
            self.found["engines"] = example


def _broken(look: Callable[[], str | None]) -> str | None:
    """Return how a promise is broken, if it is; also if the rules fail while it is checked."""
    try:
        return look()
    except RuleError as error:
        return str(error)


def own_rules(book: RuleBook) -> list[str]:
    """List the rules of a book that are not the shipped ones, by name."""
    return [one.name for one in fields(book) if getattr(book, one.name) is not one.default]


def _sized(random: Random, number: int, of: int) -> Scenario:
    """Draw a scenario, the first ones small."""
    size = 1 + (3 * number) // of
    return random_scenario(random, size=size, weeks=(8, 25, 60)[size - 1])


def _at_bounds(number: int, scenario: Scenario, declared: tuple[Parameter, ...]) -> Scenario:
    """Set the parameters that rules declare: each at low, default and high in turn.

    They take turns, so that not all of them are low, or high, together.
    """
    values = {}
    for place, one in enumerate(declared):
        chosen = (one.low, one.default, one.high)[(number + place) % 3]
        values[one.name] = chosen if math.isfinite(chosen) else one.default  # type: ignore[arg-type]
    return scenario.with_parameters(declared).but(**values)


def _line(findings: Iterable[Finding], kind: FindingKind) -> str | None:
    """Return where the source breaks a promise, if anywhere."""
    lines = [str(finding) for finding in findings if finding.kind == kind]
    return "; ".join(lines) or None


# --- running and watching -------------------------------------------------------------------------


class _Watch:
    """A rule book that checks each of its calls.

    Attributes:
        book: the rules, each of ``names`` in a wrapper that checks it.
        unwatched: the rules themselves.
        runs: scenarios that were run to their end, and a fingerprint of each run.
        failing, impure, beyond, unbalanced: the first example found of each; ``None`` if there is
            none so far.
    """

    def __init__(self, book: RuleBook, own: list[str]) -> None:
        self.unwatched = book
        self.names = own
        self.runs: list[tuple[Scenario, bytes]] = []
        self.failing: str | None = None
        self.impure: str | None = None
        self.beyond: str | None = None
        self.unbalanced: str | None = None
        self._seen: dict[str, int] = {}
        held = guarded(book, every=bool(roles_of(book)) or bool(modules_of(book)))
        rules = {one.name: getattr(held, one.name) for one in fields(RuleBook)}
        rules |= {name: self._wrapped(name, getattr(book, name)) for name in own}
        self.book = holding(book, rules, every=False)  # a result out of range is noted here

    def run(self, scenario: Scenario) -> None:
        """Run a scenario and check its results.

        Raises:
            ScenarioError: if the scenario cannot be run, whatever the rules.
        """
        self._seen = {}
        roles = dict(roles_of(self.unwatched))
        with blaming(self.unwatched):
            model = InnovationModel(scenario, rules=self.book, roles=roles, keep_events=False)
            model.run()
        run = Run.from_model(model)
        if self.unbalanced is None:
            self.unbalanced = unbalanced(run)
        self.runs.append((scenario, fingerprint(run)))

    def _wrapped(self, name: str, function: Callable[..., float]) -> Callable[..., float]:
        names = parameters_of(name)

        @rule
        def looked_at(*arguments: Any) -> float:  # noqa: ANN401 - whatever the rule takes
            self._seen[name] = self._seen.get(name, 0) + 1
            if self._seen[name] > LOOKED_AT:
                result = function(*arguments)
                if self.beyond is None and out_of_range(name, "", result):
                    call = _called(name, names, function, list(arguments))
                    self.beyond = out_of_range(name, call, result)
                return result
            before = [_shallow(one) for one in arguments]
            call = _called(name, names, function, before)
            try:
                result = function(*arguments)
            except Exception as error:
                self.failing = f"{call} raises {explained(error, methods=False)}"
                raise
            if self.impure is None:
                self.impure = _impurity(call, function, arguments, before, result)
            if self.beyond is None:
                self.beyond = out_of_range(name, call, result)
            return result

        return looked_at


def _run_all(watch: _Watch, scenarios: Iterable[Scenario]) -> str | None:
    """Run scenarios; return the smallest example found in which the rules fail, if they do."""

    def failure(scenario: Scenario) -> str:
        return _failure(_Watch(watch.unwatched, watch.names), scenario)

    for scenario in scenarios:
        if _failure(watch, scenario):
            smaller = _smaller(scenario, lambda one: bool(failure(one)))
            return f"{failure(smaller)} ({described(smaller)})"
    return None


def _failure(watch: _Watch, scenario: Scenario) -> str:
    """Run a scenario; return how the rules fail in it, "" if they do not."""
    try:
        watch.run(scenario)
    except ScenarioError:  # more seats on a panel than there are reviewers, for instance
        return ""
    except RuleError as error:
        return watch.failing or str(error)
    except Exception as error:  # whatever the rules leave
        return watch.failing or explained(error)
    return ""


def _impurity(
    call: str,
    function: Callable[..., float],
    arguments: tuple[Any, ...],
    before: list[Any],
    result: float,
) -> str | None:
    """Return how a call shows that the rule is not pure, if it does."""
    for given, was in zip(arguments, before, strict=True):
        if changed := _changed(given, was):
            return f"{call} changes {changed}"
    again = function(*arguments)
    if bits(again) != bits(result):
        return f"{call} returns {_plain(result)}, then {_plain(again)}"
    return None


def out_of_range(name: str, call: str, result: object) -> str | None:
    """Return how a result is out of the range of its rule, if it is."""
    if not isinstance(result, int | float | np.number | np.bool_):
        return f"{call} returns {result!r}, which is not a number"
    value = float(result)
    if not math.isfinite(value):
        return f"{call} returns {value}"
    if name in CHANCES | SHARES and not -LEEWAY <= value <= 1.0 + LEEWAY:
        return f"{call} returns {value!r}, which is not in [0, 1]"
    return None


def _plain(value: object) -> str:
    """Write a number as Python does, whatever kind of number it is."""
    return repr(float(value)) if isinstance(value, np.number) else repr(value)


def unbalanced(run: Run) -> str | None:
    """Return what is wrong with the books of a run, if anything."""
    if not run.balanced:
        fates = sum(run.fates.values())
        return (
            f"{run.conceived} ideas were conceived, {fates} have a fate and {run.in_flight} are in "
            f"flight ({described(run.scenario)})"
        )
    lowest = np.asarray(run.queue_series).min(initial=0.0)
    if lowest < 0.0:
        return f"a queue falls to {lowest:g} ({described(run.scenario)})"
    if not run.littles_law().holds:
        return f"week-end queues and weeks waited differ ({described(run.scenario)})"
    return None


def bits(value: object) -> bytes:
    """Return a number's bits, so that -0.0 is not 0.0 and nan is nan."""
    try:
        return struct.pack("<d", value)
    except (struct.error, TypeError):
        return repr(value).encode()


def fingerprint(run: Run) -> bytes:
    """Return the results of a run, idea by idea and week by week, as bytes to compare."""
    columns = [*run.idea_columns.items(), *run.week_columns.items(), *run.people_columns.items()]
    parts = [_bytes(column) for _, column in sorted(columns, key=lambda one: one[0])]
    return b"".join([*parts, _bytes(run.queue_series)])


def _bytes(column: object) -> bytes:
    """Return a column as bytes that are the same for the same values, whatever their type."""
    values = np.asarray(column)
    if values.dtype.kind in "OU":  # what custom agents call the fates of ideas
        return repr(values.tolist()).encode()
    return np.asarray(values, float).tobytes()


# --- what a call looked like ----------------------------------------------------------------------


def _attributes(one: object) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an idea, a person or terms."""
    for kind in type(one).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if hasattr(one, name):
                yield name, getattr(one, name)
    yield from getattr(one, "__dict__", {}).items()


def _shallow(one: Any) -> Any:  # noqa: ANN401 - whatever a rule is given
    """Copy what a rule is given, one level deep, so that changes to it show."""
    return one if isinstance(one, int | float | str | np.number | np.bool_) else copy.copy(one)


def _changed(given: object, was: object) -> str:
    """Return the name of an attribute that changed; "" if there is none."""
    if given is was:
        return ""
    before = dict(_attributes(was))
    for name, value in _attributes(given):
        if name not in before:
            return name
        old = before[name]
        if value is not old and bits(value) != bits(old):
            return name
    return ""


def _called(
    name: str, names: list[str], function: Callable[..., float], arguments: list[Any]
) -> str:
    """Write a call with those attributes that the rule reads."""
    read = _words(function)
    parts = []
    for parameter, given in zip(names, arguments, strict=True):
        if isinstance(given, int | float | np.number | np.bool_):
            parts.append(f"{parameter}={given!r}")
            continue
        values = {word: getattr(given, word, None) for word in read}
        numbers = {
            word: value
            for word, value in values.items()
            if isinstance(value, int | float | np.number)
        }
        parts += [f"{parameter}.{word}={float(value):g}" for word, value in numbers.items()]
    return f"{name}({', '.join(parts)})"


def _words(function: Any) -> list[str]:  # noqa: ANN401 - a rule
    """List the attributes that a function names, in order."""
    code = function.__code__
    known = function.__globals__
    return [w for w in code.co_names if w not in known or isinstance(known[w], Parameter)]


def described(scenario: Scenario) -> str:
    """Return what is needed to run a scenario again."""
    values = {**far_from_usual(scenario), **scenario.own_values}
    told = [f"{name}={value!r}" for name, value in values.items()]
    if scenario.timeline:
        changes = [(change.week, dict(change.values)) for change in scenario.timeline]
        told.append(f"timeline: {changes}")
    return f"Scenario({', '.join(told)})"


# --- the same again, in the other engine, and with everything off ---------------------------------


def _again(path: str | PathLike[str], runs: list[tuple[Scenario, bytes]]) -> str | None:
    """Run scenarios once more, in another order, with the rules read again from the file."""
    book, _ = read_rules(path)
    for scenario, before in reversed(runs):
        with blaming(book):
            model = InnovationModel(scenario, rules=book, keep_events=False)
            model.run()
        if fingerprint(Run.from_model(model)) != before:
            return f"two runs of one scenario differ: {described(scenario)}"
    return None


def _compare_engines(
    book: RuleBook, scenarios: list[Scenario], say: Callable[[str], None]
) -> str | None:
    """Return the smallest scenario found that the engines run differently, if there is one."""
    try:
        build(book, say)
    except EngineError as error:
        return str(error)
    say("comparing the engines")
    for scenario in scenarios:
        if _difference(book, scenario):
            smaller = _smaller(scenario, lambda one: bool(_difference(book, one)))
            return f"{_difference(book, smaller)} ({described(smaller)})"
    return None


def _difference(book: RuleBook, scenario: Scenario) -> str:
    """Return how the results of the two engines differ; "" if they do not."""
    try:
        one, two = (
            simulate(scenario, rules=book, engine=engine, keep_events=False)
            for engine in ("mesa", "kernel")
        )
    except ScenarioError:
        return ""
    if fingerprint(one) == fingerprint(two):
        return ""
    first = _first_difference(one, two)
    return first or "weeks, people or queues differ in the last bit between Mesa and the kernel"


def _first_difference(one: Run, two: Run) -> str:
    """Return the first idea that two runs treat differently; "" if there is none."""
    if one.conceived != two.conceived:
        return f"{one.conceived} ideas in one run, {two.conceived} in the other"
    for number in range(one.conceived):
        a, b = (
            {name: column[number] for name, column in run.idea_columns.items()}
            for run in (one, two)
        )
        for name in ("fate", *a):
            if bits(float(a[name])) != bits(float(b[name])):
                idea = f"the idea of post {a['author']}, week {a['week']}"
                before, after = _value(name, a[name]), _value(name, b[name])
                return f"{idea}: {name} is {before}, then {after}"
    return ""


def _value(name: str, value: float) -> str:
    return Fate(int(value)).label if name == "fate" else repr(float(value))


def _smaller(scenario: Scenario, broken: Callable[[Scenario], bool]) -> Scenario:
    """Make a scenario smaller, step by step, as long as it stays ``broken``."""
    attempts = 0

    def accepted(**values: Any) -> bool:  # noqa: ANN401 - parameters
        nonlocal scenario, attempts
        attempts += 1
        try:
            candidate = scenario.but(**values)
        except ScenarioError:
            return False
        if attempts > ATTEMPTS or not broken(candidate):
            return False
        scenario = candidate
        return True

    accepted(timeline=())
    for name in ("weeks", "departments", "span", "middle_layers"):
        least = 0 if name == "middle_layers" else 1
        while getattr(scenario, name) > least and accepted(
            **{name: max(least, getattr(scenario, name) // 2)}
        ):
            pass
    usual = Scenario()
    for name in far_from_usual(scenario):
        if name not in ("weeks", "departments", "span", "middle_layers", "seed"):
            accepted(**{name: getattr(usual, name)})
    return scenario


TEXTBOOKS: Final[dict[str, dict[str, Any]]] = {
    "three gates in a row": {"middle_layers": 2, "span": 3},
    "any of three doors": {
        "departments": 3,
        "middle_layers": 0,
        "span": 6,
        "other_doors": 2.0,
        "door_openness": 1.0,
    },
    "two votes of three": {
        "departments": 3,
        "middle_layers": 0,
        "span": 6,
        "panel_size": 3.0,
        "panel_quorum": 2.0,
    },
}
"""Screens of Sah and Stiglitz (1986, 1988): shapes in which everything else is off."""


def _off_state(book: RuleBook) -> str | None:
    """Return an idea that the textbook screens decide differently with these rules, if any.

    ``innovation-abm validate`` checks the shipped rules against the formulas; so if the same ideas
    meet the same fates, it is the same screen.
    """
    for title, shape in TEXTBOOKS.items():
        settings = {"weeks": 20, "conception_rate": 26.0, "value_distribution": "two_point"}
        scenario = Scenario().off().but(**settings, **shape)
        ours, theirs = (
            simulate(one, rules=rules, engine="mesa", keep_events=False)
            for one, rules in (
                (scenario, None),
                (scenario.with_parameters(own_parameters(book)).off("own"), book),
            )
        )
        if difference := _first_difference(ours, theirs):
            return f"{title}: {difference} with these rules"
    return None
