"""Whether the two engines leave the same, bit for bit: what a run of each is compared by.

``python -m innovation_abm.evidence.agreement --compare 5000`` runs that many random cases in both
and names each that differs; see :func:`innovation_abm.scenario.random_scenarios.random_case`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.weeks import WEEK_COLUMNS
from innovation_abm.errors import InnovationAbmError
from innovation_abm.kernel.arrays import IDEA, PERSON, SUMMARY
from innovation_abm.kernel.runs import KernelState, run_kernel
from innovation_abm.model import InnovationModel
from innovation_abm.results.run import Run
from innovation_abm.scenario.random_scenarios import Case, far_from_usual, random_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from innovation_abm.rules.book import RuleBook

_LINKS: Final = {"first_ally", "first_endorser", "first_visited", "next", "posters"}
"""Columns of ideas that stand for lists; these are compared instead."""
_POSTS: Final = {"author", "holder", "fate_holder", "superior"}
_INBOX: Final = {
    *("queue", "queue_first", "queue_last"),
    *("arriving", "arriving_first", "arriving_last"),
}
_OF_REVIEWERS: Final = {"slots", "business", "gate", "rank", "reports", "trials"} | _INBOX
_EVERY: Final = 20.0
"""Seconds between two lines of progress."""


def difference(
    case: Case, rules: RuleBook | None = None, *, checked: bool = False, threads: int = 1
) -> str:
    """Run a case in both engines and return where they differ first; "" if they do not.

    Args:
        case: what to run.
        rules: the rule book; the shipped one if ``None``.
        checked: see :func:`~innovation_abm.kernel.runs.run_kernel`.
        threads: of the compiled engine.
    """
    found: list[Any] = []
    compiled = partial(_compiled, checked=checked, threads=threads)
    for name, run in (("mesa", _mesa), ("compiled", compiled)):
        try:
            found.append(run(case, rules))
        except InnovationAbmError as error:  # a refusal, which both should agree on
            found.append(str(error))
        except (ArithmeticError, LookupError, ValueError) as error:
            return f"{name} engine: {type(error).__name__}: {error}"
    one, two = found
    if isinstance(one, str) or isinstance(two, str):
        return "" if one is two or (isinstance(one, str) and one == two) else f"{one} / {two}"
    return next(differences(one, two), "")


def _mesa(case: Case, rules: RuleBook | None) -> InnovationModel:
    model = InnovationModel(
        case.scenario,
        organization=case.chart,
        rules=rules,
        origin=case.origin,
        keep_events=False,
    )
    model.run()
    return model


def _compiled(case: Case, rules: RuleBook | None, *, checked: bool, threads: int) -> KernelState:
    given = (case.scenario, case.chart, rules, case.origin)
    return run_kernel(*given, checked=checked, threads=threads)


def differences(model: InnovationModel, state: KernelState) -> Iterator[str]:
    """List what two runs leave differently: weeks, ideas, people, queues, and the summary."""
    for name in WEEK_COLUMNS:
        yield from _unlike(
            f"week {name}", [getattr(w, name) for w in model.series], state.weeks[name]
        )
    if len(model.ideas) != len(state.ideas["value"]):
        yield f"{len(model.ideas)} ideas in Mesa, {len(state.ideas['value'])} compiled"
        return
    yield from _unlike_ideas(model, state)
    yield from _unlike_people(model, state)
    queues = model.queues
    yield from _unlike("queues", queues.series, state.queues)
    yield from _unlike("idea week-ends", queues.idea_weekends, state.idea_weekends)
    yield from _unlike("business week-ends", queues.business_weekends, state.business_weekends)
    counts = Run.from_model(model).counts
    for name in SUMMARY.names or ():
        yield from _unlike(f"count {name}", [counts[name].item()], [state.counts[name].item()])


def _unlike_ideas(model: InnovationModel, state: KernelState) -> Iterator[str]:
    ideas = model.ideas
    for name in sorted(set(IDEA.names or ()) - _LINKS):
        yield from _unlike(f"idea {name}", _column(ideas, name), state.ideas[name])
    for number, idea in enumerate(ideas):
        if state.endorsers(number) != idea.endorsers:
            yield f"endorsers of idea {number}"
        if state.visited(number) != idea.visited:
            yield f"doors tried by idea {number}"
        allies = state.allies(number)
        if len(allies) != len(idea.ally_posts) or set(allies) != set(idea.ally_posts.items()):
            yield f"allies of idea {number}"


def _unlike_people(model: InnovationModel, state: KernelState) -> Iterator[str]:
    for name in sorted(set(PERSON.names or ()) - _OF_REVIEWERS):
        yield from _unlike(f"person {name}", _column(model.people, name), state.people[name])
    posts = [reviewer.post for reviewer in model.reviewers]
    for name in sorted(_OF_REVIEWERS - _INBOX - {"trials"}):
        column = _column(model.reviewers, name)
        yield from _unlike(f"reviewer {name}", column, state.people[name][posts])
    for reviewer in model.reviewers:
        if _inbox(state, reviewer.post) != [idea.number for idea in reviewer.ideas]:
            yield f"inbox of post {reviewer.post}"


def _column(owners: Iterable[object], name: str) -> list[Any]:
    """Return an attribute of each; of a person, the post, and -1 for nobody."""
    column = [getattr(owner, name) for owner in owners]
    if name in _POSTS:
        return [-1 if person is None else person.post for person in column]
    return column


def _unlike(name: str, expected: Any, found: Any) -> Iterator[str]:  # noqa: ANN401 - arrays
    """Compare two columns bit for bit."""
    one, two = np.asarray(expected), np.asarray(found)
    if one.shape != two.shape:
        yield f"{name}: shape {one.shape} in Mesa, {two.shape} compiled"
        return
    differ = np.flatnonzero((one != two) & ~((one != one) & (two != two)))
    if differ.size:
        first = differ[0]
        values = f"{one.flat[first]!r} in Mesa, {two.flat[first]!r} compiled"
        yield f"{name}: {differ.size} differ, the first is number {first}: {values}"


def _inbox(state: KernelState, reviewer: int) -> list[int]:
    """List the ideas in a reviewer's queue."""
    ideas, at = [], state.people["queue_first"][reviewer]
    while at != -1:
        ideas.append(int(at))
        at = state.ideas["next"][at]
    return ideas


# --- many cases -----------------------------------------------------------------------------------


def compare(numbers: Iterable[int], *, checked: bool = False) -> Iterator[tuple[int, str]]:
    """Run random cases in both engines, with the shipped rules.

    Yields:
        The number of each case, and where the engines differ first; "" where they do not.
    """
    for number in numbers:
        yield number, difference(random_case(number), checked=checked)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the engines on random cases; the exit status is 1 if they differ in any."""
    parser = argparse.ArgumentParser(
        prog="python -m innovation_abm.evidence.agreement",
        description="Run random cases in both engines and report those that differ.",
    )
    parser.add_argument("--compare", type=int, default=100, metavar="N", help="number of cases")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="first case")
    parser.add_argument(
        "--checked", action="store_true", help="prove every index of the compiled engine"
    )
    given = parser.parse_args(arguments)
    numbers = range(given.start, given.start + given.compare)
    began = said = time.perf_counter()
    differing = 0
    for number, found in compare(numbers, checked=given.checked):
        done = number - given.start + 1
        if found:
            differing += 1
            case = random_case(number)
            print(f"case {number} ({case.chart.size} people): {found}", flush=True)
            print(f"    {far_from_usual(case.scenario)}", flush=True)
        now = time.perf_counter()
        if now - said > _EVERY or done == given.compare:
            said = now
            told = f"{done} of {given.compare} cases, {differing} differ, {now - began:.0f} s"
            print(told, file=sys.stderr, flush=True)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
