"""The parts of a study file. Each is checked in full and reports all its mistakes at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from innovation_abm.errors import (
    MOST,
    InnovationAbmError,
    did_you_mean,
    listed,
    shortened,
    unknown,
)
from innovation_abm.reading.plain_numbers import of_kind, plain, plain_within
from innovation_abm.reading.toml_files import TomlError, read_toml

if TYPE_CHECKING:
    from innovation_abm.scenario.parameters import Parameter

Value = float | int | bool | str
"""A value of a factor or a parameter."""

_MOST_ENTRIES: Final = 2_000
"""Most parts that a list may have: factors, levels, parameters, targets."""


@dataclass(frozen=True)
class StudyFault:
    """One mistake in a study.

    Attributes:
        text: what is wrong, and what is allowed.
        place: where it is, outermost part first: ``("factor 2 (span)", "level 1 (flat)")``.
        about: keys of the part that it is about. If one of them is itself wrong, that is reported
            instead.
    """

    text: str
    place: tuple[str, ...] = ()
    about: frozenset[str] = frozenset()

    def within(self, *place: str) -> StudyFault:
        """Return the fault as one of a larger part, in which the smaller part is at ``place``."""
        return replace(self, place=(*place, *self.place), about=frozenset())

    def __str__(self) -> str:
        return ": ".join((*self.place, self.text))


class StudyError(InnovationAbmError):
    """A study or its file is not valid.

    Attributes:
        faults: every mistake that was found; the message lists them all.
        source: the file, or whatever else was read; empty if nothing was read.
    """

    def __init__(self, faults: Sequence[StudyFault] | str, source: str = "") -> None:
        """Join one or more faults into one message."""
        self.faults = (StudyFault(faults),) if isinstance(faults, str) else tuple(faults)
        self.source = source
        super().__init__(listed([str(fault) for fault in self.faults], source))

    def __reduce__(self) -> tuple[type[StudyError], tuple[tuple[StudyFault, ...], str]]:
        """Make the error picklable, with its faults."""
        return type(self), (self.faults, self.source)


def about(text: str, *keys: str) -> StudyFault:
    """Return a fault about some keys of a part."""
    return StudyFault(text, about=frozenset(keys))


def read_parts(text: str, source: str, lists: Iterable[str]) -> dict[str, Any]:
    """Read TOML.

    Args:
        text: the TOML.
        source: its name in errors.
        lists: sections that may appear several times.

    Raises:
        StudyError: if it is not valid TOML, with the line and any brackets that may be missing.
    """
    try:
        return read_toml(text)
    except TomlError as error:
        at = re.search(r"at line (\d+)", str(error))
        line = text.split("\n")[int(at[1]) - 1] if at else ""
        heads = (f"[[{name}]]" for name in lists if line.strip(" []") == name)
        advice = "".join(f"; write {head}, with two brackets, each time" for head in heads)
        raise StudyError(f"{error}{advice}", source) from None


def one_of(names: Iterable[object]) -> str:
    """Describe a choice between some names."""
    return "one of " + ", ".join(f'"{name}"' for name in names)


def shown(value: object) -> str:
    """Return a value as TOML writes it, shortened if it is long."""
    try:
        return shortened(_toml(value))
    except (ValueError, RecursionError):  # a whole number of thousands of digits; circles
        return f"a value of type {type(value).__name__} that is too long to show"


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case float() | int():
            return f"{value}"
        case list() | tuple():
            return f"[{', '.join(_toml(one) for one in value)}]"
        case Mapping():
            return f"{{{', '.join(f'{key} = {_toml(one)}' for key, one in value.items())}}}"
        case _:
            return str(value)


def allows(parameter: Parameter, value: object) -> bool:
    """Whether a parameter accepts a value."""
    value = of_kind(parameter.kind, value)
    if parameter.kind == "bool":
        return isinstance(value, bool)
    if parameter.kind == "choice":
        return value in parameter.choices
    if parameter.kind == "text":
        return isinstance(value, str) and bool(value.strip())
    numbers = int if parameter.kind == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, numbers):
        return False
    assert parameter.low is not None and parameter.high is not None
    return bool(parameter.low <= value <= parameter.high)


def is_strength(value: object) -> bool:
    """Whether a value is a valid strength of a lever."""
    value = plain(value)
    return not isinstance(value, bool) and isinstance(value, int | float) and 0.0 <= value <= 1.0


STRENGTH: Final = "a strength from 0 to 1"
"""The allowed values of a lever, in words."""


def repeated(values: Iterable[object]) -> Iterator[object]:
    """Yield each value that came before, as often as it is repeated."""
    seen: set[object] = set()
    for value in values:
        if value in seen:
            yield value
        seen.add(value)


def _as_tuple(value: object) -> object:
    """Convert a list, a range or an array to the tuple that is kept."""
    value = plain_within(list(value) if isinstance(value, range) else value)
    return tuple(value) if isinstance(value, list) else value


def _kinds(annotation: Any) -> frozenset[Any]:  # noqa: ANN401 - a type as it is written
    """Return the plain types of a key."""
    inner = get_args(annotation)
    return frozenset({annotation}) if not inner else frozenset().union(*map(_kinds, inner))


@cache
def _numbers(part: type[Part]) -> Mapping[str, str]:
    """Return the keys of a part that hold a number or flag, and the kind of each."""
    kinds = {
        name: _kinds(field.annotation) - {NoneType} for name, field in part.model_fields.items()
    }
    names = {frozenset({one}): one.__name__ for one in (int, float, bool)}
    return {name: names[found] for name, found in kinds.items() if found in names}


FromList: Final = BeforeValidator(_as_tuple)
"""Accepts a list for a tuple."""

Values = Annotated[tuple[Value, ...], FromList]
Names = Annotated[tuple[str, ...], FromList]


def key(default: object, meaning: str, allowed: str | Iterable[str], **rules: Any) -> Any:  # noqa: ANN401
    """Describe a key of a part.

    Args:
        default: its default value.
        meaning: what it is, in a sentence without its full stop.
        allowed: what it may be, in words; or the names that it may have.
        rules: what pydantic checks, for instance ``ge=0``.
    """
    choices = [] if isinstance(allowed, str) else [str(name) for name in allowed]
    extra: dict[str, Any] = {"allowed": one_of(choices) if choices else allowed, "choices": choices}
    return Field(default=default, description=meaning, json_schema_extra=extra, **rules)


class Part(BaseModel):
    """A part of a study file. Frozen; equal to one with the same values.

    Every key has a default, so that the valid keys of a part can be checked further even if
    another key is wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    LABEL: ClassVar[str] = "part"
    """Name of one entry in a list of such parts, for messages."""
    SECTIONS: ClassVar[Mapping[str, type[Part]]] = {}
    """Keys that hold a part."""
    LISTS: ClassVar[Mapping[str, type[Part]]] = {}
    """Keys that hold a list of parts."""
    WRITTEN: ClassVar[Mapping[str, str]] = {}
    """Names of keys in a file, where they differ from those in Python."""

    _flawed: bool = PrivateAttr(default=False)

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - checked by pydantic
        faults = self._fill(given)
        if faults:
            raise StudyError(faults)

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> tuple[Self, list[StudyFault]]:
        """Make a part from the valid keys in ``given``, and return the faults of the others."""
        part = cls.__new__(cls)
        return part, part._fill(dict(given))

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        yield from ()

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Add defaults that depend on other keys."""
        return given

    @classmethod
    def allowed(cls, name: str) -> str:
        """Return the allowed values of a key, in words."""
        return str(cls._extra(name)["allowed"])

    @classmethod
    def _extra(cls, name: str) -> dict[str, Any]:
        extra = cls.model_fields[name].json_schema_extra
        assert isinstance(extra, dict)
        return dict(extra)

    @property
    def flawed(self) -> bool:
        """Whether some of what was given is wrong; never after ``__init__``."""
        return self._flawed

    def _fill(self, given: dict[str, Any]) -> list[StudyFault]:
        given, faults = self._parts(self.completed(self._plain(given)))
        wrong: set[str] = set()
        try:
            super().__init__(**given)
        except ValidationError as error:
            found = error.errors()
            faults += self._type_faults(found)
            given, wrong = _without(given, [fault["loc"] for fault in found])
            super().__init__(**given)
        own = (fault for fault in self.faults() if not fault.about & wrong)
        faults += islice(own, MOST)
        self._flawed = bool(faults)
        return faults

    @classmethod
    def _plain(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was given, with plain numbers of the kinds that the keys hold."""
        kinds = _numbers(cls)
        return {
            name: of_kind(kinds[name], value)
            if name in kinds
            else plain_within(value)
            if isinstance(value, Mapping)
            else plain(value)
            for name, value in given.items()
        }

    @classmethod
    def _parts(cls, given: dict[str, Any]) -> tuple[dict[str, Any], list[StudyFault]]:
        """Make parts from the tables in ``given``."""
        done, faults = dict(given), []
        for name, kind in cls.SECTIONS.items():
            if isinstance(given.get(name), Mapping):
                done[name], found = kind.read(given[name])
                faults += [fault.within(cls.WRITTEN.get(name, name)) for fault in found]
        for name, kind in cls.LISTS.items():
            entries = given.get(name)
            if isinstance(entries, list | tuple) and len(entries) > _MOST_ENTRIES:
                done[name] = ()
                text = f"{cls.WRITTEN.get(name, name)}: there are {len(entries):,}"
                faults.append(StudyFault(f"{text}; at most {_MOST_ENTRIES:,} are allowed"))
            elif isinstance(entries, list | tuple) and all(
                isinstance(entry, kind | Mapping) for entry in entries
            ):
                parts = [_entry(kind, number, entry) for number, entry in enumerate(entries, 1)]
                done[name] = tuple(part for part, _ in parts)
                faults += [fault for _, found in parts for fault in found]
        return done, faults

    @classmethod
    def _type_faults(cls, faults: Iterable[Mapping[str, Any]]) -> list[StudyFault]:
        """Return in plain words what pydantic found, once for each value that it tried."""
        found: dict[tuple[object, ...], StudyFault] = {}
        for fault in faults:
            if len(found) == MOST:
                break
            name, *inner = fault["loc"]
            if fault["type"] == "extra_forbidden":
                found[name, ""] = StudyFault(unknown("key", str(name), cls.model_fields))
                continue
            where = cls.WRITTEN.get(str(name), str(name))
            if inner:
                part = inner[0]
                where += f".{shortened(part)}" if isinstance(part, str) else f", entry {part + 1}"
            text = f"{where} = {shown(fault['input'])}: must be {cls.allowed(str(name))}"
            if fault["type"] == "string_unicode":  # as file names that are not UTF-8 are read
                text += ", in UTF-8: rename the file"
            choices = cls._extra(str(name))["choices"]
            advice = did_you_mean(shown(fault["input"]).strip('"'), choices) if choices else ""
            found[name, *inner[:1]] = StudyFault(text + advice)
        return list(found.values())


def _without(
    given: dict[str, Any], places: Iterable[tuple[int | str, ...]]
) -> tuple[dict[str, Any], set[str]]:
    """Leave out what is wrong: single entries of tables, anything else by its key.

    Returns:
        What is left, and the keys left out, including those of tables with no entry left.
    """
    left, wrong = dict(given), set()
    for name, *inner in places:
        table = left.get(str(name))
        if inner and isinstance(table, Mapping) and isinstance(inner[0], str):
            left[str(name)] = {k: x for k, x in table.items() if k != inner[0]}
        else:
            left.pop(str(name), None)
        if not left.get(str(name)):
            wrong.add(str(name))
    return left, wrong


def _entry(
    kind: type[Part], number: int, entry: Part | Mapping[str, Any]
) -> tuple[Part, list[StudyFault]]:
    """Make a part of the class ``kind`` from one entry of a list."""
    if isinstance(entry, Part):
        return entry, []
    part, faults = kind.read(entry)
    return part, [fault.within(label(part, number)) for fault in faults]


def label(part: Part, number: int) -> str:
    """Return the label of an entry of a list: its number, counted from 1, and its name."""
    name = shortened(getattr(part, "name", ""))
    return f"{part.LABEL} {number} ({name})" if name else f"{part.LABEL} {number}"
