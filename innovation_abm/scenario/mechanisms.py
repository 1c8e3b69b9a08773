"""The mechanisms by which ideas are lost, and how each is switched off.

A mechanism is a set of parameters, no two mechanisms sharing one; it is off where each of them has
its off value (``docs/odd.md`` lists these). To add one, add an entry to :data:`MECHANISMS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from innovation_abm.scenario.parameters import parameters
from innovation_abm.scenario.scenario import Change, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from innovation_abm.scenario.parameters import Value


@dataclass(frozen=True)
class Mechanism:
    """One way in which ideas are lost.

    Attributes:
        key: its name in files and commands.
        title: what it is, in a few words, for people; by language.
        parameters: the parameters that it consists of.
    """

    key: str
    title: Mapping[str, str]
    parameters: tuple[str, ...]

    @property
    def off(self) -> dict[str, Value]:
        """The values at which it does nothing."""
        known = parameters()
        # The facets' own uncertainty stands in for the one that has an off value.
        return {
            name: 0.0 if known[name].off is None else known[name].off for name in self.parameters
        }

    def acts(self, scenario: Scenario) -> bool:
        """Whether it is on at any time in a run of a scenario."""
        off = self.off
        return any(_values(scenario, week, off) != off for week in turns(scenario))


def _values(scenario: Scenario, week: int, names: Iterable[str]) -> dict[str, Value]:
    found = scenario.at(week)
    return {name: found[name] for name in names}


def _mechanism(key: str, en: str, fr: str, names: str) -> Mechanism:
    return Mechanism(key, MappingProxyType({"en": en, "fr": fr}), tuple(names.split()))


_LISTED: Final = (
    _mechanism(
        "fear",
        "fear of failure",
        "la peur de l'échec",
        "risk_aversion personal_loss_share scar scar_fear",
    ),
    _mechanism(
        "futility",
        "giving up on speaking up",
        "le sentiment que c'est inutile",
        "futility_gain social_futility",
    ),
    _mechanism(
        "doubt",
        "doubt whether ideas are wanted",
        "le doute sur l'accueil réservé aux idées",
        "doubt",
    ),
    _mechanism(
        "clarity",
        "unclear messages",
        "des messages peu clairs",
        "clarity clarity_system filter_down",
    ),
    _mechanism(
        "permission", "asking for permission", "la demande de permission", "permission_seeking"
    ),
    _mechanism(
        "misrouting", "landing on the wrong desk", "l'arrivée sur le mauvais bureau", "misrouting"
    ),
    _mechanism(
        "filtering",
        "the case weakening on its way up",
        "l'affaiblissement du dossier à mesure qu'il monte",
        "filter_up",
    ),
    _mechanism(
        "misjudgement",
        "misjudging what an idea is worth",
        "l'erreur sur la valeur de l'idée",
        "uncertainty enhancement_uncertainty mission_uncertainty adaptive_uncertainty "
        "anticipatory_uncertainty unit_error department_error",
    ),
    _mechanism(
        "incumbents",
        "the head start of the way things are done",
        "l'avance de ce qui se fait déjà",
        "incumbent_bonus incumbent_growth parity_system",
    ),
    _mechanism(
        "strictness",
        "the bar that reviewers set",
        "le seuil que fixent ceux qui examinent",
        "review_threshold",
    ),
    _mechanism(
        "control",
        "tighter control as trust falls",
        "le contrôle qui se resserre quand la confiance baisse",
        "control",
    ),
    _mechanism(
        "queues",
        "too little time for reviews",
        "le manque de temps pour les examens",
        "manager_capacity leader_capacity agency_capacity manager_business leader_business "
        "idea_weight manager_weight business_per_report capacity_per_report failure_business",
    ),
    _mechanism(
        "slowness",
        "waiting for experts and boards",
        "l'attente des experts et des comités",
        "evaluation_weeks board_weeks",
    ),
    _mechanism("lapsing", "lapsing while waiting", "les idées mortes d'attente", "staleness"),
    _mechanism(
        "departures", "people leaving", "les départs", "turnover burnout_exit orphaning energy_cost"
    ),
    _mechanism(
        "politics", "changes of political priorities", "les changements de priorités", "drop_rate"
    ),
    _mechanism("pilots", "failing a pilot", "l'échec d'un essai", "pilot_weeks trial_quota"),
    _mechanism(
        "panel",
        "a panel's verdict",
        "le verdict d'un comité",
        "panel_size panel_quorum panel_novelty",
    ),
)

MECHANISMS: Final[Mapping[str, Mechanism]] = MappingProxyType({one.key: one for one in _LISTED})
"""All mechanisms, in the order in which an idea meets them."""


def turns(scenario: Scenario) -> list[int]:
    """List the weeks in which parameters may change, the first included."""
    ends = (change.until for change in scenario.timeline if change.until is not None)
    weeks = {1, *(change.week for change in scenario.timeline), *ends}
    return sorted(week for week in weeks if week <= scenario.weeks)


def without(scenario: Scenario, mechanisms: Iterable[Mechanism]) -> Scenario:
    """Return a scenario in which some mechanisms are off throughout, and all else is as it was.

    Levers and timeline are worked out first, so that neither can switch a mechanism on again.
    """
    off = {name: value for one in mechanisms for name, value in one.off.items()}
    if not off:
        return scenario
    if not scenario.levers and not scenario.timeline:
        return scenario.but(**off)
    held = {**scenario.at(1), **off}
    timeline = []
    for week in turns(scenario)[1:]:
        now = {**scenario.at(week), **off}
        if changed := {name: value for name, value in now.items() if value != held[name]}:
            timeline.append(Change(week=week, values=changed))
        held = now
    first = {**scenario.at(1), **off}
    return scenario.but(**first, levers={}, timeline=tuple(timeline))
