"""An engine made from one that was compiled before: only functions that differ are compiled.

Custom agents replace some of the engine's functions, and the rules that come with them change how
it calls rules. All of its other functions are the same. So the functions of the first engine that
is compiled are kept, each by itself, under a fingerprint of what it was compiled from: its code,
all values that it refers to, and the types of what it calls. A function that has the same
fingerprint is taken from there. One that differs is compiled, and takes the place of its namesake.

The engine that results has bitcode like any other. Where anything is not as expected, it is not
made, and the engine is compiled as a whole.
"""

from __future__ import annotations

import dis
import hashlib
from dataclasses import dataclass, field, replace
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.kernel import linking
from innovation_abm.kernel.linking import Called, EngineBitcode, Function, LinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Absorb = Callable[[hashlib._Hash, object], None]
    """Adds what a value means to compiled code to a digest."""

FUNCTIONS: Final = "engine.functions"
"""File of an engine's folder: its functions, each by itself."""
VARIANTS: Final = 8
"""Functions of one name that are kept."""
ENTRY: Final = "replicate"
"""The function that Python calls."""


@dataclass(frozen=True)
class Functions:
    """The functions of an engine, each by itself.

    Attributes:
        entry: name of the function by which Python calls it.
        rules: as what it calls each rule, and a fingerprint of each.
        found: each function, by its name, and by a fingerprint of what it was compiled from, as
            there may be several of a name; the latest last.
    """

    entry: str
    rules: dict[str, tuple[str, tuple[Called, ...]]]
    found: dict[str, dict[str, Function]]


@dataclass
class Source:
    """What an engine is compiled from.

    Attributes:
        namespace: in which its functions are; compiled ones take the place of their source.
        functions: those of the engine, each after those that it calls.
        signature: returns the types of a function's arguments, and how it is compiled.
        compiled: compiles a function, by its name.
        rules: the compiled rules that it calls.
        prints: fingerprints of them: where they are the same, so are the types of their answers.
        absorb: adds a value to a digest.
        answers: what each function returns, as far as is known.
        types: types of the arguments of each function, as text.
    """

    namespace: dict[str, Any]
    functions: list[tuple[str, FunctionType]]
    signature: Callable[[FunctionType], tuple[Any, ...]]
    compiled: Callable[[str, FunctionType], Any]
    rules: Mapping[str, Any]
    prints: Mapping[str, str]
    absorb: Absorb
    answers: dict[str, Any] = field(default_factory=dict)
    types: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Note what the functions take."""
        self.types = {name: repr(self.signature(function)) for name, function in self.functions}

    def fingerprint(self, name: str, called: Mapping[str, Iterable[Called]]) -> str:
        """Return a fingerprint of what a function is compiled from.

        Args:
            name: the name of the function.
            called: as what rules are called.
        """
        function = dict(self.functions)[name]
        names = set(_names(function.__code__))
        state = hashlib.sha256(self.types[name].encode())
        # Of the function alone, without its module, whose globals are of all functions: only the
        # values that it names are added, one by one.
        self.absorb(state, FunctionType(function.__code__, {}, function.__name__))
        self.absorb(state, function.__defaults__)
        for one in sorted(names & self.types.keys()):
            state.update(f"{one}{self.types[one]} returns {self.answers.get(one)}".encode())
        if "rules" in names:
            for rule in sorted(names & set(called)):
                types = [(one.arguments, one.answer) for one in called[rule]]
                state.update(f"{rule} {types!r}".encode())
        for one in sorted(names - self.types.keys() - {"rules"}):
            if one in self.namespace:
                self._absorb_value(state, one, names)
        return state.hexdigest()

    def _absorb_value(self, state: hashlib._Hash, name: str, names: set[str]) -> None:
        value = self.namespace[name]
        state.update(f"{name} is ".encode())
        if name == "shipped":
            state.update(repr([(one, getattr(value, one, None)) for one in sorted(names)]).encode())
        elif hasattr(value, "py_func"):  # a rule that agents call by themselves, compiled
            self.absorb(state, value.py_func)
        elif callable(value) and not isinstance(value, FunctionType | type):
            state.update(type(value).__name__.encode())  # numba's own, from the engine's source
        else:
            self.absorb(state, value)


def _names(code: CodeType) -> list[str]:
    inner = (_names(one) for one in code.co_consts if isinstance(one, CodeType))
    return [*code.co_names, *(name for names in inner for name in names)]


def _callees(function: FunctionType, names: Iterable[str]) -> list[str]:
    """List the functions of the engine that one of them calls."""
    known = set(names)
    steps = dis.get_instructions(function)
    found = (one.argval for one in steps if one.opname == "LOAD_GLOBAL" and one.argval in known)
    return list(dict.fromkeys(found))


def functions_of(entry: Any, source: Source) -> Functions:  # noqa: ANN401 - of numba's
    """Take an engine that was compiled as a whole apart into its functions.

    Args:
        entry: the entry, compiled.
        source: what it was compiled from; the functions in its namespace are compiled.

    Raises:
        LinkError: if it cannot be taken apart.
    """
    compiled = {
        name: entry if name == ENTRY else source.namespace[name] for name, _ in source.functions
    }
    called = linking.called(source.rules)
    apart = linking.libraries([*compiled.values(), *source.rules.values()])
    found = {}
    for name, _ in source.functions:
        # Callees come first in the list, so that their answers are known when a caller's
        # fingerprint, which has them, is taken.
        made = linking.function_of(compiled[name], apart)
        source.answers[name] = made.answer
        found[name] = {source.fingerprint(name, called): made}
    rules = {name: (source.prints[name], each) for name, each in called.items()}
    return Functions(linking.wrapper_of(entry), rules, found)


def patched(kept: Functions, source: Source) -> tuple[EngineBitcode, Functions]:
    """Make an engine from the functions of another one, as far as they are the same.

    Args:
        kept: functions of the other engine.
        source: what this one is compiled from; within :func:`.linking.once`.

    Returns:
        The engine, and the functions that are then known.

    Raises:
        LinkError: if it cannot be made in this way.
    """
    called = {name: _called_now(name, *one, source) for name, one in kept.rules.items()}
    chosen, prints, compiled, declared = _chosen(kept, source, called)
    apart = linking.libraries([*compiled.values(), *declared.values(), *source.rules.values()])
    new = linking.called(source.rules)
    renamed = _renamed(called, new)
    made = {name: linking.function_of(one, apart, renamed) for name, one in compiled.items()}
    functions = {name: one or made[name] for name, one in chosen.items()}
    offered = {
        name: tuple({one.symbol: one for one in (*called[name], *new[name])}.values())
        for name in called
    }
    engine = linking.joined([one.bitcode for one in functions.values()], kept.entry, offered)
    unknown = {one.symbol for each in new.values() for one in each} - renamed.keys()
    usual = not unknown & engine.symbols  # else they call a rule as this engine only does
    found = dict(kept.found)
    for name in compiled if usual else ():
        variants = {**found.get(name, {}), prints[name]: made[name]}
        found[name] = dict(list(variants.items())[-VARIANTS:])
    return engine, replace(kept, found=found)


def _chosen(
    kept: Functions, source: Source, called: Mapping[str, Iterable[Called]]
) -> tuple[dict[str, Function | None], dict[str, str], dict[str, Any], dict[str, Any]]:
    """Choose functions that are the same, and compile the others.

    Returns:
        By name: the functions chosen, ``None`` for those compiled; fingerprints; the compiled
        ones; and those of the chosen that the compiled ones call, declared.
    """
    written, prints = dict(source.functions), dict[str, str]()
    chosen: dict[str, Function | None] = {}
    compiled: dict[str, Any] = {}
    declared: dict[str, Any] = {}
    for name, function in source.functions:
        prints[name] = source.fingerprint(name, called)
        variants = kept.found.get(name, {})
        chosen[name] = there = variants.get(prints[name])
        if there is not None:
            source.answers[name] = there.answer
            continue
        if name == ENTRY:
            raise LinkError("the entry itself differs")
        for callee in _callees(function, written):
            if (known := chosen[callee]) is not None and callee not in declared:
                declared[callee] = linking.declared(known, written[callee])
                source.namespace[callee] = declared[callee]
        source.namespace[name] = compiled[name] = source.compiled(name, function)
        # By the name of its namesake, which is written into the code of kept functions that call
        # it.
        symbol = next((one.symbol for one in variants.values()), _symbol(name))
        source.answers[name] = linking.rename(compiled[name], symbol)
    return chosen, prints, compiled, declared


def _symbol(name: str) -> str:
    """Return the symbol of a function that no engine had before, as numba forms symbols."""
    return f"_ZN6engine{len(name)}{name}E"


def _called_now(
    name: str, of: str, before: tuple[Called, ...], source: Source
) -> tuple[Called, ...]:
    """Return as what a rule is called by functions that were compiled before, if it is as then."""
    if source.prints[name] == of:
        return before
    return tuple(linking.called_now(source.rules[name], one) for one in before)


def _renamed(
    before: Mapping[str, Iterable[Called]], now: Mapping[str, Iterable[Called]]
) -> dict[str, str]:
    """Return the symbol that kept functions call a rule by, for each by which new ones do."""
    known = {(name, one.arguments): one for name, each in before.items() for one in each}
    renamed = {}
    for name, each in now.items():
        for one in each:
            then = known.get((name, one.arguments))
            if then is not None and then.answer == one.answer:
                renamed[one.symbol] = then.symbol
    return renamed
