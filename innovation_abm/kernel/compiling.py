"""Compiling the week for a rule book, and keeping what was compiled.

numba does not notice when a function changes that a compiled one calls. So everything that the
machine code depends on, the rules above all, goes into a digest that names the folder in which
numba keeps the code: a changed rule has another folder, and an unchanged one is found again.
"""

from __future__ import annotations

import atexit
import dis
import enum
import gc
import hashlib
import logging
import os
import platform
import re
import shutil
import signal
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import CellType, CodeType, FunctionType, MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.agents.hooks import overrides
from innovation_abm.entities.terms import OWN_TERMS
from innovation_abm.errors import InnovationAbmError
from innovation_abm.kernel import carried, linking, patching, tiers
from innovation_abm.kernel.locks import only_one
from innovation_abm.kernel.translation.errors import DialectError
from innovation_abm.rules import guarding
from innovation_abm.rules.book import ANSWERS, SHIPPED, RuleBook, trait
from innovation_abm.rules.files import (
    modules_of,
    own_agents,
    own_modules,
    own_parameters,
    roles_of,
)
from innovation_abm.rules.source import calls_itself
from innovation_abm.scenario.parameters import Parameter
from innovation_abm.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from innovation_abm.agents import Person
    from innovation_abm.organization.organization import Role

CACHE_VARIABLE: Final = "INNOVATION_ABM_CACHE_DIR"
"""Environment variable that names the folder in which compiled code is kept."""
KEPT: Final = 24
"""Compiled rule books that are kept, of about a megabyte each; the longest unused go first."""
SECONDS_TO_COMPILE: Final = 25.0
"""How long it takes to compile a rule book, roughly."""

SECONDS_TO_LINK: Final = 4.0
"""How long it takes where the engine was compiled before, and only rules differ."""

WAITING: Final = (
    "another program is compiling the model for this rule book; waiting until it is done ..."
)

WAITING_FOR_ENGINE: Final = (
    "another program is compiling the model for changed rules; waiting until it is done ..."
)

PERSONS: Final = ("author", "reviewer", "reader", "person")
"""Parameters of rules that are people."""

HOOKS: Final = ("conceive", "stuck")
"""Methods of agents that the engine relies on, as long as they are the shipped ones."""

SMALL: Final = 700
"""Functions of the engine with less bytecode are written out where they are called, unless they
are marked otherwise; measured: 2.5 times as fast, and compiled as quickly."""

INNER: Final = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of functions that only compiled code calls: wrappers for Python and C to call them would
take a fifth of the time to compile."""


class EngineError(InnovationAbmError):
    """The compiled engine cannot run here, or cannot run this."""


def unavailable() -> str:
    """Return why the compiled engine cannot run on this platform; "" if it can."""
    if find_spec("numba") is None:
        return "numba is not installed"
    try:
        _numba()
    except Exception as error:  # whatever a broken installation may raise
        return f"numba cannot be used: {error}"
    return ""


def build(
    rules: RuleBook, tell: Callable[[str], None] | None = None, *, checked: bool = False
) -> Callable[..., int]:
    """Return the compiled engine for a rule book; see :func:`innovation_abm.kernel.week.replicate`.

    Args:
        rules: the rule book.
        tell: called with one line before a compilation that takes a while, and after it; by
            default the line is logged as a warning.
        checked: prove every index and every list's room, which takes several times as long, and
            raise an ``IndexError`` where one is wrong. The results are the same. For tests.

    Raises:
        EngineError: if numba is not available, a rule does not compile, or agents come with the
            rules that it cannot run.
    """
    if only := only_in_mesa(rules):
        raise EngineError(f"the compiled engine cannot run {only}")
    if missing := unavailable():
        raise EngineError(f"the compiled engine cannot run here: {missing}")
    return _built(digest(rules, checked), _Asked(rules, tell, checked))


def only_in_mesa(rules: RuleBook) -> str:
    """Return what only the Mesa engine can run, and why; "" if this one can run all."""
    if modules := own_modules(modules_of(rules)):
        return modules
    try:
        _agents(rules)
    except DialectError as error:
        return f"{own_agents(roles_of(rules))}: {error}"
    return ""


def _agents(rules: RuleBook) -> str:
    """Return the source of the functions for agents that are not the shipped ones.

    Raises:
        DialectError: if the engine cannot run them.
    """
    return _lowered(rules)[0]


def _lowered(rules: RuleBook) -> tuple[str, dict[str, FunctionType]]:
    """Return that source, and the functions declared as rules that it calls, by name.

    Raises:
        DialectError: if the engine cannot run them.
    """
    roles = tuple(roles_of(rules).items())
    return _agents_of(roles, tuple(_own_places(rules).items())) if roles else ("", {})


@lru_cache(maxsize=32)
def _agents_of(
    roles: tuple[tuple[Role, type[Person]], ...], places: tuple[tuple[str, str], ...]
) -> tuple[str, dict[str, FunctionType]]:
    from innovation_abm.agents.cast import ROLES  # with them comes Mesa, which is slow to load
    from innovation_abm.kernel.lowering import agents_and_rules

    text, called = agents_and_rules({**ROLES, **dict(roles)}, dict(places))
    for name, function in called.items():  # the source goes into digests, and so must these
        state = hashlib.sha256()
        _absorb(state, function, set())
        text += f"\n# {name} {state.hexdigest()}\n"
    return text, called


def _own_places(rules: RuleBook) -> dict[str, str]:
    """Return the field of the terms in which each parameter is that comes with a rule book."""
    names = [one.name for one in own_parameters(rules)]
    return dict(zip(names, OWN_TERMS, strict=False))


def is_compiled(rules: RuleBook) -> bool:
    """Whether the engine for a rule book was compiled before: here, or with the package."""
    name = digest(rules)
    with suppress(FileNotFoundError):
        return _found(_folder(name))
    return name == _shipped_digest(False) and not carried.problem(made_of())


def seconds_to_compile(rules: RuleBook) -> float:
    """Return how long it takes to compile a rule book, roughly; 0 if that was done before."""
    if is_compiled(rules):
        return 0.0
    kept = linking.takes_apart() and _is_engine_at_hand(engine_folder(rules))
    return SECONDS_TO_LINK if kept else SECONDS_TO_COMPILE


def _is_engine_at_hand(engine: Path) -> bool:
    """Whether an engine is kept, came with the package, or can be made from another one."""
    base = engine_folder(SHIPPED)
    if tiers.is_kept(engine) or not carried.problem(made_of()):
        return True
    return engine != base and (base / patching.FUNCTIONS).exists()


@lru_cache(maxsize=KEPT)
def _found(folder: Path) -> bool:
    """Look for an engine in a folder; it is remembered only if there is one.

    Raises:
        FileNotFoundError: if there is none.
    """
    if not _holds_code(folder):
        raise FileNotFoundError(folder)
    return True


def _holds_code(folder: Path) -> bool:
    return tiers.tier(folder) > 0 or any(folder.glob("**/*.nbc"))


# --- building -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """What to build and how to report; all are equal, as the name identifies the engine."""

    rules: RuleBook = field(compare=False)
    told: Callable[[str], None] | None = field(compare=False)
    checked: bool = field(compare=False)

    def tell(self, line: str) -> None:
        """Report a line."""
        (self.told or logging.getLogger("innovation_abm").warning)(line)


@lru_cache(maxsize=16)
def _built(name: str, asked: _Asked) -> Callable[..., int]:
    """Load the engine if it is kept, or else compile it, while no other process does."""
    folder = _folder(name)
    if (kept := _loaded(folder)) is not None:
        return kept
    if name == _shipped_digest(False) and (brought := _brought(folder)) is not None:
        return brought
    lock = cache_folder() / "locks" / f"{name}.lock"
    with only_one(lock, lambda: asked.tell(WAITING)):
        kept = _loaded(folder)  # by now another process may have compiled it
        return _compiled(name, asked) if kept is None else kept


def _loaded(folder: Path) -> Callable[..., int] | None:
    """Load the engine that is kept in a folder; ``None`` if there is none that can be used."""
    if not _holds_code(folder):
        return None
    numba = _numba()
    from innovation_abm.kernel.states import nothing_to_do

    try:
        with _uncollected(), _interrupted_between_steps():
            kept = tiers.load(folder, _engines()) or _entry({}, folder.name, folder, numba)
            kept(*nothing_to_do())
    except numba.core.errors.NumbaError:
        return None  # it was compiled for another processor
    except Exception:  # it is damaged, which shows in as many ways as there are
        shutil.rmtree(folder, ignore_errors=True)
        return None
    _mark_as_used(folder)
    return kept


def _brought(folder: Path) -> Callable[..., int] | None:
    """Load the engine that came with the package; ``None`` if none did that can be used here."""
    _numba()
    from innovation_abm.kernel.states import nothing_to_do

    with suppress(Exception), _uncollected(), _interrupted_between_steps():
        if (entry := carried.load(folder, made_of())) is not None:
            entry(*nothing_to_do())
        return entry
    return None


def _compiled(name: str, asked: _Asked) -> Callable[..., int]:
    """Compile the engine and keep it; calling it once with nothing to do makes it do so."""
    numba = _numba()
    from innovation_abm.kernel.states import nothing_to_do

    _check_rules(asked.rules, name, numba)
    unkept = _make_room(_folder(name))
    linkable = linking.takes_apart() and not (unkept or asked.checked)
    if linkable and (linked := _linked(name, asked)) is not None:
        return linked
    asked.tell("compiling the model for this rule book; only once, about half a minute ...")
    began = time.perf_counter()
    try:
        with (
            _interrupted_between_steps(),
            linking.once(name),
            _optimised_little(numba) if asked.checked else nullcontext(),
        ):
            source = _source_of_engine(asked.rules, name, numba, asked.checked)
            _compile_all(source)
            folder = None if unkept else _folder(name)
            entry = _entry(source.namespace, name, folder, numba, asked.checked)
            entry(*nothing_to_do())
            if linkable:
                _keep_engine(entry, source, asked)
    except numba.core.errors.NumbaError as error:
        raise EngineError(f"the rules cannot be compiled together: {_reason(error)}") from None
    seconds = time.perf_counter() - began
    asked.tell(f"compiled in {seconds:.0f} s, {unkept or f'and cached in {_folder(name)}'}")
    return entry


def _linked(name: str, asked: _Asked) -> Callable[..., int] | None:
    """Link the rules with an engine that was kept; ``None`` if there is none that they fit."""
    engine, numba = engine_folder(asked.rules), _numba()
    if not _is_engine_at_hand(engine):
        return None
    asked.tell("compiling the rules of this rule book; only once, a few seconds ...")
    began = time.perf_counter()
    lock = cache_folder() / "locks" / f"{engine.name}.lock"
    with (
        only_one(lock, lambda: asked.tell(WAITING_FOR_ENGINE)),
        _interrupted_between_steps(),
        linking.once(name),
    ):
        source = _source_of_engine(asked.rules, name, numba)
        if not tiers.is_kept(engine) and (_make_room(engine) or not _made(engine, source)):
            return None
        known = engine_folder(SHIPPED) / tiers.RULES
        prints = _fingerprints(asked.rules)
        found = tiers.link(_folder(name), engine, source.rules, prints, known)
    if found is not None:
        _mark_as_used(engine)
        seconds = time.perf_counter() - began
        asked.tell(f"compiled in {seconds:.0f} s, and cached in {_folder(name)}")
    return found


def _made(engine: Path, source: patching.Source) -> bool:
    """Get an engine without compiling it as a whole, and keep it.

    That of the shipped rules may have come with the package. Others are made from it.
    """
    base = engine_folder(SHIPPED)
    with tiers.tolerated():
        if not tiers.is_kept(base) and not _make_room(base):
            carried.copy_engine(base, made_of())
        kept = tiers.read(base / patching.FUNCTIONS, patching.Functions)
        if engine != base and kept is not None:
            _mark_as_used(base)
            made, known = patching.patched(kept, source)
            tiers.keep_quick(engine, made)
            tiers.write(base / patching.FUNCTIONS, known)
    return tiers.is_kept(engine)


def _keep_engine(entry: object, source: patching.Source, asked: _Asked) -> None:
    """Keep the engine for other rule books, and its functions for other engines."""
    folder, base = engine_folder(asked.rules), engine_folder(SHIPPED)
    if not tiers.is_kept(folder) and not _make_room(folder):
        tiers.keep(folder, entry, source.rules, _fingerprints(asked.rules))
    functions = base / patching.FUNCTIONS
    with tiers.tolerated():
        if not functions.exists() and not _make_room(base):
            tiers.write(functions, patching.functions_of(entry, source))


def _entry(
    namespace: dict[str, Any],
    name: str,
    folder: Path | None,
    numba: Any,  # noqa: ANN401
    checked: bool = False,
) -> Callable[..., int]:
    """Return the engine's entry; what was kept in ``folder`` needs nothing of the namespace."""
    from innovation_abm.kernel.week import replicate

    options = {"nogil": True, **_checks(checked)}
    twin = _twin(replicate, namespace, name)
    if folder is None:
        unkept: Callable[..., int] = numba.njit(**options)(twin)
        return unkept
    config = numba.core.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        entry: Callable[..., int] = numba.njit(**options, cache=True)(twin)
        return entry
    finally:
        config.CACHE_DIR = before


@contextmanager
def _optimised_little(numba: Any) -> Iterator[None]:  # noqa: ANN401
    """Spare LLVM its longest work, which proofs at every index would make three times as long."""
    config = numba.core.config
    before = config.OPT
    config.OPT = type(before)(1)
    try:
        yield
    finally:
        config.OPT = before


def _checks(checked: bool) -> dict[str, bool]:
    """Return the options with which numba checks bounds too, of arrays that are its own."""
    return {"boundscheck": True} if checked else {}


def _twin(
    function: Any,  # noqa: ANN401
    namespace: dict[str, Any],
    name: str,
    places: Mapping[str, str] = MappingProxyType({}),
) -> FunctionType:
    """Copy a function into another namespace, under a name of the rule book's own.

    Compiled code that was kept by different processes may use the same symbols, and of two that
    are loaded together the second would call the first one's functions.

    Where it reads an attribute that is in ``places``, it reads the one that is given there instead.
    """
    code, cells = _with_places(function.__code__, places), _own_cells(function, namespace)
    twin = FunctionType(code, namespace, function.__name__, None, cells)
    twin.__defaults__ = function.__defaults__
    twin.__qualname__ = f"{function.__name__}_{name}"
    twin.__module__ = RuleBook.__module__  # kept code names it, and a rule file's own is not there
    return twin


def _with_places(code: CodeType, places: Mapping[str, str]) -> CodeType:
    """Return code that reads other attributes: of ``terms.strictness``, where the terms have it.

    Bytecode lists names apart from its instructions, so that only the list has to be changed.
    """
    if not places:
        return code
    constants = (
        _with_places(one, places) if isinstance(one, CodeType) else one for one in code.co_consts
    )
    names = tuple(places.get(name, name) for name in code.co_names)
    return code.replace(co_names=names, co_consts=tuple(constants))


def _own_cells(function: FunctionType, namespace: dict[str, Any]) -> tuple[CellType, ...]:
    """Close over the same values, but for rules over their twins."""
    twins = namespace.get("twins", {})
    cells = function.__closure__ or ()
    return tuple(CellType(twins.get(id(c.cell_contents), c.cell_contents)) for c in cells)


@lru_cache(maxsize=1)
def _numba() -> Any:  # noqa: ANN401 - a module without types
    """Import numba, set so that it computes the same bits as Python."""
    if "numba" not in sys.modules:  # it reads its environment when it is loaded
        os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
        atexit.register(_collect_once)
    with _uncollected():
        import numba
        import numba.core.config
        import numba.extending

    if vars(numba.core.config)["USING_SVML"]:
        raise EngineError(
            "numba uses Intel's SVML, which rounds differently; "
            "set NUMBA_DISABLE_INTEL_SVML=1 before Python starts"
        )
    return numba


@contextmanager
def _interrupted_between_steps() -> Iterator[None]:
    """End a compilation on Ctrl-C between two of its steps, at most a few seconds later.

    Within a step it may be lost, for LLVM calls Python and lets no exception through.
    """
    from numba.core import event

    in_charge = threading.current_thread() is threading.main_thread()
    if not in_charge or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    asked = threading.Event()

    class Steps(event.Listener):
        def on_start(self, _: object) -> None:
            if asked.is_set():
                raise KeyboardInterrupt

        def on_end(self, _: object) -> None:
            pass

    signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        with event.install_listener("numba:run_pass", Steps()):
            yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked.is_set():
        raise KeyboardInterrupt


@contextmanager
def _uncollected() -> Iterator[None]:
    """Load what stays for good without the garbage collector going through it again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _collect_once() -> None:
    """Collect garbage once more at the end, and then no more.

    Python goes three times through whatever lives when it ends; through what numba makes, in a
    quarter of a second, as long as all the rest of a short run.
    """
    gc.collect()
    gc.freeze()


def _rule_functions(rules: RuleBook) -> Iterator[FunctionType]:
    for rule in fields(rules):
        yield getattr(rules, rule.name)


def _source_of_engine(
    rules: RuleBook,
    name: str,
    numba: Any,  # noqa: ANN401
    checked: bool = False,
) -> patching.Source:
    """Return what an engine is compiled from, in a namespace of the rule book's own."""
    from innovation_abm.kernel import decisions, together, week
    from innovation_abm.kernel.numba_types import atomics, fetcher, signature_of, viewer

    book, shipped, called_by_agents = _books(rules, name, numba)
    namespace = {**vars(decisions), **vars(together), **vars(week)}
    exec(_agents(rules), namespace)
    namespace |= called_by_agents
    namespace |= {"rules": book, "shipped": shipped, "CHECKED": checked}
    namespace["CUSTOM"] = bool(roles_of(rules))
    namespace["state_at"] = viewer(checked)
    namespace |= {"fetch": fetcher(), **atomics()}

    def signature(function: FunctionType) -> tuple[Any, ...]:
        return signature_of(function, checked)

    def compiled(called: str, function: FunctionType) -> Any:  # noqa: ANN401
        twin = _twin(function, namespace, name)
        small = len(function.__code__.co_code) < SMALL
        inline = {"forceinline": True} if getattr(function, "written_out", small) else {}
        return numba.njit(signature(function), **INNER, **inline, **_checks(checked))(twin)

    return patching.Source(
        namespace,
        _bottom_up(namespace),
        signature,
        compiled,
        _by_name(book),
        {name: _digest_of_rule(rules, name) for name in _by_name(book)},
        lambda state, value: _absorb(state, value, set()),
    )


def _compile_all(source: patching.Source) -> None:
    """Compile what the engine's entry calls."""
    for called, function in source.functions:
        if called != patching.ENTRY:
            source.namespace[called] = source.compiled(called, function)


def _books(
    rules: RuleBook,
    name: str,
    numba: Any,  # noqa: ANN401
) -> tuple[ModuleType, ModuleType, dict[str, Any]]:
    """Return what the engine calls ``rules`` and ``shipped``, and the rules that agents call.

    Numba compiles rules when they are called.
    """
    called = _lowered(rules)[1]
    functions = [*_rule_functions(rules), *called.values()]
    twins = _twins_of_rules(functions, name, numba, _own_places(rules))
    book, shipped = ModuleType("rules"), ModuleType("shipped")
    for rule in fields(RuleBook):
        twin = twins[id(getattr(rules, rule.name))]
        trusted = _is_trusted(rules, rule.name)
        setattr(book, rule.name, twin if trusted else _guarded(rule.name, twin, name, numba))
        setattr(shipped, rule.name, guarding.is_shipped(rules, rule.name))
    for hook in HOOKS:
        overridden = any(overrides(kind, hook) for kind in roles_of(rules).values())
        setattr(shipped, hook, not overridden)
    return book, shipped, {key: twins.get(id(one), one) for key, one in called.items()}


def _is_trusted(rules: RuleBook, rule: str) -> bool:
    """Whether a rule keeps to its range: a shipped one that custom agents pass nothing to."""
    return guarding.is_shipped(rules, rule) and not roles_of(rules)


def _by_name(book: ModuleType) -> dict[str, Any]:
    """Return the rules that the engine calls, by their names."""
    return {rule.name: getattr(book, rule.name) for rule in fields(RuleBook)}


def _twins_of_rules(
    rules: list[FunctionType],
    name: str,
    numba: Any,  # noqa: ANN401
    places: Mapping[str, str],
) -> dict[int, Any]:
    """Return compiled twins of rules and of the rules that they call, by the rules' identities."""
    _serve_draws(numba)
    twins: dict[int, Any] = {}
    for function in _reached([*rules]):
        _serve_both(function)  # for those that are reached as attributes of a module
    for function in _callees_first(rules):
        namespace = {
            key: twins.get(id(value), value) for key, value in function.__globals__.items()
        }
        namespace["twins"] = twins
        twin = _twin(function, namespace, name, places)
        twins[id(function)] = numba.njit(**INNER, forceinline=True)(twin)
    return twins


def _guarded(rule: str, twin: Any, name: str, numba: Any) -> Any:  # noqa: ANN401
    """Make a rule that is not the shipped one check its result, as :mod:`.guarding` does.

    It raises, so that where the answer is in range nothing is written, and nothing else is slower.
    """
    given = parameters_of(rule)
    person = next((one for one in given if one in PERSONS), "")
    about = "idea.author, idea.week" if "idea" in given else f"{person}.post, -1" if person else ""
    answer = ANSWERS[rule]
    text = (
        f"def guarded({', '.join(given)}):\n"
        f"    value = twin({', '.join(given)})\n"
        f"    if not ({answer.low!r} <= value <= {answer.high!r}):\n"
        f"        raise OutOfRangeError({rule!r}, value, {about})\n"
        f"    return value\n"
    )
    namespace = {"twin": twin, "OutOfRangeError": guarding.OutOfRangeError}
    exec(text, namespace)
    guard: Any = namespace["guarded"]
    guard.__qualname__ = f"guarded_{rule}_{name}"  # a symbol for each, as in :func:`_twin`
    guard.__module__ = RuleBook.__module__
    return numba.njit(**INNER, forceinline=True)(guard)


def _callees_first(rules: list[FunctionType]) -> list[FunctionType]:
    """List rules and the rules that they call, each after those that it calls."""
    listed: list[FunctionType] = []

    def list_after_callees(function: FunctionType, callers: tuple[FunctionType, ...]) -> None:
        if function in listed or function in callers or not getattr(function, "is_rule", False):
            return
        if function is trait:  # which compiled code has its own of
            return
        for called in _referred(function):
            if isinstance(called, FunctionType):
                list_after_callees(called, (*callers, function))
        listed.append(function)

    for function in rules:
        list_after_callees(function, ())
    return listed


def _bottom_up(namespace: dict[str, Any]) -> list[tuple[str, FunctionType]]:
    """List the functions that the engine's entry calls, each after those that it calls."""
    functions = {n: f for n, f in namespace.items() if getattr(f, "is_compiled", False)}
    listed: dict[str, FunctionType] = {}

    def list_after_callees(name: str, callers: tuple[str, ...]) -> None:
        if name in callers:
            raise EngineError(f"the agents cannot be compiled: {name}() calls itself; write a loop")
        if name not in listed:
            for step in dis.get_instructions(functions[name]):
                if step.opname == "LOAD_GLOBAL" and step.argval in functions:
                    list_after_callees(step.argval, (*callers, name))
            listed[name] = functions[name]

    list_after_callees("replicate", ())
    return list(listed.items())


def _serve_both(function: Any) -> None:  # noqa: ANN401
    """Make a plain function callable from compiled code; elsewhere it stays a plain function."""
    from numba.extending import register_jitable

    if not getattr(function, "serves_both", False):
        register_jitable(forceinline=True)(function)
        function.serves_both = True


@lru_cache(maxsize=1)
def _serve_draws(numba: Any) -> None:  # noqa: ANN401
    """Make the hash functions and :func:`~.rules.trait` callable from compiled code."""
    import numpy as np

    from innovation_abm import chance
    from innovation_abm.kernel import week as kernel

    for function in (chance.normal, chance.polynomial, chance.quantile):
        _serve_both(function)
    fold, unit = (numba.njit(forceinline=True)(one) for one in (kernel.fold, kernel.unit))

    def compiled_trait(holder: Any, name: Any) -> Any:  # noqa: ANN401 - types of numba's
        if not isinstance(name, numba.types.StringLiteral):
            raise numba.core.errors.TypingError("the name of a trait must be written out")
        part = np.uint64(chance.name_key(name.literal_value))

        def drawn(holder: Any, name: Any) -> Any:  # noqa: ANN401
            return unit(fold(holder.trait_key, part))

        drawn.__qualname__ = f"trait_{part}"  # a symbol for each name, as in :func:`_twin`
        return drawn

    inlined = {"forceinline": True}
    numba.extending.overload(trait, prefer_literal=True, jit_options=inlined)(compiled_trait)
    trait.serves_both = True  # type: ignore[attr-defined]


def fault_of_rules(rules: RuleBook) -> str:
    """Return which rule that is not the shipped one cannot be compiled, and why; "" if all can.

    This takes about a second, because each rule is compiled on its own, without the engine. Nothing
    is found without numba, or if only Mesa can run the agents that come with the rules.
    """
    if unavailable() or only_in_mesa(rules):
        return ""
    try:
        _check_rules(rules, digest(rules), _numba())
    except EngineError as error:
        return str(error)
    return ""


def _check_rules(rules: RuleBook, name: str, numba: Any) -> None:  # noqa: ANN401
    """Compile each rule that is not the shipped one by itself, which is quick.

    Raises:
        EngineError: if one does not compile, or does not return a number; it says which, and why.
    """
    kinds = {"idea": "idea", "terms": "terms"}
    kinds |= dict.fromkeys(PERSONS, "person")
    own = [f.name for f in fields(rules) if getattr(rules, f.name) is not f.default]
    if not own:
        return
    from innovation_abm.kernel.arrays import IDEA, PERSON, TERMS

    for one in own:
        if calls_itself(getattr(rules, one)):
            code = getattr(rules, one).__code__
            place = f"{Path(code.co_filename).name}, line {code.co_firstlineno}"
            told = f"it calls itself ({place}); write a loop"
            raise EngineError(f'the rule "{one}" cannot be compiled: {told}')
    records = {"idea": IDEA, "person": PERSON, "terms": TERMS}
    functions, places = [getattr(rules, one) for one in own], _own_places(rules)
    twins = _twins_of_rules(functions, f"{name}_alone", numba, places)
    for one in own:
        signature = tuple(
            numba.from_dtype(records[kinds[given]]) if given in kinds else numba.float64
            for given in parameters_of(one)
        )
        compiled_alone = twins[id(getattr(rules, one))]
        try:
            compiled_alone.compile(signature)
        except Exception as error:  # numba lets Python's own errors through as well
            raise EngineError(f'the rule "{one}" cannot be compiled: {_reason(error)}') from None
        given = compiled_alone.overloads[signature].signature.return_type
        kind = numba.types
        if not isinstance(given, kind.Integer | kind.Float | kind.Boolean):
            raise EngineError(
                f'the rule "{one}" cannot be compiled: it must always return a number'
            )


def parameters_of(rule: str) -> list[str]:
    """List the names of the parameters of a shipped rule, in order."""
    default = getattr(RuleBook, rule).__code__
    return list(default.co_varnames[: default.co_argcount])


_PLAINLY: Final = {
    r"Untyped global name '(\w+)'.*": r"it uses \1, which is not a rule",
    r"Unknown attribute '(\w+)' of type Module\(<module '([\w.]+)'.*": (
        r"compiled rules have no \2.\1"
    ),
    # From Python 3.12 on, a function may have several returns where it had one.
    r"Cannot unify (\S+) and (\S+) for .*|"
    r"Can't unify return type from the following types: (\S+), (\S+)": (
        r"a value is \1\3 in one case and \2\4 in another; make it a number in both"
    ),
}
"""What numba says, and what is meant."""


def _reason(error: Exception) -> str:
    """Return the part of numba's long message that helps the author of a rule, in one line."""
    if isinstance(error, KeyError):  # what numba raises for a field that a record does not have
        told = f"none of its arguments has the attribute {error}"
        return f"{told}; docs/extending.md lists what rules may read"
    text = re.sub(r"Record\([^)]*\)|\x1b\[[0-9;]*m", "", str(error))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    noise = ("During", "File", "- ", "Failed in", "No implementation", "There are", "Overload")
    telling = [line for line in lines if line and not line.startswith(noise)]
    said = next((line for line in telling if not line.startswith("Invalid use")), "")
    raised = (line for line in lines if line.startswith("TypingError: "))  # more to the point
    said = next(raised, said).removeprefix("TypingError: ")
    where = next((line for line in reversed(lines) if line.startswith("File")), "")
    for pattern, plain in _PLAINLY.items():
        said = re.sub(pattern, plain, said)
    place = re.search(r'File "([^"]*)", line (\d+)', where)
    at = f" ({Path(place[1]).name}, line {place[2]})" if place else ""
    return (
        f"{said.rstrip('.') or type(error).__name__}{at}; a rule may use plain arithmetic, math "
        "and other @rule functions only"
    )


# --- digests --------------------------------------------------------------------------------------


def digest(rules: RuleBook, checked: bool = False) -> str:
    """Return a fingerprint of all that the compiled engine for a rule book is made of."""
    if rules is SHIPPED or rules == SHIPPED:
        return _shipped_digest(checked)
    return _digest(rules, checked)


@lru_cache(maxsize=2)
def _shipped_digest(checked: bool) -> str:
    """Return that of the shipped rules, which refer to nothing that a program may change."""
    return _digest(SHIPPED, checked)


def _digest(rules: RuleBook, checked: bool) -> str:
    state = _engine().copy()
    state.update(b"checked" * checked)
    state.update(repr(_own_places(rules)).encode())
    with suppress(DialectError):  # no engine is built for such agents
        state.update(_agents(rules).encode())
    seen: set[int] = set()
    for rule in fields(rules):
        state.update(repr((rule.name, *ANSWERS[rule.name])).encode())
        _absorb(state, getattr(rules, rule.name), seen)
        state.update(b"*" if getattr(rules, rule.name) is rule.default else b"-")
    return state.hexdigest()[:32]


def _fingerprints(rules: RuleBook) -> dict[str, str]:
    """Return a fingerprint of each rule, and of whether the engine checks what it returns."""
    return {
        rule.name: f"{_digest_of_rule(rules, rule.name)} {_is_trusted(rules, rule.name)}"
        for rule in fields(RuleBook)
    }


def _digest_of_rule(rules: RuleBook, name: str) -> str:
    state = hashlib.sha256(repr(_own_places(rules)).encode())
    _absorb(state, getattr(rules, name), set())
    return state.hexdigest()


def engine_folder(rules: RuleBook) -> Path:
    """Return where the engine that a rule book needs is kept, all but the rules.

    It takes shortcuts where some rules are the shipped ones, and depends on no other rule.
    """
    state = _engine().copy()
    taken = [guarding.is_shipped(rules, name) for name in _shortcuts()]
    state.update(repr((linking.target(), taken)).encode())
    with suppress(DialectError):  # no engine is built for such agents
        state.update(_agents(rules).encode())
    return _engines() / state.hexdigest()[:32]


@lru_cache(maxsize=1)
def _shortcuts() -> list[str]:
    """List the rules of which the engine asks whether they are the shipped ones."""
    from innovation_abm.kernel import week

    asked = set()
    for function in vars(week).values():
        if getattr(function, "is_compiled", False) and "shipped" in function.__code__.co_names:
            steps = dis.get_instructions(function)
            asked |= {after.argval for step, after in pairwise(steps) if step.argval == "shipped"}
    return sorted(asked - set(HOOKS))  # on which agents decide, whose source is there as well


@lru_cache(maxsize=1)
def _engine() -> hashlib._Hash:
    """Absorb what every engine is made of, its rules apart, and where it is.

    For numba keeps code by the place of its source.
    """
    state = hashlib.sha256(str(Path(__file__).parents[1]).encode())
    state.update(platform.python_version().encode())
    state.update(repr(_made_with(__version__)).encode() + _source())
    return state


@lru_cache(maxsize=4)
def made_of(package: str = __version__) -> Mapping[str, str]:
    """Return what the engine for the shipped rules is made of and for, wherever it is installed.

    Where all of this is the same, so is the code, but for what a processor can do beyond others of
    its kind.

    Args:
        package: the version of this package.
    """
    state = hashlib.sha256(_source())
    for rule in fields(SHIPPED):
        _absorb(state, getattr(SHIPPED, rule.name), set())
    return {**_made_with(package), "source": state.hexdigest()}


def _made_with(package: str) -> dict[str, str]:
    """Return the versions and the platform that machine code depends on, by their names."""
    settings = [f"{name}={os.environ[name]}" for name in _NUMBA_VARIABLES if os.environ.get(name)]
    return {
        "innovation-abm": package,
        **{name: version(name) for name in ("numba", "llvmlite", "numpy")},
        "Python": str(sysconfig.get_config_var("EXT_SUFFIX")),  # with what makes code run or not
        "platform": f"{sys.platform} {platform.machine()}",
        "setting of numba": " ".join(settings) or "none",
    }


def _source() -> bytes:
    """Return a fingerprint of the engine's source, and of how its state is laid out in memory."""
    from innovation_abm.kernel.states import layout

    state = hashlib.sha256(fingerprint_of_layout(layout()))
    for name in ENGINE_MODULES:
        state.update(f"{name}\n".encode() + source_of(name).read_bytes())
    return state.digest()


def source_of(name: str) -> Path:
    """Return the file of a module of :data:`ENGINE_MODULES`: not all are in one folder."""
    spec = find_spec(f"innovation_abm.{name.replace('/', '.')}")
    assert spec is not None and spec.origin is not None, name
    return Path(spec.origin)


def fingerprint_of_layout(arrays: Iterable[tuple[str, Any, int]]) -> bytes:
    """Return a fingerprint of how arrays are laid out.

    Args:
        arrays: name, data type and number of dimensions of each, in the order in which they are
            entered in the state's table.
    """
    listed = [(name, repr(kind), kind.itemsize, ndim) for name, kind, ndim in arrays]
    return hashlib.sha256(repr(listed).encode()).digest()


_NUMBA_VARIABLES: Final = (
    *("NUMBA_OPT", "NUMBA_BOUNDSCHECK", "NUMBA_ENABLE_AVX"),
    *("NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE", "NUMBA_LLVM_PASSES"),
)
"""Environment variables by which numba compiles the same source otherwise."""

ENGINE_MODULES: Final = (
    "agents/fields",
    "chance",
    "entities/idea",
    "entities/misuse",
    "entities/queues",
    "entities/terms",
    "entities/traits",
    "entities/weeks",
    "kernel/arrays",
    "kernel/carried",
    "kernel/compiling",
    "kernel/decisions",
    "kernel/helpers",
    "kernel/lowering",
    "kernel/linking",
    "kernel/memory",
    "kernel/numba_access",
    "kernel/numba_ahead",
    "kernel/numba_arrays",
    "kernel/numba_atomics",
    "kernel/numba_rows",
    "kernel/numba_state",
    "kernel/numba_types",
    "kernel/mark",
    "kernel/plans",
    "kernel/runs",
    "kernel/states",
    "kernel/sizes",
    "kernel/patching",
    "kernel/tiers",
    "kernel/together",
    "kernel/translation/dialect",
    "kernel/translation/expressions",
    "kernel/translation/methods",
    "kernel/translation/statements",
    "kernel/week",
    "organization/organization",
    "rules/book",
    "rules/guarding",
    "scenario/parameters",
    "scenario/scenario",
)
"""Modules whose source takes part in the compiled engine."""


def _absorb(state: hashlib._Hash, value: object, seen: set[int]) -> None:
    """Absorb what a value means to compiled code: functions with all that they refer to."""
    if isinstance(value, Parameter):
        return  # the code holds its name, as an attribute; its value is data
    if isinstance(value, FunctionType):
        if id(value) in seen:
            return
        seen.add(id(value))
        _absorb_code(state, value.__code__)
        for referred in _referred(value):
            _absorb(state, referred, seen)
    elif isinstance(value, type) and issubclass(value, enum.Enum):
        state.update(repr([(member.name, member.value) for member in value]).encode())
    elif isinstance(value, tuple | list):
        for item in value:
            _absorb(state, item, seen)
    elif hasattr(value, "tobytes"):
        state.update(value.tobytes())
    elif isinstance(value, ModuleType):
        state.update(value.__name__.encode())
    elif hasattr(value, "__wrapped__"):  # kept results are no part of what it means
        _absorb(state, value.__wrapped__, seen)
    else:
        state.update(repr(value).encode())


def _absorb_code(state: hashlib._Hash, code: CodeType) -> None:
    state.update(code.co_code)
    state.update(repr((code.co_names, code.co_varnames, code.co_freevars)).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _absorb_code(state, constant)
        else:
            state.update(repr(constant).encode())


def _referred(function: FunctionType) -> Iterator[object]:
    """Yield what a function refers to: globals, attributes of modules, what it closes over."""
    for cell in function.__closure__ or ():
        yield cell.cell_contents
    yield function.__defaults__
    names = _names(function.__code__)
    for name in names:
        if name in function.__globals__:
            value = function.__globals__[name]
            yield value
            if isinstance(value, ModuleType):
                yield from (getattr(value, other) for other in names if hasattr(value, other))


def _names(code: CodeType) -> list[str]:
    inner = [_names(c) for c in code.co_consts if isinstance(c, CodeType)]
    return [*code.co_names, *(name for names in inner for name in names)]


def _reached(functions: list[FunctionType]) -> list[FunctionType]:
    """Return the functions declared as rules that ``functions`` call, themselves included."""
    found: list[FunctionType] = []
    while functions:
        function = functions.pop()
        if function in found or not getattr(function, "is_rule", False):
            continue
        found.append(function)
        functions += [f for f in _referred(function) if isinstance(f, FunctionType)]
    return found


# --- where compiled code is kept ------------------------------------------------------------------


def cache_folder() -> Path:
    """Return the folder in which compiled code is kept.

    The environment variable :data:`CACHE_VARIABLE` names it; default: the user's cache folder.
    """
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local")) / "innovation-abm"
    if sys.platform == "darwin":
        return home / "Library/Caches/innovation-abm"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "innovation-abm"


def _kept() -> Path:
    return cache_folder() / "kernels"


def _folder(name: str) -> Path:
    return _kept() / name


def _engines() -> Path:
    return cache_folder() / "engines"


@dataclass(frozen=True)
class Cache:
    """What is kept between runs, and may be deleted at any time.

    Attributes:
        folder: where.
        entries: compiled rule books.
        quick: of these, rule books whose code was quick to make and runs somewhat slower, until it
            has run for a while.
        engines: engines with which another rule book is compiled in seconds.
        size: of all of them, in bytes.
        bound: entries that are kept at most; the longest unused go first.
        problem: why nothing can be kept there; "" if it can.
        package: why the engine that came with the package is not used; "" if it can be.
    """

    folder: Path
    entries: int
    quick: int
    engines: int
    size: int
    bound: int
    problem: str
    package: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**vars(self), "folder": str(self.folder)}


def cache() -> Cache:
    """Look at what is kept between runs."""
    kept = _kept()
    books, engines = _folders_in(kept), _folders_in(_engines())
    quick = sum(tiers.tier(book) == 1 for book in books)
    size = sum(_bytes_in(folder) for folder in (*books, *engines))
    problem = _write_problem(kept)
    package = unavailable() or carried.problem(made_of())
    return Cache(cache_folder(), len(books), quick, len(engines), size, KEPT, problem, package)


def _folders_in(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.is_dir()]
    except OSError:  # there is none yet
        return []


def _bytes_in(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    except OSError:  # it goes away as one looks
        return 0


def clear_cache() -> Cache:
    """Delete what is kept between runs; running programs are not affected.

    Returns:
        What there was.

    Raises:
        EngineError: if it cannot be deleted.
    """
    before = cache()
    _found.cache_clear()
    for folder in (_kept(), _engines()):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise EngineError(f"{folder}: cannot be deleted: {error.strerror}") from None
    return before


def _write_problem(folder: Path) -> str:
    """Return why a folder, or where it is to be made, cannot be written to; "" if it can."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written to"


def _mark_as_used(folder: Path) -> None:
    with suppress(OSError):  # not ours to mark
        os.utime(folder)


def _make_room(folder: Path) -> str:
    """Make a folder, and remove those of its kind that are longest unused.

    Returns:
        Why nothing can be kept there; "" if it can.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
        others = sorted(folder.parent.iterdir(), key=lambda path: path.stat().st_mtime)
    except OSError as error:
        return (
            f"but not cached: {folder} cannot be written to ({error.strerror}); "
            f"set {CACHE_VARIABLE} to a folder that can be"
        )
    for other in others[:-KEPT]:
        shutil.rmtree(other, ignore_errors=True)
    return ""
