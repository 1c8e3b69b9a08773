"""What has been recorded and counted already, for all tabs: nothing is run twice."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from innovation_abm.dashboards.background import GivenUp
from innovation_abm.dashboards.ensembles import Ensemble, Numbers, ensemble, run_all
from innovation_abm.dashboards.film import Film, record
from innovation_abm.dashboards.sharing import Shelf, Turns, Urgency
from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    import pandas as pd

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.effects import Runs
    from innovation_abm.running.engines import Engine
    from innovation_abm.running.processes import MesaProcesses
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.scenario import Scenario

    Wanted = Callable[[], bool]

FILMS: Final = 12
"""Films that are kept: those shown now, and some that may be shown again after an undo."""
ENSEMBLES: Final = 60


@dataclass(frozen=True)
class Played:
    """Everything that a run depends on, apart from its seed.

    Attributes:
        scenario: the scenario.
        chart: the organisation.
        rules: the rule book; the shipped one if ``None``.
        own: whether the chart is a user's own. Its results are then shared only with those who
            have the very same chart: its names are private.
    """

    scenario: Scenario
    chart: Organization
    rules: RuleBook | None = None
    own: bool = False

    @cached_property
    def key(self) -> Hashable:
        """What identifies it."""
        chart = self.chart if self.own else self.chart.digest()
        return self.scenario.to_toml(), chart, self.rules


class Archive:
    """Films and ensembles, made one at a time, the most urgent first, and kept for a while.

    Attributes:
        turns: who may work.
        only_mesa: whether it is known that the compiled engine is not available, because of
            custom agents, for instance.
        beside: processes of the Mesa engine, in that case.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.turns = Turns()
        self.only_mesa = False
        self.beside: MesaProcesses | None = None
        self._pace: Shelf[float] = Shelf(ENSEMBLES)
        self._films: Shelf[Film] = Shelf(FILMS)
        self._ensembles: Shelf[Ensemble] = Shelf(ENSEMBLES)

    def kept_film(self, played: Played) -> Film | None:
        """Return the film if it is kept."""
        return self._films.find(played.key)

    def film(
        self, played: Played, wanted: Wanted, told: Callable[[int], object] | None = None
    ) -> Film:
        """Return the film; record it unless it is kept.

        Args:
            played: what to record.
            wanted: returns whether it is still wanted.
            told: called with each week that is done.

        Raises:
            GivenUp: if it is no longer wanted.
        """

        def recorded() -> Film:
            with self.turns.turn(Urgency.FILM, wanted) as go_on:

                def done(week: int) -> bool:
                    if told is not None:
                        told(week)
                    return go_on()

                return record(played.scenario, played.chart, played.rules, told=done)

        return self._films.get(played.key, recorded, wanted)

    def kept_numbers(self, a: Played, b: Played, engine: Engine, number: int) -> Numbers | None:
        """Return what :meth:`numbers` returns if it is kept."""
        kept = [self._ensembles.find((one.key, engine)) for one in (a, b)]
        whole = [one for one in kept if one is not None and one.replications >= number]
        return _paired(whole[0], whole[1], engine) if len(whole) == 2 else None

    def numbers(
        self,
        a: Played,
        b: Played,
        engine: Engine,
        number: int,
        urgency: Urgency,
        wanted: Wanted,
    ) -> Numbers:
        """Return ``number`` replications of both sides; those that are kept are not run again.

        Raises:
            GivenUp: if they are no longer wanted.
        """
        one = self._ensemble(a, engine, number, urgency, wanted)
        same = a.key == b.key
        two = one if same else self._ensemble(b, engine, number, urgency, wanted)
        return _paired(one, two, engine)

    def _ensemble(
        self, played: Played, engine: Engine, number: int, urgency: Urgency, wanted: Wanted
    ) -> Ensemble:
        key = (played.key, engine)
        begun = self._ensembles.find(key)
        if begun is not None and begun.replications >= number:
            return begun

        def more() -> Ensemble:
            of_these = (played.scenario, played.chart, played.rules, engine, number)
            if engine == "mesa" and self.beside is not None:
                runs = partial(self._run_beside, played, wanted)
                return ensemble(*of_these, wanted, begun, runs)
            with self.turns.turn(urgency, wanted) as go_on:
                return ensemble(*of_these, go_on, begun)

        found = self._ensembles.get((*key, number), more, wanted)
        kept = self._ensembles.find(key)
        if wanted() and (kept is None or kept.replications < found.replications):
            self._ensembles.put(key, found)
        return found

    def forget(self, chart: Organization) -> None:
        """Forget everything that was made on a user's own chart."""
        self._films.drop(lambda played: played[1] is chart)
        self._pace.drop(lambda played: played[1] is chart)
        self._ensembles.drop(lambda key: key[0][1] is chart)

    @contextmanager
    def runs(
        self, played: Played, wanted: Wanted, told: Callable[[int, int], object]
    ) -> Iterator[Runs]:
        """Yield a function that does the runs of a ranking or a map: variations of what is played.

        Args:
            played: what is played.
            wanted: returns whether they are still wanted.
            told: called with the runs done and the runs to do.

        Raises:
            GivenUp: if they are no longer wanted.
        """
        if self.only_mesa:
            yield partial(self._run_beside, played, wanted, told=told)
            return
        with self.turns.turn(Urgency.EXTRA, wanted) as go_on:
            yield partial(
                run_all,
                organization=played.chart,
                rules=played.rules,
                engine="auto",
                wanted=go_on,
            )

    @contextmanager
    def turn(self, wanted: Wanted, told: Callable[[int, int], object]) -> Iterator[Progress]:
        """Yield the ``progress`` of a long calculation that runs scenarios in this process.

        Args:
            wanted: returns whether it is still wanted.
            told: called with what is done and what there is to do.

        Raises:
            GivenUp: if it is no longer wanted.
        """
        with self.turns.turn(Urgency.EXTRA, wanted) as go_on:

            def progress(done: int, total: int) -> bool:
                told(done, total)
                return go_on()

            try:
                yield progress
            except InnovationAbmError:
                if wanted():
                    raise
                raise GivenUp from None  # it says that it was stopped

    def seconds_a_run(self, played: Played, wanted: Wanted) -> float:
        """Return the seconds that a run takes beside the page; measure them unless it was done.

        Raises:
            GivenUp: if they are no longer wanted.
        """
        if self.beside is None:
            raise InnovationAbmError("processes of the Mesa engine cannot be started here")
        if self._pace.find(played.key) is None:
            seeds = range(played.scenario.seed, played.scenario.seed + 2 * self.beside.number)
            self._run_beside(played, wanted, [(played.scenario, seed) for seed in seeds])
        return self._pace.find(played.key) or 0.0

    def _run_beside(
        self,
        played: Played,
        wanted: Wanted,
        pairs: Sequence[tuple[Scenario, int]],
        told: Callable[[int, int], object] | None = None,
    ) -> pd.DataFrame:
        """Run pairs in processes beside the page, and note how long a run takes."""

        def go_on(done: int, total: int) -> bool:
            if told is not None:
                told(done, total)
            return wanted()

        if self.beside is None:
            raise InnovationAbmError("processes of the Mesa engine cannot be started here")
        batch = self.beside.run(pairs, played.chart, played.rules, progress=go_on)
        if len(batch.table) < len(pairs):
            raise GivenUp
        if pairs:
            self._pace.put(played.key, batch.seconds / self.beside.number)
        return batch.table


def _paired(a: Ensemble, b: Ensemble, engine: str) -> Numbers:
    """Pair the replications that both sides have."""
    if a is b:
        return Numbers(a, b, engine)
    number = min(a.replications, b.replications)
    return Numbers(a.first(number), b.first(number), engine)
