"""Runners of the points of a study: what is sent to threads, processes and other machines.

A runner holds everything that its runs depend on, so that it can be sent anywhere. It takes chunks
of runs and returns an outcome for each. The result of a run depends on nothing but the run.
"""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from platform import node
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from innovation_abm.charts.charts import build_organization
from innovation_abm.entities.networks import file_digest
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.running import identity
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from innovation_abm.experiments.design.study import Study
    from innovation_abm.kernel.runs import Prepared
    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.run import Run
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    Row = Mapping[str, Any]
    """The factors of a point, by name."""

KEPT_POINTS: Final = 20_000
"""Points that a runner keeps prepared, at about ten kilobytes each; at least its own block."""


@dataclass(frozen=True)
class Chunk:
    """Runs that are sent to a worker together.

    Attributes:
        points: numbers of their points, each once.
        rows: the factors of each of these points.
        which: for each run, the place of its point in ``points``; shape (runs,).
        replications: for each run, its number among the replications of its point, counted from 0.
        seeds: for each run, its seed.
    """

    points: IntArray
    rows: Sequence[Row]
    which: IntArray
    replications: IntArray
    seeds: IntArray

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.which)

    def part(self, begin: int, end: int) -> Chunk:
        """Return the runs from ``begin`` to ``end``."""
        some = slice(begin, end)
        return Chunk(
            self.points, self.rows, self.which[some], self.replications[some], self.seeds[some]
        )


@dataclass(frozen=True)
class ChunkOutcome:
    """The results of the runs of a chunk.

    Attributes:
        measures: measures of each run; shape (runs, measures), NaN where undefined.
        errors: error of each failed run, by its place in the chunk; its measures are meaningless.
        tables: tables that are kept in full, with the column ``run`` (the place of the run in its
            chunk) and the columns of the table.
        worker: name of the worker that ran them.
        started: start time, in seconds since 1970.
        seconds: duration.
    """

    measures: FloatArray
    errors: Mapping[int, str]
    tables: Mapping[str, pa.Table]
    worker: str
    started: float
    seconds: float


@dataclass(frozen=True)
class Point:
    """What is known of a point before it is run.

    Attributes:
        key: a fingerprint of everything that its runs depend on, except the replication number.
        person_weeks: people times weeks of a run; 0 for a test function.
        rows: rows that a run adds to each table, roughly.
    """

    key: str
    person_weeks: float = 0.0
    rows: Mapping[str, float] = field(default_factory=dict)


class UnfitWorkerError(InnovationAbmError):
    """A worker cannot run what was sent to it, whatever the run."""


class Runner(ABC):
    """Runs points of a study, here or wherever it is sent.

    Attributes:
        measures: names of the measures of a run.
        notes: notes about what is run, once its points were inspected.
    """

    measures: tuple[str, ...]
    notes: list[str]

    @abstractmethod
    def manifest(self) -> dict[str, str]:
        """Return what all runs of the study depend on, as texts that can be compared."""

    @abstractmethod
    def look(self, row: Row) -> Point:
        """Inspect a point before it is run."""

    @abstractmethod
    def _run(self, chunk: Chunk) -> tuple[FloatArray, Mapping[str, pa.Table]]:
        """Run a chunk; it fails as a whole if any run does."""

    def run(self, chunk: Chunk) -> ChunkOutcome:
        """Run a chunk. A run that fails is reported in the outcome and does not stop the others."""
        started, begin = time.time(), time.perf_counter()
        measures = np.full((len(chunk), len(self.measures)), np.nan)
        errors: dict[int, str] = {}
        tables: dict[str, list[pa.Table]] = {}
        for first, part in self._attempted(chunk, errors):
            found, kept = part
            measures[first : first + len(found)] = found
            for name, table in kept.items():
                tables.setdefault(name, []).append(_moved(table, first))
        return ChunkOutcome(
            measures=measures,
            errors=errors,
            tables={name: _joined(parts) for name, parts in tables.items()},
            worker=_worker_name(),
            started=started,
            seconds=time.perf_counter() - begin,
        )

    def _attempted(
        self, chunk: Chunk, errors: dict[int, str], first: int = 0
    ) -> Iterator[tuple[int, tuple[FloatArray, Mapping[str, pa.Table]]]]:
        """Run a chunk; if it fails, its halves, until the runs that fail are found."""
        try:
            yield first, self._run(chunk)
        # Its halves would fail too, and every run be stored as a failure of its own.
        except UnfitWorkerError:
            raise
        except Exception as error:  # whatever a rule raises is a failure of that run
            if len(chunk) == 1:
                errors[first] = f"{type(error).__name__}: {error}"
                return
            middle = len(chunk) // 2
            yield from self._attempted(chunk.part(0, middle), errors, first)
            yield from self._attempted(chunk.part(middle, len(chunk)), errors, first + middle)


def _worker_name() -> str:
    """Return the names of this machine, process and thread."""
    return f"{node()}/{os.getpid()}/{threading.current_thread().name}"


def _moved(table: pa.Table, first: int) -> pa.Table:
    """Number the runs of a table from ``first``."""
    import pyarrow.compute as pc

    if first == 0:
        return table
    return table.set_column(0, "run", pc.add(table.column("run"), first))


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    import pyarrow as pa

    return tables[0] if len(tables) == 1 else pa.concat_tables(tables)


# --- the model of innovation ----------------------------------------------------------------------


@dataclass
class _Block:
    """Points that are run one after another.

    Attributes:
        scenarios: the scenario of each.
        books: the rules of each; ``None`` for those of the package.
        prepared: those of each chart and rule book, prepared for the compiled engine: places in
            ``scenarios``, and what runs them.
    """

    scenarios: list[Scenario]
    books: list[RuleBook | None]
    prepared: list[tuple[IntArray, Prepared]] = field(default_factory=list)


@dataclass(frozen=True)
class InnovationRunner(Runner):
    """Runs points in the model of how ideas live and die.

    Attributes:
        study: the study.
        engine: the engine.
        books: the rule books by their files; ``None`` for that of the package.
        threads: how many threads the compiled engine uses.
        charts: the organisations of chart files by path, read when a point is inspected.
        notes: warnings about these charts, and repairs.
        model: fingerprint of the model; a worker with another model does not run anything.
    """

    study: Study
    engine: Literal["kernel", "mesa"]
    books: Mapping[str | None, RuleBook | None]
    threads: int
    charts: dict[str, Organization] = field(default_factory=dict, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)
    model: str = field(default_factory=identity.model_version)
    _blocks: OrderedDict[bytes, _Block] = field(
        default_factory=OrderedDict, compare=False, repr=False
    )

    @property
    def measures(self) -> tuple[str, ...]:  # type: ignore[override]
        """The measures of a run."""
        return self.study.measures

    def manifest(self) -> dict[str, str]:
        """Return the base scenario, rules, version of the model, and how seeds are assigned."""
        base = self.study.base_scenario()
        # Files count by what they hold: the folder of a study may be moved.
        networks = {
            name: f"{file_digest(file)}{PurePath(file).suffix}"
            for name, file in base.files()
            if name != "chart"
        }
        plain = base.but(name="base", title="", chart=None, **networks)
        return {
            "model": f"innovation {self.model}",
            "base scenario": plain.to_toml(),
            "organisation": identity.organization_identity(self._chart(base), base),
            "rules": "\n".join(map(identity.rules_identity, self.books.values())),
            "seeds": f"{self.study.replications.luck}, from {self.study.replications.seed}",
        }

    def look(self, row: Row) -> Point:
        """Inspect a point: its scenario, organisation, rules, model and how seeds are assigned."""
        scenario = self.study.scenario(row)
        chart = self._chart(scenario)
        people, layers = self._sizes(scenario)
        key = identity.fingerprint(
            identity.scenario_identity(scenario),
            identity.organization_identity(chart, scenario),
            identity.rules_identity(self._book(row)),
            self.model,
            f"{self.study.replications.luck} {self.study.replications.seed}",
        )
        return Point(
            key,
            people * scenario.weeks,
            {
                "ideas": people * scenario.conception_rate * scenario.weeks / WEEKS_PER_YEAR,
                "weeks": scenario.weeks,
                "queues": scenario.weeks * (layers + 2),
                "people": people,
            },
        )

    def _book(self, row: Row) -> RuleBook | None:
        """Return the rules of a point."""
        if len(self.books) == 1:
            return next(iter(self.books.values()))
        return self.books[self.study.rules_of(row)]

    def _sizes(self, scenario: Scenario) -> tuple[int, int]:
        """Return the number of people and the number of layers of a scenario's organisation."""
        if (chart := self._chart(scenario)) is not None:
            return chart.size, chart.layers
        layers = scenario.middle_layers + 2
        people = scenario.departments * sum(scenario.span**layer for layer in range(layers))
        return people, layers

    @property
    def whole(self) -> bool:
        """Whether runs are assembled with their tables, not only counted."""
        from innovation_abm.results.measures import counted

        return bool(self.study.tables) or not all(map(counted, self.measures))

    def organization(self, scenario: Scenario) -> Organization:
        """Return the organisation of a scenario."""
        return self._chart(scenario) or build_organization(scenario)

    def _chart(self, scenario: Scenario) -> Organization | None:
        if scenario.chart is None:
            return None
        if scenario.chart not in self.charts:
            self._read_chart(scenario.chart)
        return self.charts[scenario.chart]

    def _read_chart(self, path: str) -> None:
        from innovation_abm.charts.charts import ChartError, read_chart

        chart = read_chart(path, **self.study.base.reading)
        if chart.organization is None:
            raise ChartError(chart.faults)
        self.charts[path] = chart.organization
        self.notes.extend(str(note) for note in (*chart.warnings, *chart.repairs))

    def _run(self, chunk: Chunk) -> tuple[FloatArray, Mapping[str, pa.Table]]:
        if self.model != identity.model_version():
            raise UnfitWorkerError(
                f"{_worker_name()} has a different version of innovation-abm; install the same "
                "version everywhere"
            )
        if self.engine == "kernel" and not self.whole:
            return self._counted(chunk), {}
        return self._whole(chunk)

    def _counted(self, chunk: Chunk) -> FloatArray:
        """Run a chunk and keep only counts, from which measures are computed."""
        from innovation_abm.kernel.arrays import SUMMARY
        from innovation_abm.results.measures import tabulate

        counts = np.zeros(len(chunk), SUMMARY)
        for points, prepared in self._prepared(chunk):
            place = np.full(len(chunk.rows), -1)
            place[points] = np.arange(len(points))
            mine = np.flatnonzero(place[chunk.which] >= 0)
            which = place[chunk.which[mine]]
            counts[mine] = prepared.run(which, chunk.seeds[mine], threads=self.threads)
        return np.column_stack(list(tabulate(self.measures, counts).values()))

    def _prepared(self, chunk: Chunk) -> list[tuple[IntArray, Prepared]]:
        """Prepare a chunk's points, chart by chart; those of the latest blocks are kept."""
        block = self._block(chunk)
        if not block.prepared:
            from innovation_abm.kernel.runs import prepare

            alike: dict[tuple[str | None, int], list[int]] = {}
            for place, scenario in enumerate(block.scenarios):
                alike.setdefault((scenario.chart, id(block.books[place])), []).append(place)
            for places in alike.values():
                some = [block.scenarios[place] for place in places]
                # The engine runs one chart and one rule book at a time.
                prepared = prepare(some, self._chart(some[0]), block.books[places[0]])
                block.prepared.append((np.array(places), prepared))
        return block.prepared

    def _whole(self, chunk: Chunk) -> tuple[FloatArray, Mapping[str, pa.Table]]:
        """Run a chunk and assemble every run, for its tables or the measures based on them."""
        from innovation_abm.results.measures import MEASURES

        measures = np.empty((len(chunk), len(self.measures)))
        tables: dict[str, list[pa.Table]] = {name: [] for name in self.study.tables}
        for place, run in self._runs(chunk):
            measures[place] = [MEASURES[name].of(run) for name in self.measures]
            for name, kept in tables.items():
                kept.append(_table(run, name, place))
        return measures, {name: _joined(kept) for name, kept in tables.items()}

    def _runs(self, chunk: Chunk) -> Iterator[tuple[int, Run]]:
        """Run a chunk, chart by chart; yield each run with its place in the chunk."""
        from innovation_abm.running.simulation import simulate_many

        block = self._block(chunk)
        scenarios = block.scenarios
        for places, chart in self._alike(chunk, block):
            pairs = [(scenarios[chunk.which[n]], int(chunk.seeds[n])) for n in places]
            runs = simulate_many(
                pairs,
                engine=self.engine,
                organization=chart,
                rules=block.books[chunk.which[places[0]]],
                tables=True,
                threads=self.threads,
            )
            yield from zip(places, runs, strict=True)

    def _alike(self, chunk: Chunk, block: _Block) -> Iterator[tuple[list[int], Organization]]:
        """Yield the places of the runs on each organisation by each rules, and the organisation."""
        places: dict[tuple[object, ...], list[int]] = {}
        for place, which in enumerate(chunk.which.tolist()):
            one = block.scenarios[which]
            # All that a made-up organisation follows from; the key of a chart that was read is its
            # file.
            shape = (one.chart, one.departments, one.middle_layers, one.span)
            places.setdefault((*shape, id(block.books[which])), []).append(place)
        for some in places.values():
            yield some, self.organization(block.scenarios[chunk.which[some[0]]])

    def _block(self, chunk: Chunk) -> _Block:
        """Return the scenarios of a chunk's points; those of the latest blocks are kept."""
        # Chunks of the same points follow each other, one for each replication, and share this.
        key = chunk.points.tobytes()
        if key not in self._blocks:
            scenarios = [self.study.scenario(row) for row in chunk.rows]
            self._blocks[key] = _Block(scenarios, [self._book(row) for row in chunk.rows])
            kept = sum(len(block.scenarios) for block in self._blocks.values())
            # The latest block stays, however large: it is about to be run.
            while kept > KEPT_POINTS and len(self._blocks) > 1:
                kept -= len(self._blocks.popitem(last=False)[1].scenarios)
        return self._blocks[key]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what can be made again.

        Rules are sent as source text. What the scenarios of the study start from was read when its
        points were inspected; it is sent too, because the files may not exist on the other side.
        """
        return {**self.__dict__, "_blocks": OrderedDict()}


def _table(run: Run, name: str, place: int) -> pa.Table:
    """Return a table of a run, with the run's place in its chunk as the first column."""
    import pyarrow as pa

    frame = getattr(run, name)
    if frame.index.names[0] is not None:
        frame = frame.reset_index()
    # What pandas notes of a frame, such as its length, differs from run to run, and tables with
    # other notes do not join.
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    return table.add_column(0, "run", pa.array(np.full(len(frame), place, np.int64)))


# --- test functions -------------------------------------------------------------------------------


@dataclass(frozen=True)
class FunctionRunner(Runner):
    """Computes the values of a test function, which involves no chance.

    Attributes:
        study: the study.
        function: returns the value for the arguments of a point, in their order.
    """

    study: Study
    function: Callable[[Sequence[float]], float]
    notes: list[str] = field(default_factory=list)

    @property
    def measures(self) -> tuple[str, ...]:  # type: ignore[override]
        """The only measure."""
        return self.study.measures

    def manifest(self) -> dict[str, str]:
        """Return the name of the function."""
        return {"model": self.study.model.name}

    def look(self, row: Row) -> Point:
        """Inspect a point: its function and arguments."""
        arguments = identity.arguments_identity(self.study.arguments(row))
        return Point(identity.fingerprint(self.study.model.name, arguments))

    def _run(self, chunk: Chunk) -> tuple[FloatArray, Mapping[str, pa.Table]]:
        values = [self.function(list(self.study.arguments(row).values())) for row in chunk.rows]
        return np.array(values, float)[chunk.which][:, None], {}
