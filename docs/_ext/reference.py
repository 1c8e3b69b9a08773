"""Reference tables for the documentation, made from the code.

A document holds a pair of markers for each table::

    <!-- generated: parameters -->
    <!-- end -->

and ``python docs/_ext/reference.py`` fills in what is between them, in every Markdown file of
the folder ``docs`` (or in the files named on the command line). Never edit what is between the
markers by hand. A test checks the documents against the code.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from innovation_abm.agents import Leader, Panel, Person, Reviewer
from innovation_abm.agents.cast import ROLES
from innovation_abm.agents.hooks import CALLED, hooks_of, is_ours
from innovation_abm.chance import Purpose, Stream
from innovation_abm.commands.lever_pages import moves_in_words
from innovation_abm.entities.idea import Event, Fate, Idea, Outcome, Reason, Stage
from innovation_abm.entities.protocols import IdeaLike, PersonLike, readable
from innovation_abm.entities.queues import QUEUE_COLUMNS
from innovation_abm.entities.terms import Terms
from innovation_abm.entities.weeks import Week
from innovation_abm.entities.world import World
from innovation_abm.errors import InnovationAbmError
from innovation_abm.kernel.lowering import BY_HAND, FIXED, by_hand
from innovation_abm.kernel.translation import dialect
from innovation_abm.organization.organization import Role
from innovation_abm.results.batches import FIGURES
from innovation_abm.results.columns import IDEA_COLUMNS, PEOPLE_COLUMNS
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.stories import PHRASES
from innovation_abm.rules import book as rules
from innovation_abm.running.claims import (
    PLACES,
    ClaimVerdict,
    MeasuredClaim,
    claims,
    recorded,
    unclaimed,
)
from innovation_abm.running.effects import settings_in_words
from innovation_abm.scenario.levers import catalogue
from innovation_abm.scenario.mechanisms import MECHANISMS
from innovation_abm.scenario.parameters import GROUPS, parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from enum import IntEnum

    from innovation_abm.experiments.design.parts import Part
    from innovation_abm.scenario.parameters import Parameter, Value

E = TypeVar("E", bound="IntEnum")

FATE_MEANINGS: Final = {
    Fate.IN_FLIGHT: "not decided yet; right-censored at the end of the run",
    Fate.WITHHELD: "its author never voiced it",
    Fate.DENIED: "its author asked for permission and did not get it",
    Fate.REJECTED: "refused by a reviewer or panel, with no rework and no other door left",
    Fate.LAPSED: "lapsed while waiting in a queue",
    Fate.ORPHANED: "given up after its author left or burnt out",
    Fate.DROPPED: "dropped because political priorities changed",
    Fate.FAILED_PILOT: "piloted, and refused by the leader afterwards",
    Fate.ADOPTED: "adopted: it survived",
}
"""What each fate means."""

STAGE_MEANINGS: Final = {
    Stage.WITH_AUTHOR: "its author has it (never at the end of a week)",
    Stage.PLATFORM: "on the collaboration platform",
    Stage.REWORK: "returned for rework",
    Stage.PILOT: "being piloted",
    Stage.CLOSED: "it has met its fate",
    Stage.PERMISSION: "in a queue, as a request for permission",
    Stage.MISROUTED: "in a wrong queue, to be passed on",
    Stage.REVIEW: "in a queue, for review",
    Stage.PANEL: "in the queue of the panel",
    Stage.EVALUATION: "opened for review, and with experts for their opinion",
    Stage.RESTING: "rejected, and put aside until it is brought back or its time is up",
}
"""What each stage means."""

REASON_MEANINGS: Final = {
    Reason.NONE: "it was not withheld",
    Reason.FEAR: "fear of what a failure would cost",
    Reason.FUTILITY: "belief that speaking up leads nowhere",
    Reason.DOUBT: "it was unclear whether innovation is wanted",
    Reason.SELF_SCREENED: "it failed its author's own judgement",
}
"""What each reason to withhold an idea means."""

OUTCOME_MEANINGS: Final = {
    Outcome.NONE: "it was not adopted",
    Outcome.PENDING: "adopted, being implemented or waiting for that",
    Outcome.FAILED: "implementation failed",
    Outcome.EMBEDDED: "implemented and in use",
    Outcome.NEVER_IMPLEMENTED: "given up before its implementation began",
}
"""What each outcome means."""

DRAWS: Final[dict[Purpose, tuple[str, tuple[str, ...]]]] = {
    Purpose.RISK_AVERSION: ("a person's risk aversion", ("post", "tenure")),
    Purpose.PERMISSION_SEEKING: ("a person's permission seeking", ("post", "tenure")),
    Purpose.STORYTELLING: ("a person's storytelling", ("post", "tenure")),
    Purpose.NORM_THRESHOLD: ("a person's norm threshold", ("post", "tenure")),
    Purpose.CHANNELS: ("whether a person knows the channels", ("post", "tenure")),
    Purpose.TRAIT: ("a person's trait defined by a rule file", ("post", "tenure", "name")),
    Purpose.TURNOVER: ("whether the holder leaves the post", ("week", "post")),
    Purpose.SILO: ("what a department provides of a determinant", ("department", "determinant")),
    Purpose.CONCEPTION: ("whether an idea is conceived", ("week", "origin")),
    Purpose.VALUE: ("the idea's value", ("week", "origin")),
    Purpose.NOVELTY: ("its novelty", ("week", "origin")),
    Purpose.FACET: ("its facet", ("week", "origin")),
    Purpose.TOPIC: ("its topic", ("week", "origin")),
    Purpose.NOISE: ("the error with which an idea is seen", ("week", "post")),
    Purpose.DEALING: ("the order in which ideas are dealt to other posts", ("post",)),
    Purpose.IDEA_TRAIT: ("an idea's trait defined by a rule file", ("week", "origin", "name")),
    Purpose.OWN_JUDGEMENT: ("the author's own judgement", ("idea", "post", "visit")),
    Purpose.VOICE: ("voice or silence, and its reason", ("idea",)),
    Purpose.PERMISSION: ("whether permission is asked", ("idea",)),
    Purpose.POSTING: ("whether it is posted on the platform", ("idea",)),
    Purpose.MISROUTE: ("whether it is misrouted", ("idea",)),
    Purpose.WRONG_POST: ("to which post", ("idea",)),
    Purpose.GRANT: ("whether permission is granted", ("idea", "post", "visit")),
    Purpose.REVIEW: ("endorsed or refused", ("idea", "post", "visit")),
    Purpose.PILOT: ("adopted or not after its pilot", ("idea", "post", "visit")),
    Purpose.PANEL: ("a panel member's vote", ("idea", "post", "visit")),
    Purpose.REWORK: ("whether a refusal leads to rework", ("idea", "post")),
    Purpose.DOOR: ("whether another door opens", ("idea", "doors tried")),
    Purpose.OTHER_POST: ("which one", ("idea", "doors tried")),
    Purpose.ARRIVAL_ORDER: ("order of ideas that join a queue together", ("idea", "post")),
    Purpose.LAPSE: ("whether it lapses in any other queue", ("idea", "gate", "weeks waited")),
    Purpose.LAPSE_ASKING: ("whether its request for permission lapses", ("idea", "weeks waited")),
    Purpose.ORPHAN: ("whether it is orphaned", ("idea", "age")),
    Purpose.DROP: ("whether politics drops it", ("idea", "age")),
    Purpose.OUTCOME: ("luck in implementation", ("idea",)),
    Purpose.UPHOLD: ("whether its failure is defended", ("idea",)),
    Purpose.READERS: ("how many copies of a post are made", ("idea", "poster")),
    Purpose.READER: ("whom a copy reaches", ("idea", "poster", "copy")),
    Purpose.ATTENTION: ("how prominent a copy is", ("idea", "poster", "copy")),
    Purpose.JOIN: ("whether its reader joins", ("idea", "poster", "copy")),
    Purpose.REUSE: ("whether a department reuses it", ("idea", "department")),
    Purpose.OWN_NOISE: ("the error of a reviewer's own with which they see it", ("idea", "post")),
    Purpose.CANCEL: ("whether a new leader cancels it", ("idea", "tenure of the leader")),
    Purpose.REVIVAL: ("whether supporters bring it back", ("idea", "age")),
    Purpose.IMPROVEMENT: ("whether a person improves something small", ("week", "post")),
    Purpose.SECOND_LOOK: ("whether a new holder takes it up again", ("idea", "post", "tenure")),
    Purpose.JUMP: ("whether expectations jump", ("week",)),
    Purpose.SIGNAL: ("innovation of the political signal", ("week",)),
    Purpose.BUSINESS: ("items of business that arrive", ("week", "post")),
    Purpose.SLOT_FRACTION: ("whether there is one more slot", ("week", "post")),
    Purpose.SLOT_CHOICE: ("ideas or business first", ("week", "post", "slot")),
}
"""What each draw decides, and the parts of its key in their order."""

QUEUE_MEANINGS: Final = {
    "slots": "reviews that can be done (mean, where capacity has a fraction; inf: unlimited)",
    "idea_arrivals": "ideas and requests for permission that joined a queue",
    "ideas_served": "ideas and requests that got a slot",
    "idea_queue": "ideas and requests in queues at the week's end",
    "business_arrivals": "items of regular business that arrived",
    "business_served": "items of business that got a slot",
    "business_queue": "items of business waiting at the week's end",
    "slots_lent": "slots spent on a panel, or on what is about to be implemented",
}
"""What the columns of the table of queues mean."""

SUMMARY_MEANINGS: Final = {
    "scenario": "name of the scenario",
    "engine": "engine that ran it",
    "seed": "seed of the run",
    "weeks": "length of the run",
    "people": "people in the organisation",
    "departments": "departments",
    "layers": "layers, leaders and staff included",
    "conceived": "ideas conceived",
    "fates": "ideas by fate, without those in flight",
    "outcomes": "adopted ideas: `pending`, `failed`, `embedded`, `never_implemented`",
    "in_flight": "ideas in flight at the end; conceived = sum of fates + in_flight",
    "survival": "share adopted: `of_all`, `of_decided`, `at_horizon` (Aalen-Johansen), each with "
    "`estimate`, `low`, `high`",
    "omission": "share of worthwhile decided ideas that died: `estimate`, `low`, `high`",
    "commission": "share of worthless decided ideas that were adopted: likewise",
    "commission_at_trial": "share of worthless decided ideas that were piloted only: likewise",
    "voiced_share": "share of ideas that were voiced",
    "funnel": "ideas that came as far as `conceived`, `voiced`, `submitted`, `top`, `piloted`, "
    "`adopted`, `embedded`",
    "deaths": "rows of `fate`, `reason`, `place`, `ideas`, `worthwhile`, the most frequent first",
    "waiting": "rows by gate, as `run.waiting()` gives them",
    "bottleneck": "gate at which ideas did most of their waiting",
    "littles_law": "whether waiting counted by week equals waiting counted by idea, at every gate",
    "decision_weeks": "median weeks from conception to fate, of decided ideas that were voiced",
    "maturity": "how far the four determinants are there at the end, `overall` and by `level` (1 "
    "to 5) and `name`; a read-out, never an input",
    "tjur_r2": "how well value separates adopted from dead ideas (Tjur's R-squared)",
    "gini": "inequality of adoptions between the posts that had ideas (Gini coefficient)",
    "spread_departments": "standard deviation of survival between departments, beyond chance",
    "spread_years": "the same between years of conception",
    "people_withholding": "share of posts with an idea in a year that withheld at least one",
    "scheme": "what a suggestion scheme would report: `submitted`, `adopted`, `pending`, "
    "`submitted_per_100` (a year and 100 people), `adopted_of_submitted`, `pending_of_submitted`, "
    "`adopted_of_decided`",
    "effort": "mean effort of people beyond what is provided, in [0, 1], over all weeks",
    "duplicates": "ideas conceived on a topic adopted before",
    "reused": "departments that took up an idea circulated by the agency, in total",
    "exits": "people who left their post",
    "norm": "mean norm at the end",
    "futility": "mean futility at the end",
    "energy": "mean energy at the end",
    "burnt_out": "people burnt out at the end",
    "gap": "citizens' expectations less services in the last week",
    "trust": "citizens' trust in the last week",
}
"""What the keys of ``run.summary()`` mean."""


# --- Markdown -------------------------------------------------------------------------------------


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a ``|`` inside a cell is escaped."""
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [header, ["---"] * len(header), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(name: str) -> str:
    return f"`{name}`"


def attributes(documented: type) -> list[tuple[str, str]]:
    """Return the names and meanings in the section ``Attributes`` of a class's docstring."""
    doc = inspect.cleandoc(documented.__doc__ or "")
    _, _, section = doc.partition("Attributes:\n")
    section = section.partition("\n\n")[0]
    entries = re.split(r"\n(?= {4}\S)", section)
    joined = (" ".join(entry.split()).removesuffix(".") for entry in entries)
    return [(names, meaning) for names, _, meaning in (entry.partition(": ") for entry in joined)]


def _attribute_table(*documented: type) -> str:
    """Tabulate the documented attributes of some classes, one row an entry."""
    rows = (
        (", ".join(map(_code, names.split(", "))), _markdown(meaning))
        for one in documented
        for names, meaning in attributes(one)
    )
    return table(("name", "meaning"), rows)


def _markdown(text: str) -> str:
    """Turn the marks of a docstring into those of Markdown."""
    text = re.sub(r":\w+:`~?([^`]+)`", lambda found: _code(found[1].rpartition(".")[2]), text)
    return text.replace("``", "`")


def _enum_table(meanings: Mapping[E, str], members: type[E]) -> str:
    rows = ((_code(m.name.lower()), str(int(m)), meanings[m]) for m in members)
    return table(("name", "code", "meaning"), rows)


def _column_table(meanings: Mapping[str, str], names: Iterable[str]) -> str:
    return table(("name", "meaning"), ((_code(name), meanings[name]) for name in names))


# --- the tables -----------------------------------------------------------------------------------


def _value(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "inf" if math.isinf(value) else f"{value:.15g}"
    return str(value)


def _bounds(parameter: Parameter) -> str:
    if parameter.kind == "choice":
        return ", ".join(parameter.choices)
    if parameter.low is None:
        return {"bool": "true, false"}.get(parameter.kind, parameter.kind)
    whole = "whole, " if parameter.kind == "int" else ""
    return f"{whole}{_value(parameter.low)} to {_value(parameter.high)}"


def parameter_tables() -> str:
    """Tabulate every parameter, one table a group."""
    header = ("name", "meaning", "unit", "default", "off", "bounds", "mid-run", "needs")
    parts = []
    for group, model in GROUPS.items():
        rows = (
            (
                _code(p.name),
                p.meaning,
                p.unit,
                _value(p.default),
                _value(p.off),
                _bounds(p),
                "yes" if p.live else "no",
                p.needs and _code(p.needs),
            )
            for p in parameters().values()
            if p.group == group
        )
        about = _markdown(" ".join(inspect.cleandoc(model.__doc__ or "").split()))
        parts.append(f"#### `[{group}]`\n\n{about}\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def rule_names() -> tuple[list[str], list[str]]:
    """Name the rules of the rule book, and the helpers that the shipped ones are written with."""
    book = [name for name in rules.RuleBook.__dataclass_fields__]
    every = [name for name, value in vars(rules).items() if getattr(value, "is_rule", False)]
    return book, [name for name in every if name not in book]


def rule_tables() -> str:
    """Tabulate the rules: signature and first line of the docstring."""
    book, helpers = rule_names()
    parts = []
    for title, names in (("Rules of the rule book", book), ("Helpers", helpers)):
        rows = []
        for name in names:
            function = getattr(rules, name)
            signature = ", ".join(inspect.signature(function).parameters)
            first = inspect.cleandoc(function.__doc__ or "").partition("\n")[0]
            rows.append((_code(f"{name}({signature})"), _markdown(first)))
        parts.append(f"{title}:\n\n{table(('rule', 'meaning'), rows)}")
    return "\n\n".join(parts)


def draw_tables() -> str:
    """Tabulate the purposes of draws with their keys, one table a stream."""
    parts = []
    for stream in Stream:
        purposes = [purpose for purpose in Purpose if purpose.stream == stream]
        rows = (
            (_code(p.name.lower()), str(int(p)), DRAWS[p][0], ", ".join(DRAWS[p][1]))
            for p in purposes
        )
        header = ("purpose", "code", "decides", "key")
        title = f"Stream {int(stream)}, *{stream.name.lower()}*"
        parts.append(f"{title}:\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def event_table() -> str:
    """Tabulate the events with the words in which a story tells them."""
    rows = ((_code(event.label), str(int(event)), _phrase(event)) for event in Event)
    return table(("name", "code", "in a story"), rows)


def _phrase(event: Event) -> str:
    return re.sub(r"\{(\w+)\}", r"*\1*", PHRASES[event])


def lever_table() -> str:
    """Tabulate the catalogue of levers: what each is and what it moves."""
    rows = (
        (
            f"**{lever.title.en}**<br>{_code(lever.key)}",
            f"{lever.source}, {lever.time}",
            f"{', '.join(lever.determinants)}; {lever.level}",
            ", ".join(_code(move) for move in moves_in_words(lever)),
            lever.sentence.en,
        )
        for lever in catalogue().values()
    )
    header = ("lever", "source", "determinants; level", "at strength 1", "what it is")
    return table(header, rows)


def claim_table() -> str:
    """Tabulate what is claimed of each lever, and what was found in each organisation."""
    found = {(one.claim.key, one.place): one for one in recorded()}
    rows = []
    for claim in claims():
        title = MEASURES[claim.measure].title
        if claim.beyond:
            title += f", beyond {MEASURES[claim.beyond].title}"
        ones = [found[claim.key, place] for place in PLACES]
        says = [claim.claim]
        if claim.conditions:
            says.append(f"Given: {_code(settings_in_words(claim.conditions))}.")
        if claim.than:
            says.append(f"Compared with: {_code(settings_in_words(claim.than))}.")
        expected = f"{title}: {claim.direction}"
        cells = (_claim_found(one) for one in ones)
        rows.append((_code(claim.lever), " ".join(says), expected, *cells, claim.finding))
    header = ("lever", "claim", "measure, expected", *PLACES, "why it differs")
    return table(header, rows)


def _claim_found(found: MeasuredClaim) -> str:
    change = found.change
    if found.verdict == ClaimVerdict.UNDEFINED:
        return "undefined"
    verdict = str(found.verdict)
    if found.verdict != ClaimVerdict.AS_EXPECTED:
        verdict = f"**{verdict}**"
    interval = f"{change.estimate:+.3g} ({change.low:+.3g} to {change.high:+.3g})"
    return f"{interval} {verdict}{'; needs' if found.needs else ''}"


def claim_tally() -> str:
    """Count the verdicts in each organisation, and name the levers that change nothing there."""
    rows = []
    for place in PLACES:
        ones = [one for one in recorded() if one.place == place]
        counts = [sum(one.verdict == verdict for one in ones) for verdict in ClaimVerdict]
        idle = dict.fromkeys(_code(one.claim.lever) for one in ones if one.needs)
        rows.append((_code(place), *map(str, counts), ", ".join(idle)))
    return table(("organisation", *map(str, ClaimVerdict), "levers marked *needs*"), rows)


def unclaimed_table() -> str:
    """Tabulate the mechanisms of the source text that no lever moves."""
    return table(("mechanism", "where it is"), unclaimed().items())


def mechanism_table() -> str:
    """List what worthwhile ideas may die of, and the parameters that each mechanism consists of."""
    rows = (
        (_code(one.key), one.title["en"], ", ".join(map(_code, one.parameters)))
        for one in MECHANISMS.values()
    )
    return table(("mechanism", "what it is", "parameters"), rows)


def measure_table() -> str:
    """Tabulate the measures."""
    rows = ((_code(m.name), m.title, m.unit or "share") for m in MEASURES.values())
    return table(("measure", "meaning", "unit"), rows)


def _kit(part: str) -> str:
    """Write a part of the facilitator's kit."""
    from innovation_abm.dashboards import (
        kit,
    )  # stands above this module: only the documents need it

    written: str = getattr(kit, part)()
    return written


def _study(section: str) -> str:
    """Tabulate the keys of a section of a study file."""
    from innovation_abm.experiments.design.study import (
        SECTIONS,  # above this module: only documents ask
    )

    return _keys(*SECTIONS[section])


def _calibration(section: str) -> str:
    """Tabulate the keys of a section of a calibration file."""
    from innovation_abm.experiments.calibration.file import PARTS

    return _keys(PARTS[section], ())


def _keys(part: type[Part], left_out: Collection[str]) -> str:
    rows = (
        (_code(part.WRITTEN.get(name, name)), field.description or "", part.allowed(name), default)
        for name, field in part.model_fields.items()
        if name not in left_out
        for default in [_default(field.default)]
    )
    return table(("key", "meaning", "allowed", "default"), rows)


def _default(value: object) -> str:
    """Write the default of a key of a study file; nothing where it is left out."""
    from innovation_abm.experiments.design.models import Model
    from innovation_abm.experiments.design.parts import shown

    if isinstance(value, Model):
        value = value.name
    if value != value:  # no number: it has to be given
        return ""
    if isinstance(value, bool | int | float):
        return _code(f"{value:_}" if type(value) is int else shown(value))
    return _code(shown(str(value))) if isinstance(value, str) and value else ""


def published_table() -> str:
    """Tabulate the figures that calibrations may aim at beside the measures."""
    from innovation_abm.experiments.calibration.published import FIGURES

    rows = ((_code(one.name), one.title) for one in FIGURES.values() if one.windowed)
    return table(("figure", "meaning"), rows)


def design_table() -> str:
    """Tabulate the kinds of designs of a study."""
    from innovation_abm.experiments.design.designs import KINDS

    rows = (
        (_code(kind), one.meaning, ", ".join(map(_code, one.keys)), one.growth)
        for kind, one in KINDS.items()
    )
    return table(("kind", "points", "keys", "kept when it grows"), rows)


def distribution_table() -> str:
    """Tabulate the distributions of a range."""
    from innovation_abm.experiments.design.factors import DISTRIBUTIONS

    rows = (
        (_code(kind), meaning, ", ".join(map(_code, keys)))
        for kind, (meaning, keys) in DISTRIBUTIONS.items()
    )
    return table(("distribution", "meaning", "needs"), rows)


# --- what rules and agents may use ----------------------------------------------------------------

BOTH, MESA, NEITHER = "both", "Mesa", "-"
"""The engines in which something may be used."""


def properties(documented: type) -> list[tuple[str, str]]:
    """Return the names and meanings of the public properties of a class."""
    return [
        (name, _first_line(value))
        for name, value in vars(documented).items()
        if isinstance(value, property) and not name.startswith("_")
    ]


def _first_line(documented: object) -> str:
    first = (inspect.getdoc(documented) or "").partition("\n")[0].removesuffix(".")
    return first[:1].lower() + first[1:]


def compiled_of_people() -> set[str]:
    """Name what custom agents may read of people in the compiled engine."""
    asked = {name for name, _ in properties(Person)} - {*BY_HAND}
    return {*dialect.PERSON_COLUMNS, *dialect.OF_PERSON, *asked}


def compiled_of_ideas() -> set[str]:
    """Name what custom agents may read of ideas in the compiled engine."""
    columns = {*dialect.IDEA_COLUMNS} - {*dialect.COUNTED}
    return {*columns, *dialect.OF_IDEA, "author_present"}


def _readable(
    documented: Iterable[tuple[str, str]],
    rules: Collection[str],
    compiled: Collection[str],
    written: Collection[str],
) -> str:
    """Tabulate attributes: who may read them, and set them, in which engine."""
    rows = []
    for names, meaning in documented:
        alike: dict[tuple[str, ...], list[str]] = {}
        for name in names.split(", "):
            cells = (
                BOTH if name in rules else NEITHER,
                BOTH if name in compiled else MESA,
                BOTH if name in written else NEITHER,
            )
            alike.setdefault(cells, []).append(_code(name))
        rows += [(", ".join(ones), _markdown(meaning), *cells) for cells, ones in alike.items()]
    return table(("name", "meaning", "rules read", "agents read", "agents set"), rows)


def readables_of_people() -> str:
    """Tabulate what may be read of people, class by class."""
    rules, compiled = readable(PersonLike), compiled_of_people()
    written = dialect.CUSTOM_WRITES["person"]
    parts = {
        "Everybody has": [*attributes(Person), *properties(Person)],
        "Middle managers, leaders, agency and panel also have": attributes(Reviewer),
        "Leaders also have": attributes(Leader),
        "The panel also has": attributes(Panel),
    }
    return "\n\n".join(
        f"{title}:\n\n{_readable(documented, rules, compiled, written)}"
        for title, documented in parts.items()
    )


def readables_of_ideas() -> str:
    """Tabulate what may be read of an idea."""
    documented = [*attributes(Idea), *properties(Idea)]
    written = dialect.CUSTOM_WRITES["idea"]
    return _readable(documented, readable(IdeaLike), compiled_of_ideas(), written)


def readables_of_the_model() -> str:
    """Tabulate what agents may read of the model, and which of its methods they may call."""
    compiled = compiled_of_the_model()
    documented = [
        (name, name, meaning)
        for names, meaning in [*attributes(World), *properties(World)]
        for name in names.split(", ")
    ]
    documented += [
        (name, _call(name, value), _first_line(value))
        for name, value in vars(World).items()
        if inspect.isfunction(value) and not name.startswith("_")
    ]
    rows = (
        (_code(written), _markdown(meaning), BOTH if name in compiled else MESA)
        for name, written, meaning in documented
    )
    return table(("name", "meaning", "agents use"), rows)


def compiled_of_the_model() -> set[str]:
    """Name what custom agents may use of the model in the compiled engine."""
    return {*dialect.CUSTOM_READS, *dialect.CUSTOM_CALLS, "agency_open", "record"}


def _call(name: str, method: Callable[..., object]) -> str:
    """Write a call of a method: its parameters without ``self`` and their types."""
    _, *given = inspect.signature(method).parameters.values()
    written = ", ".join(str(one.replace(annotation=one.empty)) for one in given)
    return f"{name}({written})"


def hook_tables() -> str:
    """Tabulate the methods that a custom agent may override, one table a class."""
    kinds = dict.fromkeys(
        one for kind in ROLES.values() for one in reversed(kind.__mro__) if is_ours(one)
    )
    parts = []
    for kind in kinds:
        rows = [
            _hook(kind, name, roles)
            for name in vars(kind)
            if (roles := [role for role, one in ROLES.items() if _has_hook(one, kind, name)])
        ]
        if rows:
            header = ("method", "called in", "of", "what it does", "returns", "engines")
            parts.append(f"{_code(kind.__name__)}:\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def _has_hook(kind: type, owner: type, name: str) -> bool:
    """Whether agents of a class have a hook from ``owner``."""
    return name in hooks_of(kind) and next(o for o in kind.__mro__ if name in vars(o)) is owner


def _hook(owner: type, name: str, roles: Sequence[Role]) -> tuple[str, ...]:
    """Describe one method that a custom agent may override."""
    value = vars(owner)[name]
    method: Callable[..., object] = getattr(value, "fget", value)
    written = name if isinstance(value, property) else _call(name, method)
    engine = MESA if by_hand(owner, name) or name in FIXED else BOTH
    meaning = _markdown(_first_line(method))
    return (_code(written), CALLED[name], _whose(roles), meaning, _returned(method), engine)


def _whose(roles: Sequence[Role]) -> str:
    """Name whose method is called, by role."""
    if len(roles) == len(ROLES):
        return "all"
    people = (Role.STAFF, Role.MIDDLE_MANAGER, Role.LEADER)
    of_people = ["people"] if set(people) <= set(roles) else []
    others = [role.label for role in roles if not (of_people and role in people)]
    return ", ".join(of_people + others)


def _returned(method: Callable[..., object]) -> str:
    """Return what a method returns, by the classes that agents are made from."""
    kind = str(method.__annotations__["return"]).replace(" | ", " or ")
    for protocol, written in (("Desk[Idea]", "Reviewer"), ("Head[Idea]", "Leader")):
        kind = kind.replace(protocol, written)
    return NEITHER if kind == "None" else _code(kind)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "parameters": parameter_tables,
    "rules": rule_tables,
    "draws": draw_tables,
    "fates": lambda: _enum_table(FATE_MEANINGS, Fate),
    "stages": lambda: _enum_table(STAGE_MEANINGS, Stage),
    "reasons": lambda: _enum_table(REASON_MEANINGS, Reason),
    "outcomes": lambda: _enum_table(OUTCOME_MEANINGS, Outcome),
    "events": event_table,
    "person state": lambda: _attribute_table(Person),
    "reviewer state": lambda: _attribute_table(Reviewer, Leader),
    "idea state": lambda: _attribute_table(Idea),
    "terms": lambda: _attribute_table(Terms),
    "ideas": lambda: _column_table(IDEA_COLUMNS, IDEA_COLUMNS),
    "weeks": lambda: _attribute_table(Week),
    "queues": lambda: _column_table(QUEUE_MEANINGS, QUEUE_COLUMNS),
    "figures": lambda: _column_table(FIGURES, FIGURES),
    "people": lambda: _column_table(PEOPLE_COLUMNS, PEOPLE_COLUMNS),
    "readables of people": readables_of_people,
    "readables of ideas": readables_of_ideas,
    "readables of terms": lambda: _attribute_table(Terms),
    "readables of the model": readables_of_the_model,
    "hooks": hook_tables,
    "levers": lever_table,
    "claims": claim_table,
    "claim tally": claim_tally,
    "unclaimed": unclaimed_table,
    "measures": measure_table,
    "mechanisms": mechanism_table,
    "study top": lambda: _study("top"),
    "study question": lambda: _study("question"),
    "study base": lambda: _study("base"),
    "study factor": lambda: _study("factor"),
    "study level": lambda: _study("level"),
    "study design": lambda: _study("design"),
    "study replications": lambda: _study("replications"),
    "study limits": lambda: _study("limits"),
    "study designs": design_table,
    "calibration parameter": lambda: _calibration("parameter"),
    "calibration target": lambda: _calibration("target"),
    "calibration method": lambda: _calibration("method"),
    "calibration figures": published_table,
    "study distributions": distribution_table,
    "session scripts": lambda: _kit("scripts"),
    "lever cards": lambda: _kit("cards"),
    "limits in english": lambda: _kit("limits_in_english"),
    "limits in french": lambda: _kit("limits_in_french"),
    "summary": lambda: _column_table(SUMMARY_MEANINGS, SUMMARY_MEANINGS),
}
"""The tables that a document may ask for, by the name in its marker."""

_BLOCK: Final = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(document: str) -> str:
    """Return a document with all its generated tables brought up to date.

    Raises:
        InnovationAbmError: if a marker asks for a table that does not exist.
    """

    def fill(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        if name not in TABLES:
            known = ", ".join(TABLES)
            raise InnovationAbmError(f'no generated table "{name}"; there are: {known}')
        return f"{begin}\n{TABLES[name]()}\n\n{end}"

    return _BLOCK.sub(fill, document)


def main(arguments: Sequence[str]) -> int:
    """Rewrite the documents named, or all in the folder ``docs``; return the exit status."""
    paths = [Path(name) for name in arguments] or sorted(Path("docs").glob("*.md"))
    if not paths:
        print("no docs/*.md here; name the documents to rewrite", file=sys.stderr)
        return 2
    try:
        for path in paths:
            before = path.read_text(encoding="utf-8")
            after = render(before)
            if after != before:
                path.write_text(after, encoding="utf-8", newline="\n")
            print(f"{path}: {'rewritten' if after != before else 'up to date'}")
    except (OSError, InnovationAbmError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
