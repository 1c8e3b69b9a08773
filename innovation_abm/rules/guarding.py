"""Checks of what a rule returns, at every call: a result out of its range ends the run.

The model draws with chances and continues with states: one that is not a number, or out of range,
would make meaningless results. The shipped rules keep to their ranges whatever the parameters, so
only other rules are checked; and all rules, where agents are not the shipped ones, for these may
pass anything to a rule.

The compiled engine does the same, see :mod:`innovation_abm.kernel.compiling`.
"""

from __future__ import annotations

from dataclasses import fields
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from innovation_abm.rules.book import ANSWERS, SHIPPED, RuleBook, RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOWHERE = -1
"""In the place of a post, or of a week, where a rule is given neither person nor idea."""


class OutOfRangeError(RuleError):
    """A rule returned a value out of its range.

    Attributes:
        rule: name of the rule.
        value: what it returned.
        post: post of the person, or of the idea's author, whom it was asked about.
        born: week of the idea that it was asked about; :data:`NOWHERE` if none.
    """

    def __init__(self, rule: str, value: object, post: int = NOWHERE, born: int = NOWHERE) -> None:
        """Note what happened; it is raised by compiled code, too."""
        super().__init__(rule, value, post, born)
        self.rule, self.value, self.post, self.born = rule, value, int(post), int(born)

    def __str__(self) -> str:
        """Return the message as far as it is known without the rule book and the week."""
        return self.told("")

    def told(self, where: str) -> str:
        """Return what is wrong, where, and what is allowed."""
        answer = ANSWERS[self.rule]
        at = f" ({where})" if where else ""
        return f'the rule "{self.rule}" returned {_plain(self.value)}{at}: {answer.allowed}'

    def within(self, book: RuleBook, week: int) -> RuleError:
        """Return the error for those who ran the model.

        Args:
            book: the rules of the run.
            week: week of the run, 0 before the first.
        """
        shipped = getattr(book, self.rule) is getattr(RuleBook, self.rule)
        parts = [_place(getattr(book, self.rule), self.rule), f"week {week}"]
        if self.born != NOWHERE:
            parts.append(f"the idea that post {self.post} had in week {self.born}")
        elif self.post != NOWHERE:
            parts.append(f"post {self.post}")
        told = self.told("; ".join(part for part in parts if part))
        if shipped:  # which only custom agents can make fail
            told += f"; {self.rule} is a shipped rule: your agents changed what is passed to it"
        return RuleError(told)


def _place(function: Any, rule: str) -> str:  # noqa: ANN401 - a rule
    """Return where a rule is that is not the shipped one, with its name if that differs."""
    code = getattr(function, "__code__", None)
    if code is None or function is getattr(RuleBook, rule):
        return ""
    named = "" if code.co_name == rule else f"{code.co_name} in "
    return f"{named}{Path(code.co_filename).name}, line {code.co_firstlineno}"


def _plain(value: object) -> str:
    """Write a value as Python does, whatever kind of number it is."""
    item = getattr(value, "item", None)
    return repr(item() if item is not None and getattr(value, "ndim", None) == 0 else value)


class GuardedBook(RuleBook):
    """A rule book whose rules check what they return.

    Attributes:
        given: the rule book itself.
        every: whether the shipped rules are checked, too.
    """

    given: RuleBook
    every: bool

    def __reduce__(self) -> tuple[Callable[..., RuleBook], tuple[RuleBook, bool]]:
        """Pickle it as the book that it was made from."""
        return guarded, (self.given, self.every)


def unguarded(rules: RuleBook | None) -> RuleBook:
    """Return the rule book that a guarded one was made from; the shipped one for ``None``."""
    return rules.given if isinstance(rules, GuardedBook) else rules or SHIPPED


def guarded(book: RuleBook, every: bool = False) -> RuleBook:
    """Return a rule book that raises :class:`OutOfRangeError` for a result out of range.

    Args:
        book: the rules.
        every: whether the shipped rules among them are checked, too.
    """
    if isinstance(book, GuardedBook):
        return book
    names = [one.name for one in fields(RuleBook)]
    held = [name for name in names if every or not is_shipped(book, name)]
    if not held:
        return book
    return holding(book, {name: _guard(name, getattr(book, name)) for name in held}, every)


def holding(book: RuleBook, guards: Mapping[str, Callable[..., Any]], every: bool) -> GuardedBook:
    """Return a book with ``guards`` in the place of some rules, which nothing guards again."""
    made = object.__new__(GuardedBook)
    rules = {one.name: getattr(book, one.name) for one in fields(RuleBook)}
    for name, value in {**rules, **guards, "given": book, "every": every}.items():
        object.__setattr__(made, name, value)  # a rule book is frozen
    return made


def is_shipped(book: RuleBook, rule: str) -> bool:
    """Whether a rule of a book is the shipped one."""
    return getattr(book, rule) is getattr(RuleBook, rule)


def _guard(rule: str, function: Callable[..., Any]) -> Callable[..., Any]:
    low, high, _ = ANSWERS[rule]

    def answer(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the rule takes and gives
        value = function(*arguments)
        if type(value) is float and low <= value <= high:
            return value
        if not _is_number(value) or not low <= value <= high:
            raise OutOfRangeError(rule, value, *_whom(arguments))
        return value

    return answer


def _is_number(value: object) -> bool:
    """Whether a value is one real number, of Python or NumPy."""
    import numpy as np

    return isinstance(value, Real | np.bool_)


def _whom(arguments: tuple[Any, ...]) -> tuple[int, int]:
    """Return post and week of the idea that a rule was asked about, or the post of the person."""
    for one in arguments:
        if hasattr(one, "author"):
            return one.author.post, one.week
    for one in arguments:
        if hasattr(one, "post"):
            return one.post, NOWHERE
    return NOWHERE, NOWHERE
