"""The translation of statements, and so of whole methods.

The order in which things happen does not change on the way, nor does any operation on numbers. So
both engines give the same bits.
"""

from __future__ import annotations

import ast
import re
from functools import singledispatchmethod
from typing import TYPE_CHECKING

import numpy as np

from innovation_abm.agents import Leader, Person, Reviewer
from innovation_abm.agents.fields import states_of, traits_of
from innovation_abm.entities.idea import Idea
from innovation_abm.kernel.arrays import IDEA, PERSON
from innovation_abm.kernel.translation.dialect import (
    ANNOTATED,
    CHAIN,
    COLUMNS,
    CUSTOM_WRITES,
    ENUMS,
    FLAG,
    FORUM,
    IDEA_KIND,
    LEARNED,
    MODEL,
    NUMBER,
    QUEUE,
    QUEUES,
    RULES,
    SETTINGS,
    TERMS_KIND,
    UNSEEN,
    Typed,
    person,
)
from innovation_abm.kernel.translation.errors import in_words
from innovation_abm.kernel.translation.expressions import Expressions, call_of, fill
from innovation_abm.kernel.translation.methods import (
    AgentMethod,
    Calls,
    setter,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def translated(method: AgentMethod, calls: Calls) -> str:
    """Write a method as a function of the engine.

    Raises:
        DialectError: if it uses what the engine does not know; it says what, and where.
    """
    return Statements(method, calls).text()


class _Written(ast.stmt):
    """Statements of the engine among those that are still to be translated."""

    _fields = ()

    def __init__(self, statements: list[ast.stmt]) -> None:
        super().__init__()
        self.statements = statements


class Statements(Expressions):
    """The translation of one method.

    Attributes:
        depth: how many loops the statement stands in.
        loops: how many ``any`` and ``all`` there were so far.
    """

    depth = 0
    loops = 0

    def text(self) -> str:
        """Return the source of the function."""
        body = self.block(self.tree.body)
        first = ast.get_docstring(self.tree)
        lines = [f'"""{first.splitlines()[0]}"""'] if first else []
        said = [line for one in body for line in ast.unparse(one).splitlines()] or ["pass"]
        lines += [*self._records("\n".join(said)), *said]
        text = "\n".join(f"    {line}" for line in lines)
        return f"@compiled\ndef {self.method.written}({', '.join(self.given)}):\n{text}\n"

    def _records(self, said: str) -> list[str]:
        """Write what is set first: the records that are read, and before them what these need."""
        lines: list[str] = []
        for name in ("terms", "idea", "person", "now", "run"):
            if name in self.used and re.search(rf"\b{name}\b", "\n".join([*lines, said])):
                lines.insert(0, f"{name} = {self.used[name]}")
        return lines

    # --- statements -------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Translate statements that follow each other."""
        found: list[ast.stmt] = []
        for statement in statements:
            outer, self.before = self.before, []
            written = self.statement(statement)
            found += [*self.before, *written]
            self.before = outer
        return [ast.fix_missing_locations(one) for one in found]

    def filled(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Translate a block that may not be empty."""
        return self.block(statements) or [ast.Pass()]

    @singledispatchmethod
    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        """Translate a statement."""
        raise self.refused(
            node,
            f"{in_words(node)} is not known to the compiled engine",
            "write assignments, if, while, for, return and calls",
        )

    @statement.register
    def _written(self, node: _Written) -> list[ast.stmt]:
        return node.statements

    @statement.register
    def _assert(self, node: ast.Assert) -> list[ast.stmt]:
        test = node.test  # nothing to do; but it may say who somebody is
        if isinstance(test, ast.Call) and ast.unparse(test.func) == "isinstance":
            what, kind = test.args
            self.known[ast.unparse(what)] = ANNOTATED[ast.unparse(kind)]
        return []

    @statement.register(ast.Pass)
    @statement.register(ast.Break)
    @statement.register(ast.Continue)
    def _kept(self, node: ast.stmt) -> list[ast.stmt]:
        if not isinstance(node, ast.Pass):
            self.sure = None
        return [node]

    @statement.register
    def _return(self, node: ast.Return) -> list[ast.stmt]:
        if node.value is None:
            self.sure = None
            return [ast.Return()]
        self.leading = _looked_at_first(node.value)
        value = self.value(node.value).node
        self.sure = None
        if isinstance(value, ast.Attribute) and _is_code(value):
            value = ast.Attribute(value, "value")  # or the function would return codes and numbers
        return [ast.Return(value)]

    @statement.register
    def _if(self, node: ast.If) -> list[ast.stmt]:
        self.leading = _looked_at_first(node.test)
        test = self.truth(node.test)
        before = self.sure
        body = self.block(node.body)
        after, self.sure = self.sure, before
        other = self.block(node.orelse)
        if self.sure is None or after is None:
            self.sure = after if self.sure is None else self.sure
        else:
            self.sure &= after
        if not body and not other:
            return []
        return [ast.If(test, body or [ast.Pass()], other)]

    @statement.register
    def _while(self, node: ast.While) -> list[ast.stmt]:
        if node.orelse:
            raise self.refused(node, "else after a loop is not known to the compiled engine")
        self.repeated = True
        test = self.truth(node.test)
        self.repeated = False
        return [ast.While(test, self.looped(node.body), [])]

    def looped(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Translate the body of a loop, which may not be run at all."""
        before = self.sure
        self.depth += 1
        written = self.filled(statements)
        self.depth -= 1
        self.sure = before
        return written

    def of_loop(self, name: str) -> ast.expr:
        """Return a name for what a loop goes by; loops within others have names of their own."""
        return ast.Name(f"{name}_{self.depth + 1}" if self.depth else name)

    @statement.register
    def _expr(self, node: ast.Expr) -> list[ast.stmt]:
        if isinstance(node.value, ast.Constant):
            return []  # the docstring, which is written by itself
        if not isinstance(node.value, ast.Call):
            raise self.refused(node, "an expression alone does nothing")
        if isinstance(node.value.func, ast.Attribute):
            owner, name = node.value.func.value, node.value.func.attr
            if name == "record":
                return []  # the compiled engine has no table of events
            if name in ("append", "add"):
                return self.added(node.value, owner)
        return [ast.Expr(self.value(node.value).node)]

    @statement.register
    def _annassign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if node.value is None:
            raise self.refused(node, "a variable without a value")
        return self.assignment(node.target, node.value)

    @statement.register
    def _assign(self, node: ast.Assign) -> list[ast.stmt]:
        if len(node.targets) > 1:
            if self.method.custom:
                raise self.refused(node, "several are set at once", "write a line for each")
            value = self.value(node.value)
            places = [self.place(target) for target in node.targets]
            return [ast.Assign(places, value.node)]
        (target,) = node.targets
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            self.check_order(target, node.value)
            pairs = zip(target.elts, node.value.elts, strict=True)
            return [one for left, right in pairs for one in self.assignment(left, right)]
        return self.assignment(target, node.value)

    def check_order(self, targets: ast.Tuple, values: ast.Tuple) -> None:
        """Refuse ``a, b = b, a``: what is written sets one after the other.

        Raises:
            DialectError: if a value reads what is set before it.
        """
        for place, value in enumerate(values.elts):
            read = {ast.unparse(node) for node in ast.walk(value)}
            if read & {ast.unparse(before) for before in targets.elts[:place]}:
                raise self.refused(value, "a value reads what is set beside it", "set it before")

    def assignment(self, target: ast.expr, value: ast.expr) -> list[ast.stmt]:
        """Translate ``target = value``."""
        if isinstance(target, ast.Attribute):
            if target.attr in UNSEEN and not self.method.custom:
                return []
            if self.method.custom and target.attr in LEARNED:
                raise self.refused(target, f"{target.attr} changes by 1 only", "write += 1")
            if isinstance(value, ast.List) and not value.elts:
                return [ast.Assign([self.place(target)], ast.Name("NOBODY"))]
            if (kept := self.state_set(target, value)) is not None:
                return [kept]
            return [ast.Assign([self.place(target)], self.stored(target, self.value(value)))]
        if not isinstance(target, ast.Name):
            raise self.refused(target, f"an assignment to {ast.unparse(target)}")
        if isinstance(value, ast.Call) and ast.unparse(value.func) == Idea.__name__:
            return self.new_idea(target.id, value)
        self.leading = _looked_at_first(value)
        found = self.value(value)
        self.set(target.id)
        written = "i" if found.kind.name == "idea" and target.id == "idea" else self.safe(target.id)
        if written == "i" and "i" in self.given_names():
            right = "give the other idea another name"
            raise self.refused(target, "the idea that a method is given stays the same", right)
        if found.kind in (RULES, MODEL, QUEUES, FORUM, SETTINGS):
            self.local[target.id] = (str(found), found.kind)  # another name of the same: no code
            return []
        if isinstance(found.node, ast.Name) and found.node.id == written and written in self.used:
            self.local[target.id] = (written, found.kind)
            return []
        self.local[target.id] = (written, found.kind)
        return [ast.Assign([ast.Name(written)], found.node)]

    def state_set(self, target: ast.Attribute, value: ast.expr) -> ast.stmt | None:
        """Translate what sets a state that a class declares; ``None`` if it is another attribute.

        Raises:
            DialectError: if it is a trait, which stays as it was drawn.
        """
        of = self.value(target.value)
        who = of.kind.who or Person
        if target.attr in traits_of(who):
            right = "declare what changes with state(...)"
            raise self.refused(target, f"{ast.unparse(target)} stays as it was drawn", right)
        if target.attr not in states_of(who):
            return None
        function = setter(states_of(who)[target.attr])
        parts = [ast.Name("s"), self.surely(of), self.value(value).node]
        return ast.Expr(call_of(function, *parts))

    def new_idea(self, name: str, call: ast.Call) -> list[ast.stmt]:
        """Translate the conception of an idea: a new record, filled column by column."""
        self.local[name] = ("i", IDEA_KIND)
        self.set(name)
        made: list[ast.stmt] = [ast.Assign([ast.Name("i")], fill("next_idea(s)"))]
        for given in call.keywords:
            if given.arg == "number":
                continue
            target = ast.Attribute(fill("s.ideas[i]"), str(given.arg))
            made.append(ast.Assign([target], self.value(given.value).node))
        return [*made, ast.Expr(fill("start_idea(s, i)"))]

    def place(self, target: ast.expr) -> ast.expr:
        """Translate what is assigned to."""
        if isinstance(target, ast.Name):
            self.local.setdefault(target.id, (self.safe(target.id), NUMBER))
            self.set(target.id)
            return ast.Name(self.local[target.id][0])
        if isinstance(target, ast.Attribute):
            if self.method.custom:
                self.check_place(target)
            return self.value(target).node
        raise self.refused(target, f"an assignment to {ast.unparse(target)}")

    def check_place(self, target: ast.Attribute) -> None:
        """Refuse to set what follows from what happens.

        Raises:
            DialectError: if it does.
        """
        of = self.value(target.value).kind.name
        if target.attr not in CUSTOM_WRITES.get(of, ()):
            known = ", ".join(CUSTOM_WRITES.get(of, ())) or "nothing"
            what = f"{ast.unparse(target)} may not be set here"
            right = f"what may be set is {known}"
            if of == "person" and target.attr not in COLUMNS:
                right = f"declare it in the body of the class: {target.attr} = state(0.0); {right}"
            raise self.refused(target, what, right)

    def stored(self, target: ast.Attribute, value: Typed) -> ast.expr:
        """Return what is stored in a column; that custom methods store is proved to fit."""
        record = {"person": PERSON, "idea": IDEA}.get(self.value(target.value).kind.name)
        if not self.method.custom or record is None or target.attr in LEARNED:
            return value.node
        column = record[target.attr]
        if column.kind == "b" and value.kind != FLAG:
            raise self.refused(target, f"{target.attr} is true or false")
        if column.kind != "i":
            return value.node
        low = 0 if target.attr in ("slots", "business", "trials") else np.iinfo(column).min
        bounds = (ast.Constant(int(low)), ast.Constant(int(np.iinfo(column).max)))
        return call_of("whole", value.node, *bounds)

    @statement.register
    def _augassign(self, node: ast.AugAssign) -> list[ast.stmt]:
        before: list[ast.stmt] = []
        if isinstance(node.target, ast.Attribute) and node.target.attr in LEARNED:
            if not (isinstance(node.value, ast.Constant) and node.value.value == 1):
                raise self.refused(node, f"{node.target.attr} changes by 1 only", "write += 1")
            who = self.value(node.target.value)
            before = [ast.Expr(fill("touch(s, who)", who=who.node))]
        if self.method.custom and isinstance(node.target, ast.Attribute):
            changed = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
            if (kept := self.state_set(node.target, changed)) is not None:
                return [kept]
            place = self.place(node.target)
            return [*before, ast.Assign([place], self.stored(node.target, self.value(changed)))]
        if isinstance(node.target, ast.Name):
            self.value(node.target)  # which has to be set before
        value, place = self.value(node.value).node, self.place(node.target)
        assert isinstance(place, ast.Name | ast.Attribute)
        return [*before, ast.AugAssign(place, node.op, value)]

    def added(self, call: ast.Call, owner: ast.expr) -> list[ast.stmt]:
        """Translate what is added to a list, a queue, a chain, a calendar or a set."""
        if self.method.custom and not ast.unparse(owner).endswith((".endorsers", ".visited")):
            raise self.refused(call, f"{ast.unparse(owner)} is a list of the model's own")
        if isinstance(owner, ast.Call):  # calendar.setdefault(week, []).append(idea)
            calendar = self.value(owner.func.value)  # type: ignore[attr-defined]
            parts = [self.value(owner.args[0]).node, self.value(call.args[0]).node]
            return [ast.Expr(call_of("put_off", ast.Name("s"), calendar.node, *parts))]
        to = self.value(owner)
        one = call.args[0]
        values = list(one.elts) if isinstance(one, ast.Tuple) else [one]
        parts = [self.value(value).node for value in values]
        if to.kind == CHAIN:
            parts += [ast.Constant(0)] * (2 - len(parts))
            return [ast.Assign([to.node], call_of("link", ast.Name("s"), to.node, *parts))]
        if to.kind == QUEUE:
            holder = self.value(owner.value)  # type: ignore[attr-defined]
            return [ast.Expr(call_of("enqueue", ast.Name("s"), *parts, holder.node))]
        if to.kind.name == "topics met":
            return [ast.Expr(call_of("meet", ast.Name("s"), *parts))]
        if to.kind.name == "list":
            return self.listed(to, parts)
        raise self.refused(call, f"{ast.unparse(owner)} cannot be added to")

    def listed(self, to: Typed, parts: list[ast.expr]) -> list[ast.stmt]:
        """Append to a list: an array, and how far it is filled."""
        self.need("run", "s.run[0]")
        length = ast.Attribute(ast.Name("run"), to.kind.array)
        places: list[ast.expr] = [length]
        if len(parts) > 1:
            places = [ast.Tuple([length, ast.Constant(column)]) for column in range(len(parts))]
        made: list[ast.stmt] = [
            ast.Assign([ast.Subscript(to.node, place)], part)
            for place, part in zip(places, parts, strict=True)
        ]
        return [*made, ast.AugAssign(length, ast.Add(), ast.Constant(1))]

    @statement.register
    def _for(self, node: ast.For) -> list[ast.stmt]:
        if node.orelse:
            raise self.refused(node, "else after a loop is not known to the compiled engine")
        if isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range":
            before = self.sure
            bounds = [self.value(one).node for one in node.iter.args]
            target = self.place(node.target)
            body = self.looped(node.body)
            self.sure = before
            return [ast.For(target, call_of("range", *bounds), body, [])]
        if not isinstance(node.target, ast.Name | ast.Tuple):
            raise self.refused(node, f"a loop that sets {ast.unparse(node.target)}")
        if isinstance(node.iter, ast.Call) and not self.method.custom:
            return self.over_calendar(node, node.iter)
        many = self.value(node.iter)
        if many.kind == CHAIN:
            return self.over_chain(node, many)
        if many.kind == QUEUE:
            return self.over_queue(node)
        return self.over_people(node, many)

    def over_people(self, node: ast.For, many: Typed) -> list[ast.stmt]:
        """Translate a loop over people, or over the terms of all departments."""
        if not isinstance(node.target, ast.Name):
            raise self.refused(node, f"a loop that sets {ast.unparse(node.target)}")
        name, written = node.target.id, self.safe(node.target.id)
        at = self.of_loop("place")
        loops = {
            "people": (fill("range(n)", n=many.node), "", person(Person)),
            "leaders": (fill("range(n)", n=many.node), "", person(Leader)),
            "members": (fill("range(n)", n=many.node), "s.reviewers[place]", person(Reviewer)),
            "reviewers": (fill("range(n)", n=many.node), "s.reviewers[place]", person(Reviewer)),
            "all terms": (fill("range(s.terms.size)"), "s.terms[place]", TERMS_KIND),
        }
        if many.kind.name not in loops:
            raise self.refused(node, f"a loop over {ast.unparse(node.iter)}")
        numbers, one, kind = loops[many.kind.name]
        before = self.sure
        self.local[name] = (written, kind)
        self.set(name)
        body = self.looped(node.body)
        self.sure = before
        if one:
            body.insert(0, ast.Assign([ast.Name(written)], fill(one, place=at)))
        return [ast.For(at if one else ast.Name(written), numbers, body, [])]

    def over_calendar(self, node: ast.For, call: ast.Call) -> list[ast.stmt]:
        """Translate a loop over what comes due in a week."""
        assert isinstance(node.target, ast.Name)
        calendar = self.value(call.func.value)  # type: ignore[attr-defined]
        first = fill(
            "calendar[week, 0]", calendar=calendar.node, week=self.value(call.args[0]).node
        )
        before = self.sure
        self.local[node.target.id] = ("i", IDEA_KIND)
        self.set(node.target.id)
        step = [ast.Assign([ast.Name("i")], ast.Name("following"))]
        ahead = [
            ast.Assign([ast.Name("following")], fill("s.due_next[i]")),
            ast.Assign([fill("s.due_next[i]")], ast.Name("FREE")),
        ]
        loop = ast.While(fill("i != NOBODY"), [*ahead, *self.looped(node.body), *step], [])
        self.sure = before
        return [ast.Assign([ast.Name("i")], first), loop]

    def over_queue(self, node: ast.For) -> list[ast.stmt]:
        """Translate a loop over the ideas that wait in somebody's queue."""
        if not isinstance(node.target, ast.Name):
            raise self.refused(node, f"a loop that sets {ast.unparse(node.target)}")
        assert isinstance(node.iter, ast.Attribute)
        name = f"{node.target.id}_waiting"  # an idea that the method is given has another name
        of = self.value(node.iter.value)
        following, before = self.of_loop("following"), self.sure
        self.local[node.target.id] = (name, IDEA_KIND)
        self.set(node.target.id)
        row = self.row(Typed(self.surely(of), of.kind), "people", "person", "p")
        first = [ast.Assign([following], ast.Attribute(row, "queue_first"))]
        step: list[ast.stmt] = [
            ast.Assign([ast.Name(name)], following),
            ast.Assign([following], fill("s.ideas[i].next", i=ast.Name(name))),
        ]
        more = fill("following != NOBODY", following=following)
        loop = ast.While(more, [*step, *self.looped(node.body)], [])
        self.sure = before
        return [*first, loop]

    def over_chain(self, node: ast.For, chain: Typed) -> list[ast.stmt]:
        """Translate a loop over posts and tenures of a chain."""
        if not isinstance(node.target, ast.Tuple):
            raise self.refused(node, f"a loop that sets {ast.unparse(node.target)}")
        at, before = self.of_loop("at"), self.sure
        names = [target.id for target in node.target.elts if isinstance(target, ast.Name)]
        taken: list[ast.stmt] = []
        for name, column in zip(names, ("post", "tenure"), strict=True):
            self.local[name] = (self.safe(name), NUMBER)
            self.set(name)
            written = ast.Name(self.safe(name))
            taken.append(ast.Assign([written], fill(f"s.nodes[at].{column}", at=at)))
        taken.append(ast.Assign([at], fill("s.nodes[at].next", at=at)))
        loop = ast.While(fill("at != NOBODY", at=at), [*taken, *self.looped(node.body)], [])
        self.sure = before
        return [ast.Assign([at], chain.node), loop]

    # --- calls that need statements of their own --------------------------------------------------

    def plain_call(self, node: ast.Call, name: str) -> Typed:
        """Translate a call of a function of numbers, or ``any(...)`` and ``all(...)``."""
        if name in ("any", "all") and isinstance(node.args[0], ast.GeneratorExp):
            return self.any_or_all(node, node.args[0], name)
        return super().plain_call(node, name)

    def any_or_all(self, node: ast.Call, many: ast.GeneratorExp, name: str) -> Typed:
        """Translate ``any(... for idea in ...)``: a loop before the statement that it stands in."""
        source = many.generators[0]
        alone = len(many.generators) == 1 and not source.ifs
        first = any(node is one for one in self.leading)
        if not alone or not first or not isinstance(source.target, ast.Name) or self.repeated:
            raise self.refused(node, f"{name}() is not known to the compiled engine here")
        self.loops += 1
        found = f"{name}_{self.loops}"
        end: list[ast.stmt] = [
            ast.Assign([ast.Name(found)], ast.Constant(name == "any")),
            ast.Break(),
        ]
        test = many.elt if name == "any" else ast.UnaryOp(ast.Not(), many.elt)
        marked = _Written(end)
        loop = ast.For(source.target, source.iter, [ast.If(test, [marked], [])], [])
        self.before.append(ast.Assign([ast.Name(found)], ast.Constant(name == "all")))
        written = self.statement(ast.copy_location(loop, node))
        self.before.extend(written)
        return Typed(ast.Name(found), FLAG)


def _looked_at_first(node: ast.expr) -> list[ast.expr]:
    """List the parts of an expression before which nothing else of it is done."""
    if isinstance(node, ast.BoolOp):
        return _looked_at_first(node.values[0])
    if isinstance(node, ast.UnaryOp):
        return _looked_at_first(node.operand)
    if isinstance(node, ast.IfExp):
        return _looked_at_first(node.test)
    return [node]


def _is_code(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ENUMS
