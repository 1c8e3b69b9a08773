"""Verdicts of people: in one week, one idea, one post is endorsed or refused by somebody real.

Where a scenario holds a verdict, it stands in the place of the simulated one. All else, the luck of
every other decision included, stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from innovation_abm.errors import MOST, InnovationAbmError, listed, shown
from innovation_abm.reading.plain_numbers import of_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAME: Final = re.compile(r"w([1-9][0-9]{0,8})-p(0|[1-9][0-9]{0,8})", re.ASCII)
"""The name of an idea: the week in which it is conceived, and its author's post."""
KEYS: Final = ("week", "idea", "post", "endorse")


class VerdictError(InnovationAbmError):
    """A verdict is not valid."""


class Verdict(BaseModel):
    """What somebody decides about an idea, instead of the simulated holder of a post.

    It counts for whatever the post judges of the idea in that week: a review, a request for
    permission, a vote of the panel, or the end of a pilot; but not for the author's own judgement
    before the idea is voiced. If the post does not judge the idea in that week, it has no effect.

    Attributes:
        week: the week (1 is the run's first).
        idea: name of the idea, for example ``"w3-p17"``: conceived in week 3 by post 17.
        post: the post that judges it.
        endorse: whether the idea is endorsed; else it is refused.

    Raises:
        VerdictError: if a value is not of its kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    week: int
    idea: str
    post: int
    endorse: bool

    def __init__(self, **entry: Any) -> None:  # noqa: ANN401 - checked by pydantic
        kinds = {"week": "int", "post": "int", "endorse": "bool"}
        plain = {key: of_kind(kinds.get(key, ""), value) for key, value in entry.items()}
        try:
            super().__init__(**plain)
        except ValidationError as error:
            faults = sorted({_fault(fault) for fault in error.errors()[:MOST]})
            raise VerdictError(listed(faults)) from None
        if NAME.fullmatch(self.idea) is None:
            raise VerdictError(f"idea = {shown(self.idea)}: must be a name such as w3-p17")

    @property
    def born(self) -> int:
        """The week in which the idea is conceived."""
        return self._numbers()[0]

    @property
    def author(self) -> int:
        """The post of the idea's author."""
        return self._numbers()[1]

    @property
    def key(self) -> int:
        """The idea's key in draws, as :class:`~innovation_abm.entities.idea.Idea` has it."""
        week, author = self._numbers()
        return week << 32 | author

    def _numbers(self) -> tuple[int, int]:
        found = NAME.fullmatch(self.idea)
        assert found is not None
        return int(found[1]), int(found[2])


def _fault(fault: Mapping[str, Any]) -> str:
    key = str(fault["loc"][0])
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{shown(key)} is not part of a verdict; must be {', '.join(KEYS)}"
    allowed = {"idea": "a name such as w3-p17", "endorse": "true or false"}
    return f"{key} = {shown(fault['input'])}: must be {allowed.get(key, 'a whole number')}"


def verdict_faults(verdicts: Sequence[Verdict], weeks: int, at_once: bool) -> Iterable[str]:
    """Check verdicts together, and against the length of the run.

    Args:
        verdicts: the verdicts.
        weeks: the length of the run.
        at_once: whether ideas may be decided on in the week in which they are conceived.
    """
    seen: dict[tuple[int, int, int], int] = {}
    for number, one in enumerate(verdicts, 1):
        where = f"verdict {number}"
        if not 1 <= one.week <= weeks:
            yield f"{where}: week = {one.week}: must be a week of the run, 1 to {weeks}"
        elif one.week < one.born + (not at_once):
            earliest = "in or after" if at_once else "after"
            right = f"must be {earliest} week {one.born}, in which {one.idea} is conceived"
            yield f"{where}: week = {one.week}: {right}"
        if one.post < 0:
            yield f"{where}: post = {one.post}: must be 0 or more"
        first = seen.setdefault((one.week, one.key, one.post), number)
        if first != number:
            yield f"{where}: is about the same week, idea and post as verdict {first}; keep one"


def post_fault(verdicts: Iterable[Verdict], people: int) -> str:
    """Return which verdict names a post that a chart does not have; "" if none does."""
    for number, one in enumerate(verdicts, 1):
        if one.post >= people:
            return f"verdict {number}: post = {one.post}: must be a post, 0 to {people - 1}"
        if one.author >= people:
            told = f"post {one.author} must be one of the chart's, 0 to {people - 1}"
            return f"verdict {number}: idea = {shown(one.idea)}: {told}"
    return ""


def verdicts_from(entries: object) -> Iterable[Verdict]:
    """Read the verdicts of a scenario file.

    Raises:
        VerdictError: if one is not valid; it says which.
    """
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise VerdictError("verdict: write each verdict under a line [[verdict]]")
    for number, entry in enumerate(entries, 1):
        try:
            yield Verdict(**entry)
        except VerdictError as error:
            raise VerdictError(f"verdict {number}: {error}") from None
