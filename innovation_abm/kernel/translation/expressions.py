"""The translation of expressions; see :mod:`.dialect` for what they may be made of."""

from __future__ import annotations

import ast
import builtins
import enum
import math
from dataclasses import replace
from functools import singledispatchmethod
from types import FunctionType
from typing import TYPE_CHECKING

from innovation_abm.agents import CentralAgency, Leader, Panel, Person, Reviewer
from innovation_abm.agents.fields import states_of, traits_of
from innovation_abm.chance import name_key
from innovation_abm.errors import did_you_mean
from innovation_abm.kernel.arrays import IDEA, PERSON, TERMS, WEEK
from innovation_abm.kernel.translation.dialect import (
    ANNOTATED,
    CHAIN,
    CHOICE,
    CODE,
    CODES,
    CONSTANTS,
    COUNTED,
    CUSTOM_CALLS,
    CUSTOM_READS,
    DETERMINANTS,
    ENUMS,
    FLAG,
    FORUM,
    FUNCTIONS,
    IDEA_COLUMNS,
    KEY,
    MODEL,
    MODEL_CALLS,
    NOTHING,
    NUMBER,
    OF_CLASS,
    OF_IDEA,
    OF_MODEL,
    OF_PERSON,
    PERSON_COLUMNS,
    PROVISION,
    RULES,
    SETTINGS,
    STAGE,
    TERMS_KIND,
    UNSEEN,
    Kind,
    Typed,
    person,
)
from innovation_abm.kernel.translation.errors import DialectError, in_words
from innovation_abm.kernel.translation.methods import (
    AgentMethod,
    Calls,
    function_of,
    inherited,
    may_be_none,
    owner_of,
    parameters,
    refused,
    safe,
    source_of,
    written_parameters,
)
from innovation_abm.rules.source import examine

if TYPE_CHECKING:
    from collections.abc import Callable


def fill(template: str, **parts: ast.expr) -> ast.expr:
    """Parse an expression with others in the place of some of its names."""

    class Filling(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return parts.get(node.id, node)

    return Filling().visit(ast.parse(template, mode="eval")).body  # type: ignore[no-any-return]


def call_of(name: str, *arguments: ast.expr) -> ast.expr:
    """Return the call of a function."""
    return ast.Call(ast.Name(name), list(arguments), [])


class Expressions:
    """The translation of one method.

    Attributes:
        local: the kind of each local variable, and by which name the engine has it.
        used: the records that the function reads, to be set at its beginning.
        known: kinds of expressions that the source asserts.
        before: what has to be done before the statement that is being translated.
        repeated: whether that is a condition, which is asked again and again.
        leading: the expressions that are looked at first in it, so that a loop may come before.
        sure: variables that are set by now on any way; ``None`` where no way leads.
    """

    def __init__(self, method: AgentMethod, calls: Calls) -> None:
        self.method, self.calls = method, calls
        self.tree = source_of(method.function())
        self.local: dict[str, tuple[str, Kind]] = {}
        self.used: dict[str, str] = {}
        self.known: dict[str, Kind] = {}
        self.before: list[ast.stmt] = []
        self.repeated = False
        self.leading: list[ast.expr] = []
        self.sure: frozenset[str] | None = frozenset(["self"])
        self.given: list[str] = ["s"]
        self.assigned = {
            node.id
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        self._take_parameters()

    def _take_parameters(self) -> None:
        mine = self.method.self_kind
        named = {"person": "p", "idea": "i"}.get(mine.name)
        if named:
            self.given.append(named)
        self.local["self"] = (named or "s", mine)
        for name, written, annotation in written_parameters(self.method):
            optional = may_be_none(self.method, name)
            kind = replace(ANNOTATED[annotation], optional=optional)
            self.local[name] = (written.partition(":")[0], kind)
            self.given.append(written)
            self.set(name)

    def set(self, name: str) -> None:
        """Note that a variable is set from here on."""
        self.sure = None if self.sure is None else self.sure | {name}

    def safe(self, name: str) -> str:
        """Return a name for a local variable that means nothing else in what is written."""
        return safe(name, self.method.function())

    def surely(self, found: Typed) -> ast.expr:
        """Return a post, or an idea's number, where there must be one: custom methods may err."""
        if found.kind.optional and self.method.custom:
            return call_of("somebody", found.node)
        return found.node

    def need(self, name: str, value: str) -> None:
        """Set a record at the beginning of the function."""
        if name in self.assigned and self.local.get(name, ("", NOTHING))[0] == name:
            raise self.refused(self.tree, f"a variable named {name}", "use another name")
        self.used[name] = value
        # These are read by way of others, which must be set before them.
        if name == "now":
            self.used["run"] = "s.run[0]"
        if name == "terms":
            self.used["person"] = "s.people[p]"

    def refused(self, node: ast.AST, what: str, right: str = "") -> DialectError:
        """Return the error for what the engine does not know, with its place."""
        line = getattr(node, "lineno", self.method.function().__code__.co_firstlineno)
        return refused(self.method, line, what, right)

    # --- expressions ------------------------------------------------------------------------------

    def truth(self, node: ast.expr) -> ast.expr:
        """Translate a condition."""
        if isinstance(node, ast.BoolOp):
            return self.condition(node)
        found = self.value(node)
        # People are posts there, and post 0 would be false although somebody holds it.
        if found.kind.name == "person":
            raise self.refused(node, "a person is neither true nor false", "write `is None`")
        return found.node

    def means(self, name: str, value: object) -> bool:
        """Whether a name means in the method's module what it means in the engine."""
        return self.method.function().__globals__.get(name, vars(builtins).get(name)) is value

    def condition(self, node: ast.BoolOp) -> ast.expr:
        """Translate a condition of several parts, which need not be flags."""
        return ast.BoolOp(node.op, [self.truth(one) for one in node.values])

    @singledispatchmethod
    def value(self, node: ast.expr) -> Typed:
        """Translate an expression."""
        what = f"{ast.unparse(node)}: {in_words(node)} is not known to the compiled engine"
        raise self.refused(node, what, "write numbers, comparisons, calls, and loops over ideas")

    @value.register
    def _constant(self, node: ast.Constant) -> Typed:
        if node.value is None:
            return Typed(ast.Name("NOBODY"), NOTHING)
        if isinstance(node.value, str):
            return Typed(node, CHOICE)
        return Typed(node, FLAG if isinstance(node.value, bool) else NUMBER)

    @value.register
    def _name(self, node: ast.Name) -> Typed:
        if node.id in self.local:
            if self.sure is not None and node.id not in self.sure:
                what = f"{node.id} is not set on every way that leads here"
                raise self.refused(node, what, "set it before")
            written, kind = self.local[node.id]
            return Typed(ast.parse(written, mode="eval").body, kind)
        if node.id in CONSTANTS and self.means(node.id, CONSTANTS[node.id]):
            return Typed(ast.Name(node.id), NUMBER)
        found = self.method.function().__globals__.get(node.id)
        # A number of the module is written out, as the engine does not see the module.
        if isinstance(found, bool | int | float) and not isinstance(found, enum.Enum):
            return Typed(ast.Constant(found), NUMBER)
        raise self.refused(node, f"{node.id} is not known to the compiled engine")

    @value.register
    def _unaryop(self, node: ast.UnaryOp) -> Typed:
        if isinstance(node.op, ast.Not):
            return Typed(ast.UnaryOp(node.op, self.truth(node.operand)), FLAG)
        return Typed(ast.UnaryOp(node.op, self.value(node.operand).node), NUMBER)

    @value.register
    def _binop(self, node: ast.BinOp) -> Typed:
        left, right = self.value(node.left), self.value(node.right)
        # As is `math.pow`: Python and the machine code round powers differently.
        if isinstance(node.op, ast.Pow):
            raise self.refused(node, f"{ast.unparse(node)} has other bits there", "write x * x")
        if self.method.custom and KEY in (left.kind, right.kind):
            raise self.refused(node, "keys are for draws, not for arithmetic")
        return Typed(ast.BinOp(left.node, node.op, right.node), NUMBER)

    @value.register
    def _boolop(self, node: ast.BoolOp) -> Typed:
        values = [self.value(one) for one in node.values]
        if all(one.kind.name == "person" for one in values):
            first, second = values
            # Nobody is -1, which is true in a condition, so the question is written out.
            chosen = fill("b if a == NOBODY else a", a=first.node, b=second.node)
            return Typed(chosen, second.kind)
        if any(one.kind != FLAG for one in values):
            right = f"compare it, as in `{ast.unparse(node.values[0])} > 0.0`"
            raise self.refused(node, "`and` and `or` give numbers and flags mixed here", right)
        return Typed(self.condition(node), FLAG)

    @value.register
    def _ifexp(self, node: ast.IfExp) -> Typed:
        body, other = self.value(node.body), self.value(node.orelse)
        kind = other.kind if body.kind == NOTHING else body.kind
        if kind.name == "person" and other.kind.name == "person":
            kind = person(_common(body.kind.who, other.kind.who))
        some = (NOTHING in (body.kind, other.kind), body.kind.optional, other.kind.optional)
        kind = replace(kind, optional=any(some))
        return Typed(ast.IfExp(self.truth(node.test), body.node, other.node), kind)

    @value.register
    def _compare(self, node: ast.Compare) -> Typed:
        if len(node.ops) == 1:
            (operator,), (right,) = node.ops, node.comparators
            if isinstance(operator, ast.Is | ast.IsNot):
                if (found := self.existence(node.left, operator)) is not None:
                    return Typed(found, FLAG)
                # People, ideas and members of enums are numbers there: the same one is an equal
                # one.
                same = ast.Eq() if isinstance(operator, ast.Is) else ast.NotEq()
                parts = [self.value(right).node]
                return Typed(ast.Compare(self.value(node.left).node, [same], parts), FLAG)
            if isinstance(operator, ast.In | ast.NotIn):
                found = self.contained(node.left, right)
                if isinstance(operator, ast.NotIn):
                    found = ast.UnaryOp(ast.Not(), found)
                return Typed(found, FLAG)
            if isinstance(right, ast.Constant) and isinstance(right.value, str):
                choice = ast.Attribute(ast.Name("ValueKind"), right.value.upper())
                return Typed(ast.Compare(self.value(node.left).node, node.ops, [choice]), FLAG)
        parts = [self.value(one).node for one in node.comparators]
        return Typed(ast.Compare(self.value(node.left).node, node.ops, parts), FLAG)

    def existence(self, node: ast.expr, operator: ast.cmpop) -> ast.expr | None:
        """Translate the question whether a body exists in this run; ``None`` if it is another."""
        bodies: dict[type, str] = {Panel: "has_panel", CentralAgency: "has_agency"}
        if (flag := bodies.get(self.value(node).kind.who or Person)) is None:
            return None
        self.need("run", "s.run[0]")
        test = fill(f"run.{flag} > 0")
        return test if isinstance(operator, ast.IsNot) else ast.UnaryOp(ast.Not(), test)

    def contained(self, one: ast.expr, many: ast.expr) -> ast.expr:
        """Translate ``one in many``."""
        if isinstance(many, ast.Tuple):
            left = self.value(one).node
            tests: list[ast.expr] = [
                ast.Compare(left, [ast.Eq()], [self.value(other).node]) for other in many.elts
            ]
            return ast.BoolOp(ast.Or(), tests) if len(tests) > 1 else tests[0]
        among = self.value(many)
        values = one.elts if isinstance(one, ast.Tuple) else [one]
        parts = [self.value(value).node for value in values]
        if among.kind == CHAIN:
            return call_of("linked", ast.Name("s"), among.node, *parts)
        if among.kind.name == "topics met":
            return call_of("is_met", ast.Name("s"), *parts)
        if among.kind.name == "topics adopted":
            self.need("run", "s.run[0]")
            return call_of("is_met", ast.Name("s"), fill("run.departments"), *parts)
        raise self.refused(many, f"`in {ast.unparse(many)}` is not known to the compiled engine")

    @value.register
    def _subscript(self, node: ast.Subscript) -> Typed:
        # Compiled code reads beyond the end of an array without an error.
        if self.method.custom:
            what = f"{ast.unparse(node)}: a place in a list or a dictionary may not be there"
            raise self.refused(node, what, "choose by if, elif and else")
        inner, places = node, [self.value(node.slice).node]
        while isinstance(inner.value, ast.Subscript):
            inner = inner.value
            places.insert(0, self.value(inner.slice).node)
        many = self.value(inner.value)
        place = places[0] if len(places) == 1 else ast.Tuple(places)
        if many.kind.name == "table":
            return Typed(ast.Subscript(many.node, place), NUMBER)
        if many.kind.name == "people":
            return Typed(place, person(Person))
        if many.kind.name == "leaders":
            return Typed(place, person(Leader))
        if many.kind.name == "all terms":
            return Typed(ast.Subscript(ast.parse("s.terms", mode="eval").body, place), TERMS_KIND)
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")

    # --- attributes -------------------------------------------------------------------------------

    @value.register
    def _attribute(self, node: ast.Attribute) -> Typed:
        if isinstance(node.value, ast.Name) and node.value.id not in self.local:
            return self.member(node, node.value.id)
        of = self.value(node.value)
        readers: dict[str, Callable[[ast.Attribute, Typed], Typed]] = {
            "model": self.of_model,
            "person": self.of_person,
            "idea": self.of_idea,
            "provision": self.of_provision,
        }
        if of.kind.name in readers:
            return readers[of.kind.name](node, of)
        name = node.attr
        if of.kind.name == "terms":
            # Parameters of custom rules are in columns that have numbers instead of names.
            name = self.calls.own_terms.get(name, name)
        columns = {"terms": TERMS.names, "week": WEEK.names}
        if of.kind.name in columns and name in (columns[of.kind.name] or ()):
            return Typed(ast.Attribute(of.node, name), NUMBER)
        if of.kind == FORUM and name == "model":
            return Typed(of.node, MODEL)
        if of.kind == SETTINGS and name in ("value_distribution", "lapsed_leave"):
            return Typed(ast.Attribute(of.node, name), NUMBER)
        if of.kind == STAGE and name == "queued":
            return Typed(fill("Stage.PERMISSION <= stage <= Stage.PANEL", stage=of.node), FLAG)
        near = did_you_mean(name, columns.get(of.kind.name) or ())
        told = f"{ast.unparse(node)} is not known to the compiled engine{near}"
        raise self.refused(node, told)

    def member(self, node: ast.Attribute, name: str) -> Typed:
        """Translate a code like ``Fate.ADOPTED``, or a number of ``math``."""
        if name in ENUMS and self.means(name, ENUMS[name]):
            return Typed(node, CODE)
        if self.is_math(node.value) and isinstance(getattr(math, node.attr, None), float):
            return Typed(node, NUMBER)
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")

    def is_math(self, node: ast.expr) -> bool:
        """Whether an expression is the module of mathematical functions."""
        return isinstance(node, ast.Name) and self.means(node.id, math)

    def of_model(self, node: ast.Attribute, of: Typed) -> Typed:
        """Translate what is read of the model."""
        if node.attr == "agency_open":
            return Typed(fill("agency_open(s)"), FLAG)
        known = CUSTOM_READS if self.method.custom else OF_MODEL
        if node.attr not in known:
            right = f"of the model, it knows {', '.join(sorted(known))}"
            raise self.refused(node, f"{ast.unparse(node)} is not known to the engine", right)
        text, kind = OF_MODEL[node.attr]
        if text.startswith("run.") or "[run." in text or text == "run":
            self.need("run", "s.run[0]")
        if text == "now":
            if "now" in self.assigned:  # by the method itself
                self.need("run", "s.run[0]")
                return Typed(fill("s.weeks[run.week]"), kind)
            self.need("now", "s.weeks[run.week]")
        return Typed(fill(text), kind)

    def row(self, of: Typed, table: str, name: str, mine: str) -> ast.expr:
        """Return the record of a person or idea; that of the method's own is set first."""
        given = isinstance(of.node, ast.Name) and of.node.id == mine and mine in self.given_names()
        if given and (name not in self.assigned or self.local.get(name, (mine,))[0] != name):
            self.need(name, f"s.{table}[{mine}]")
            return ast.Name(name)
        return ast.Subscript(fill(f"s.{table}"), of.node)

    def given_names(self) -> list[str]:
        """List the names of the function's parameters."""
        return [one.partition(":")[0] for one in self.given]

    def of_person(self, node: ast.Attribute, of: Typed) -> Typed:
        """Translate what is read of a person."""
        of = Typed(self.surely(of), of.kind)
        name, who = node.attr, of.kind.who or Person
        if not issubclass(who, OF_CLASS.get(name, object)):
            only = OF_CLASS[name].__name__
            raise self.refused(node, f"{ast.unparse(node)} is only there for a {only}")
        if (declared := self.declared(node, of)) is not None:
            return declared
        if name in OF_PERSON:
            text, kind = OF_PERSON[name]
            if text.startswith("run."):
                self.need("run", "s.run[0]")
            if name == "terms" and str(of) == "p" and "p" in self.given_names():
                self.need("terms", "s.terms[person.terms_row]")
                return Typed(ast.Name("terms"), kind)
            row = self.row(of, "people", "person", "p") if "{row}" in text else None
            return Typed(fill(text.replace("{row}", "row"), **({"row": row} if row else {})), kind)
        if name in PERSON_COLUMNS:
            row = self.row(of, "people", "person", "p")
            kind = {"b": FLAG, "u": KEY}.get(PERSON[name].kind, NUMBER)
            return Typed(ast.Attribute(row, name), kind)
        owner = owner_of(who, name)
        if owner is not None and isinstance(vars(owner)[name], property):
            called = call_of(self.calls.function(who, name), ast.Name("s"), of.node)
            return Typed(called, self.result(owner, name))
        found = self.calls.constants(who, name)
        if found and all(type(one) in (bool, int, float) and one == found[0] for one in found):
            return Typed(ast.Constant(found[0]), NUMBER)
        raise self.refused(
            node,
            f"{ast.unparse(node)} is not known to the compiled engine",
            self.kept_of(who, name),
        )

    def kept_of(self, who: type, name: str) -> str:
        """Return what may be written in the place of an attribute that a person does not have."""
        own = [*states_of(who), *traits_of(who)]
        kept = "what is kept of a person is " + ", ".join(sorted([*PERSON_COLUMNS, *own]))
        if not self.method.custom or owner_of(who, name) is not None:
            return kept
        return f"declare it in the body of the class: {name} = state(0.0); {kept}"

    def declared(self, node: ast.Attribute, of: Typed) -> Typed | None:
        """Translate a state or trait that a class declares; ``None`` if it is none."""
        who = of.kind.who or Person
        if node.attr in states_of(who):
            column = ast.Constant(self.calls.column(node.attr))
            return Typed(fill("s.own[column, p]", column=column, p=of.node), NUMBER)
        if (trait := traits_of(who).get(node.attr)) is not None:
            parts = ast.Constant(name_key(node.attr)), ast.Constant(self.calls.table(trait))
            return Typed(call_of("own_trait", ast.Name("s"), of.node, *parts), NUMBER)
        return None

    def of_idea(self, node: ast.Attribute, of: Typed) -> Typed:
        """Translate what is read of an idea."""
        of = Typed(self.surely(of), of.kind)
        name = node.attr
        if name == "author_present":
            return Typed(call_of("author_present", ast.Name("s"), of.node), FLAG)
        row = self.row(of, "ideas", "idea", "i")
        if name in OF_IDEA:
            text, kind = OF_IDEA[name]
            kind = self.known.get(ast.unparse(node), kind)
            return Typed(fill(text.replace("{row}", "row"), row=row), kind)
        if name in IDEA_COLUMNS and not (self.method.custom and name in COUNTED):
            kind = {"b": FLAG, "u": KEY}.get(IDEA[name].kind, NUMBER)
            return Typed(ast.Attribute(row, name), kind)
        right = "what is kept of an idea is " + ", ".join(sorted({*IDEA_COLUMNS} - {*COUNTED}))
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine", right)

    def of_provision(self, node: ast.Attribute, of: Typed) -> Typed:
        """Translate a determinant of what is provided for somebody."""
        if node.attr not in DETERMINANTS:
            raise self.refused(node, f"{node.attr} is none of {', '.join(DETERMINANTS)}")
        assert isinstance(of.node, ast.Call)
        called = call_of("provision", *of.node.args, ast.Name(node.attr.upper()))
        return Typed(called, NUMBER)

    # --- calls ------------------------------------------------------------------------------------

    @value.register
    def _call(self, node: ast.Call) -> Typed:
        if isinstance(node.func, ast.Name):
            return self.plain_call(node, node.func.id)
        if not isinstance(node.func, ast.Attribute):
            raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")
        name, owner = node.func.attr, node.func.value
        if isinstance(owner, ast.Call) and ast.unparse(owner) == "super()":
            function = self.calls.next_function(self.method.owner, name)
            following = next(o for o in self.method.owner.__mro__[1:] if name in vars(o))
            parts = [ast.Name("s"), ast.Name("p"), *self.arguments(node, following, name)]
            return Typed(call_of(function, *parts), self.result(following, name))
        if self.is_math(owner) and hasattr(math, name) and name != "pow":
            return Typed(ast.Call(node.func, self.numbers(node), []), NUMBER)
        to = self.value(owner)
        if to.kind in (RULES,):
            return Typed(ast.Call(ast.Attribute(to.node, name), self.for_rule(node), []), NUMBER)
        if name == "draw" and to.kind.name in ("model", "person"):
            return self.draw(node)
        if name == "draw_own" and to.kind.name == "person":
            return self.draw_own(node, to)
        if to.kind.name == "person":
            return self.on_person(node, to, name)
        if to.kind.name in ("model", "forum", "queues"):
            return self.on_world(node, to, name)
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")

    def numbers(self, node: ast.Call) -> list[ast.expr]:
        """Translate arguments that stand for themselves."""
        if node.keywords:
            raise self.refused(node, "arguments by name are not known to the engine here")
        values = [self.value(one) for one in node.args]
        if any(one.kind == CHOICE for one in values):
            raise self.refused(node, f"{ast.unparse(node)}: text is not known to the engine")
        return [one.node for one in values]

    def plain_call(self, node: ast.Call, name: str) -> Typed:
        """Translate a call of a function of numbers."""
        # In the module of a custom class, any name may mean something else.
        if name in self.local or not self.means(name, FUNCTIONS.get(name, ENUMS.get(name))):
            found = self.method.function().__globals__.get(name)
            if self.method.custom and isinstance(found, FunctionType) and name not in self.local:
                return self.call_of_rule(node, found)
            right = f"it knows {', '.join(FUNCTIONS)}, and the functions of math"
            raise self.refused(node, f"{name}() is not known to the compiled engine", right)
        if name == "len":
            return Typed(self.value(node.args[0]).node, NUMBER)
        if name in ENUMS:
            return Typed(self.value(node.args[0]).node, CODE)
        if name == "round" and len(node.args) > 1:
            raise self.refused(
                node, "round() to digits has other bits there", "round a whole number"
            )
        if ast.unparse(node) in ("float('inf')", "float('nan')"):
            return Typed(fill(f"math.{node.args[0].value}"), NUMBER)  # type: ignore[attr-defined]
        if name == "float" and self.is_flag(node.args[0]):
            return Typed(fill("1.0 if test else 0.0", test=self.truth(node.args[0])), NUMBER)
        if name == "bool":
            many = self.value(node.args[0])
            return Typed(fill("n > 0", n=many.node), FLAG)
        return Typed(call_of(name, *self.numbers(node)), NUMBER)

    def call_of_rule(self, node: ast.Call, function: FunctionType) -> Typed:
        """Translate a call of a function that is declared as a rule: others may do anything."""
        if not getattr(function, "is_rule", False):
            what = f"{function.__name__}() is not declared as a rule"
            raise self.refused(node, what, "add @rule above it, if it is one, or make it a method")
        if found := examine([function]):
            raise self.refused(node, f"{function.__name__}() is not a rule: {found[0]}")
        if node.keywords:
            raise self.refused(node, "arguments by name are not known to the engine here")
        return Typed(call_of(self.calls.rule(function), *self.for_rule(node)), NUMBER)

    def for_rule(self, node: ast.Call) -> list[ast.expr]:
        """Translate the arguments of a rule, which takes records."""
        return [self.record(one) for one in node.args]

    def record(self, node: ast.expr) -> ast.expr:
        """Translate an argument of a rule."""
        found = self.value(node)
        found = Typed(self.surely(found), found.kind)
        if found.kind.name == "idea":
            return self.row(found, "ideas", "idea", "i")
        if found.kind.name == "person":
            return self.row(found, "people", "person", "p")
        return found.node

    def is_flag(self, node: ast.expr) -> bool:
        """Whether an expression is true or false."""
        return isinstance(node, ast.BoolOp) or self.value(node).kind == FLAG

    def draw(self, node: ast.Call) -> Typed:
        """Translate a keyed draw, of one to three parts besides its purpose."""
        purpose, *parts = self.numbers(node)
        self.check_code(node.args[0])
        if not 1 <= len(parts) <= 3:
            raise self.refused(node, "a draw depends on one to three parts")
        function = ("draw", "draw2", "draw3")[len(parts) - 1]
        return Typed(call_of(function, ast.Name("s"), purpose, *parts), NUMBER)

    def check_code(self, node: ast.expr) -> None:
        """Refuse numbers where a code is due, such as ``Purpose.REVIEW``; custom methods may err.

        Raises:
            DialectError: if it is none, or stands for an idea that has not ended.
        """
        found = self.value(node)
        if self.method.custom and (
            found.kind not in (CODE, STAGE) or ast.unparse(node) == "Fate.IN_FLIGHT"
        ):
            raise self.refused(node, f"{ast.unparse(node)}: a code is due here")

    def draw_own(self, node: ast.Call, to: Typed) -> Typed:
        """Translate a draw for a purpose of an agent's own, of up to two parts besides its name."""
        name, *given = node.args
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)) or len(given) > 2:
            right = "write its name out; it may depend on up to two more parts"
            raise self.refused(node, f"{ast.unparse(node)} is not known to the engine", right)
        parts = [self.value(one).node for one in given]
        function = ("draw_own", "draw_own2", "draw_own3")[len(parts)]
        key = ast.Constant(name_key(name.value))
        return Typed(call_of(function, ast.Name("s"), to.node, key, *parts), NUMBER)

    def on_person(self, node: ast.Call, to: Typed, name: str) -> Typed:
        """Translate a call of a person's method."""
        who = to.kind.who or Person
        owner = owner_of(who, name)
        if owner is None:
            raise self.refused(node, f"{who.__name__} has no method {name}")
        parts = [ast.Name("s"), self.surely(to), *self.arguments(node, owner, name)]
        return Typed(call_of(self.calls.function(who, name), *parts), self.result(owner, name))

    def on_world(self, node: ast.Call, to: Typed, name: str) -> Typed:
        """Translate a call of a method of the model, the platform or the books of queues."""
        if name == "other_reviewer":
            return self.other_reviewer(node)
        owner = self.calls.world(to.kind.name)
        known = MODEL_CALLS if to.kind == MODEL else tuple(vars(owner))
        if self.method.custom:
            known = CUSTOM_CALLS if to.kind == MODEL else ()
        if name not in known:
            raise self.refused(node, f"{ast.unparse(node.func)}() is not known to the engine")
        parts = [ast.Name("s"), *self.arguments(node, owner, name)]
        return Typed(call_of(name, *parts), self.result(owner, name))

    def other_reviewer(self, node: ast.Call) -> Typed:
        """Translate the choice of another reviewer, with ranks that are left out."""
        layer, excluded, u = node.args
        first: ast.expr = ast.Name("NOBODY")
        also: ast.expr = ast.Name("NOBODY")
        if isinstance(excluded, ast.List):
            also = self.value(excluded.elts[0]).node
        else:
            first = self.value(excluded).node
        parts = [ast.Name("s"), self.value(layer).node, first, also, self.value(u).node]
        return Typed(call_of("other_reviewer", *parts), person(Reviewer, optional=True))

    def arguments(self, node: ast.Call, owner: type, name: str) -> list[ast.expr]:
        """Translate the arguments of a method; those left out have their defaults."""
        by_name = {one.arg: one.value for one in node.keywords}
        given = iter(node.args)
        found: list[ast.expr] = []
        method = AgentMethod(owner, name, name, NOTHING)
        for parameter, annotation, default in parameters(function_of(vars(owner)[name])):
            value = next(given, None) or by_name.get(parameter) or default
            if parameter in UNSEEN:
                if value is not default:
                    right = "derive it from the results, which both engines give"
                    raise self.refused(node, f"{parameter} is kept by the Mesa engine only", right)
                continue
            if value is None:
                raise self.refused(node, f"{name}() needs {parameter}")
            if annotation in CODES:
                self.check_code(value)
            of = self.value(value)
            if self.method.custom and annotation == "bool" and of.kind != FLAG:
                raise self.refused(node, f"{name}(): {parameter} is true or false")
            fitting = self.whole(of) if annotation == "int" else self.surely(of)
            found.append(of.node if may_be_none(method, parameter) else fitting)
        return found

    def whole(self, of: Typed) -> ast.expr:
        """Return a number for a parameter that takes whole ones: custom methods may err."""
        given = isinstance(of.node, ast.Constant) and isinstance(of.node.value, int)
        if not self.method.custom or of.kind != NUMBER or given:
            return of.node
        return call_of("whole_argument", of.node)

    def result(self, owner: type, name: str) -> Kind:
        """Return the kind of what a method returns."""
        method = AgentMethod(owner, name, name, NOTHING)
        annotation = inherited(method, "return", "")
        # Four numbers, of which one is read at once: the engine computes what is read.
        if annotation == "Provision":
            return PROVISION
        kind = ANNOTATED.get(annotation, NUMBER)
        return replace(kind, optional=may_be_none(method, "return"))


def _common(one: type | None, other: type | None) -> type:
    """Return the nearest class that two classes of people share."""
    return next(kind for kind in (one or Person).__mro__ if issubclass(other or Person, kind))
