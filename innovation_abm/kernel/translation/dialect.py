"""The part of Python in which agents may be written to run in the compiled engine too.

Every expression has a :class:`Kind`: ``self.author`` is a person, which the engine knows by post,
``idea.value`` a number in a record. The tables say what may be read of each kind, and how the
engine has it. What is not in them is refused; to teach the engine more, add to them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final

from innovation_abm.agents import CentralAgency, Leader, Panel, Person, Reviewer
from innovation_abm.chance import Purpose, normal
from innovation_abm.entities.idea import (
    NEVER,
    NO_VERDICT,
    NOVEL,
    Event,
    Facet,
    Fate,
    Outcome,
    Reason,
    Stage,
)
from innovation_abm.entities.misuse import Misuse
from innovation_abm.entities.queues import UNLIMITED
from innovation_abm.kernel.arrays import IDEA, PERSON, TERMS, WEEK
from innovation_abm.organization.organization import Role
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR


@dataclass(frozen=True)
class Kind:
    """What an expression is: a number, a person, an idea, a list of the model, ...

    Attributes:
        name: one of the names below.
        who: the class of a person, as far as it is known from the source.
        array: the engine's name of a list.
        optional: whether it may be nobody, or no idea.
    """

    name: str
    who: type | None = None
    array: str = ""
    optional: bool = False


NUMBER: Final = Kind("number")
FLAG: Final = Kind("flag")
KEY: Final = Kind("key")
CODE: Final = Kind("code")
NOTHING: Final = Kind("nothing")
MODEL, FORUM, RULES, QUEUES, SETTINGS = map(Kind, ("model", "forum", "rules", "queues", "settings"))
IDEA_KIND, TERMS_KIND, WEEK_KIND = Kind("idea"), Kind("terms"), Kind("week")
STAGE, CHOICE, PROVISION = Kind("stage"), Kind("choice"), Kind("provision")
QUEUE, CHAIN, MEMBERS = Kind("queue"), Kind("chain"), Kind("members")


def person(who: type, optional: bool = False) -> Kind:
    """Return the kind of people of a class."""
    return Kind("person", who, optional=optional)


ANNOTATED: Final[dict[str, Kind]] = {
    "Idea": IDEA_KIND,
    "Terms": TERMS_KIND,
    **{kind.__name__: person(kind) for kind in (Person, Reviewer, Leader, Panel, CentralAgency)},
    **{"Desk[Idea]": person(Reviewer), "Head[Idea]": person(Leader), "PersonLike": person(Person)},
    **dict.fromkeys(("int", "float"), NUMBER),
    **dict.fromkeys(("Purpose", "Fate", "Stage", "Reason", "Facet"), CODE),
    "bool": FLAG,
    "None": NOTHING,
}
"""Kinds of parameters and results, by how they are annotated; ``| None`` is left out."""

ENUMS: Final[dict[str, object]] = {
    one.__name__: one for one in (Event, Facet, Fate, Misuse, Outcome, Purpose, Reason, Role, Stage)
}
CONSTANTS: Final[dict[str, object]] = {
    "NEVER": NEVER,
    "NOVEL": NOVEL,
    "NO_VERDICT": NO_VERDICT,
    "UNLIMITED": UNLIMITED,
    "WEEKS_PER_YEAR": WEEKS_PER_YEAR,
}
FUNCTIONS: Final[dict[str, object]] = {
    **{one.__name__: one for one in (abs, all, any, bool, float, int, len, max, min, round)},
    "normal": normal,
}
"""What may be named: codes, constants, and functions of numbers; any function of ``math`` too."""

OF_MODEL: Final[dict[str, tuple[str, Kind]]] = {
    "week": ("run.week", NUMBER),
    "first_slot": ("run.first_slot", NUMBER),
    "now": ("now", WEEK_KIND),
    "last": ("s.weeks[run.week - 1]", WEEK_KIND),
    "government": ("s.terms[run.departments]", TERMS_KIND),
    "rules": ("rules", RULES),
    "forum": ("s", FORUM),
    "queues": ("s", QUEUES),
    "settings": ("run", SETTINGS),
    "panel": ("panel_of(s)", person(Panel)),
    "agency": ("agency_of(s)", person(CentralAgency)),
    "people": ("run.people", Kind("people")),
    "reviewers": ("s.reviewers.size", Kind("reviewers")),
    "leaders": ("run.departments", Kind("leaders")),
    "terms": ("s.terms", Kind("all terms")),
    "clarity": ("s.clarity", Kind("table", array="clarity")),
    "origin": ("s.origin", Kind("table", array="origin")),
    "met_topics": ("s", Kind("topics met")),
    "adopted_topics": ("s", Kind("topics adopted")),
    **{name: (f"s.{name}", Kind("calendar", array=name)) for name in ("due", "returning")},
    **{
        name: (f"s.{name}", Kind("list", array=name))
        for name in ("granted", "adopted_now", "embedded_now", "flying", "resting")
    },
}
"""What is read of the model, and how."""

MODEL_CALLS: Final = (
    *("adopt", "conclude", "count_fate", "develop", "end", "follow_timeline", "leave_queue"),
    "evaluate",
    *("note_submission", "other_reviewer", "register", "return_for_rework", "reuse", "send"),
    *("settle", "start_pilot", "verdict", "begin_implementation"),
    *("enter_fate", "inform_author", "reject", "rested", "brought_back"),
    *("supporters", "revive"),
    "refuse_waiting",
)
"""Methods of the model that may be called."""

OF_PERSON: Final[dict[str, tuple[str, Kind]]] = {
    "model": ("s", MODEL),
    "terms": ("s.terms[{row}.terms_row]", TERMS_KIND),
    "leader": ("{row}.department", person(Leader)),
    "superior": ("{row}.superior", person(Reviewer, optional=True)),
    "ideas": ("{row}.queue", QUEUE),
    "members": ("members(s)", MEMBERS),
    "week": ("run.week", NUMBER),
}
"""What is read of a person besides the columns of :data:`.arrays.PERSON`."""

OF_IDEA: Final[dict[str, tuple[str, Kind]]] = {
    "author": ("{row}.author", person(Person)),
    "holder": ("{row}.holder", person(Reviewer, optional=True)),
    "fate_holder": ("{row}.fate_holder", person(Reviewer, optional=True)),
    "stage": ("{row}.stage", STAGE),
    "waits": ("{row}.next != FREE", FLAG),
    "endorsers": ("{row}.first_endorser", CHAIN),
    "visited": ("{row}.first_visited", CHAIN),
}
"""What is read of an idea besides the columns of :data:`.arrays.IDEA`."""

PERSON_COLUMNS: Final = tuple(
    name for name in PERSON.names or () if not name.startswith(("queue_", "arriving"))
)
IDEA_COLUMNS: Final = tuple(
    name for name in IDEA.names or () if not name.startswith("first_") and name != "next"
)
"""Columns that agents of the Mesa engine have as attributes."""

RESERVED: Final = frozenset(
    (
        *("s", "p", "i", "run", "person", "rules", "place", "at", "following", "ValueKind"),
        *("agency_of", "agency_open", "author_present", "draw", "draw2", "draw3", "draw_own"),
        *("draw_own2", "draw_own3", "enqueue", "is_met", "link", "linked", "math", "meet"),
        *("own_trait", "somebody", "whole", "whole_argument"),
        *("members", "next_idea", "other_reviewer", "panel_of", "provision", "put_off"),
        *("start_idea", "touch"),
    )
)
"""Names that mean something of their own in what is written."""

COLUMNS: Final = frozenset(
    (*PERSON_COLUMNS, *IDEA_COLUMNS, *(TERMS.names or ()), *(WEEK.names or ()))
) | {*OF_PERSON, *OF_IDEA, *OF_MODEL}
"""Attributes that are read as they are: no function is called for them."""

CUSTOM_READS: Final = (
    *("week", "first_slot", "now", "last", "government", "terms", "rules", "settings"),
    *("people", "reviewers", "leaders", "panel", "agency"),
)
"""What methods of custom agents may read of the model: its other lists are longer in the engine
than what is in them."""
CUSTOM_CALLS: Final = (
    *("adopt", "develop", "end", "note_submission", "other_reviewer", "return_for_rework"),
    *("send", "start_pilot"),
)
"""Those that methods of custom agents may call: others keep books that must agree."""
CUSTOM_WRITES: Final[dict[str, tuple[str, ...]]] = {
    "person": (
        *("energy", "norm", "scars", "futility", "risk_aversion", "permission_seeking"),
        *("storytelling", "norm_threshold", "knows_channels", "busy", "slots", "business"),
        *("trials", *("deaths", "adoptions", "failures")),
    ),
    "idea": (
        *("value", "novelty", "uncertainty", "direction", "storytelling", "maturity", "fidelity"),
        *("seen", "decisions", "doors", "reworked", "collected", "misrouted", "top"),
    ),
}
"""What methods of custom agents may set: the rest follows from what happens."""

CODES: Final = ("Purpose", "Fate", "Stage", "Reason", "Facet")
"""How parameters are annotated that take a code."""

OF_CLASS: Final[dict[str, type]] = {
    **dict.fromkeys(("ideas", "slots", "rank", "gate", "reports"), Reviewer),
    "trials": Leader,
    "members": Panel,
}
"""What only people of a class have."""

LEARNED: Final = ("deaths", "adoptions", "failures")
"""Columns of a person that are counted up within a week: whoever they count is listed first."""
COUNTED: Final = ("posters",)
"""Lists of an idea of which the engine has the length in a column: custom agents cannot read it."""
UNSEEN: Final = ("detail", "waits")
"""Attributes of an idea that only the Mesa engine sets: it has no kinds of fates, and sees from its
queues what waits."""
DETERMINANTS: Final = ("clarity", "parity", "suitability", "normality")


@dataclass(frozen=True)
class Typed:
    """An expression of the engine, and its kind."""

    node: ast.expr
    kind: Kind

    def __str__(self) -> str:
        """Return it as it is written."""
        return ast.unparse(self.node)
