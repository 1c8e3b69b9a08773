"""Pickles of models whose rules and agents come from files, which no module to import has."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, SupportsIndex

from innovation_abm.organization.organization import Role
from innovation_abm.rules.files import FileRules, modules_of, roles_of

if TYPE_CHECKING:
    from innovation_abm.agents import Person
    from innovation_abm.agents.module import Module
    from innovation_abm.rules.book import RuleBook


def pickled(model: object, book: RuleBook) -> bytes:
    """Return a pickle that can be opened wherever the package is installed.

    Args:
        model: what to pickle.
        book: its rules. Classes that come with them from files are pickled as places in the book,
            which is pickled as the text of its files.
    """
    stream = io.BytesIO()
    _Pickler(stream, model, book).dump(model)
    return stream.getvalue()


def reduced(model: object, book: RuleBook, protocol: SupportsIndex) -> Any:  # noqa: ANN401
    """Return how :mod:`pickle` is to make a model again; see :func:`pickled`."""
    if isinstance(book, FileRules):
        return pickle.loads, (pickled(model, book),)
    return object.__reduce_ex__(model, protocol)


class _Pickler(pickle.Pickler):
    """Pickles classes from a file as places in their rule book, which holds the text."""

    def __init__(self, stream: io.BytesIO, model: object, book: RuleBook) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self._model, self._book = model, book
        self._places: dict[type, Role | int] = {}
        if isinstance(book, FileRules):
            self._places |= {kind: role for role, kind in roles_of(book).items()}
            self._places |= {kind: place for place, kind in enumerate(modules_of(book))}

    def reducer_override(self, thing: Any) -> Any:  # noqa: ANN401 - whatever a model holds
        if thing is self._model:  # part by part
            return object.__reduce_ex__(thing, pickle.HIGHEST_PROTOCOL)
        place = self._places.get(thing) if isinstance(thing, type) else None
        return NotImplemented if place is None else (_class_of, (self._book, place))


def _class_of(book: RuleBook, place: Role | int) -> type[Person | Module]:
    return roles_of(book)[place] if isinstance(place, Role) else modules_of(book)[place]
