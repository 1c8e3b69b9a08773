# mypy: ignore-errors
# ruff: noqa: ANN401 - what numba compiles carries no types
"""Linking the engine once: its inner functions become machine code only within its entry.

numba makes a library of each function, optimises it, and turns it into machine code by itself, so
that Python can call it. Of the engine's some two hundred functions only the entry is ever called
by Python. So libraries made :func:`once` are only kept, until the entry's links all that it reaches
and is optimised as a whole; this takes half the time. The machine code computes the same bits.

This leans on how numba makes libraries, which is not part of its public interface. With a version
that is not among :data:`KNOWN` everything is compiled the plain way.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from types import FunctionType

    from llvmlite.binding import ModuleRef
    from numba.core.codegen import JITCodeLibrary, JITCPUCodegen

KNOWN: Final = ("0.68",)
"""Versions of numba whose libraries work as this module expects; tests try the installed one."""
ENTRY: Final = "replicate_"
"""How the name of the entry's library begins; that of its rule book follows."""

ENVIRONMENT: Final = "_ZN08NumbaEnv"
"""How the name of what a function reads Python's objects from begins."""

_books: Final[list[str]] = []
"""Names of the rule books that are being compiled; twice where two threads compile the same."""


def is_known() -> bool:
    """Whether the installed numba makes libraries as this module expects."""
    import numba

    return numba.__version__.rpartition(".")[0] in KNOWN


def takes_apart() -> bool:
    """Whether an engine can be taken apart from its rules here: elsewhere it was not tried."""
    return is_known() and sys.platform == "linux"


@contextmanager
def once(book: str) -> Iterator[None]:
    """Within it, numba links functions of a rule book's engine only into the engine's entry.

    Only functions whose name ends in that of the book are treated so: others, which numba compiles
    on the way or for another thread, may be called by anybody, and need machine code of their own.
    With a version of numba that is not known, nothing changes.

    Args:
        book: name of the rule book.
    """
    if not is_known():
        yield
        return
    _teach()
    _books.append(book)
    try:
        yield
    finally:
        _books.remove(book)


@lru_cache(maxsize=1)
def _teach() -> None:
    """Let numba make another kind of library for what is linked once."""
    from numba.core.codegen import JITCodeLibrary
    from numba.core.registry import cpu_target

    codegen = cpu_target.target_context.codegen()
    linked_once, set_env = _library_class(), codegen.set_env

    def create_library(name: str, **options: object) -> JITCodeLibrary:
        kind = linked_once if name.endswith(tuple(_books)) else JITCodeLibrary
        return kind(codegen, name, **options)

    # numba sets the environment of each library as it finishes it, by writing to the address of its
    # symbol. Inner functions have no machine code yet: their address is 0, and writing there would
    # end the process.
    def set_env_if_emitted(name: str, environment: object) -> None:
        if codegen._engine.is_symbol_defined(name):
            set_env(name, environment)

    codegen.create_library = create_library
    codegen.set_env = set_env_if_emitted


def _library_class() -> type:
    """Make the class of libraries that are linked only into the entry's."""
    from numba.core.codegen import JITCodeLibrary
    from numba.core.environment import lookup_environment

    class LinkedOnce(JITCodeLibrary):
        """A library that is finished only if it is the entry's."""

        def finalize(self) -> None:
            """Link and compile all, or only note that nothing more is added."""
            if not self.name.startswith(ENTRY):
                self._raise_if_finalized()
                self._finalized = True
                return
            # Before anything is linked into it: from this copy, engine and rules are taken apart.
            self.alone = self._final_module.clone()
            # numba links only what a library calls itself, for that has linked what it calls in its
            # turn. Libraries that are linked once have not, so all that is reached is linked here.
            called, self._linking_libraries = self._linking_libraries, _reached(self)
            super().finalize()
            self._linking_libraries = called
            for variable in self._final_module.global_variables:
                # Inner functions had nowhere to put their environments before.
                if environment := lookup_environment(variable.name):
                    self._codegen.set_env(variable.name, environment)

    return LinkedOnce


def _reached(
    library: JITCodeLibrary, apart: Container[JITCodeLibrary] = ()
) -> list[JITCodeLibrary]:
    """List the libraries that a library calls, directly or not, each after all that call it.

    LLVM takes from a library only what those before it call. If one of them turns out not to need
    a function, it must not yet be the turn of the library that has it: others may call it too.
    Those ``apart`` are left out, with all that only they reach.
    """
    seen, finished = {library}, []

    def visit(caller: JITCodeLibrary) -> None:
        for called in caller._linking_libraries:
            if called not in seen and called not in apart:
                seen.add(called)
                visit(called)
                finished.append(called)

    visit(library)
    return finished[::-1]


# --- the engine without its rules, and rules without an engine ------------------------------------


class LinkError(Exception):
    """Something cannot be linked apart from what it was compiled with; compile it the plain way."""


@dataclass(frozen=True)
class Called:
    """A rule as the engine calls it.

    Attributes:
        symbol: name of the function in the engine's code.
        arguments: types of its arguments.
        answer: type of what it returns.
    """

    symbol: str
    arguments: tuple[Any, ...]
    answer: Any


@dataclass(frozen=True)
class EngineBitcode:
    """The compiled engine, all but its rules.

    Attributes:
        bitcode: what rules are linked into, before it is optimised.
        entry: name of the function by which Python calls it.
        rules: as what the engine calls each rule.
    """

    bitcode: bytes
    entry: str
    rules: dict[str, tuple[Called, ...]]

    @property
    def symbols(self) -> set[str]:
        """The functions of all rules."""
        return {call.symbol for calls in self.rules.values() for call in calls}


def target() -> str:
    """Return what machine code is made for here: the system, the processor, and what it can do."""
    return repr(_codegen().magic_tuple())


def architecture() -> str:
    """Return the kind of system and processor: code for the least of its processors runs here."""
    import llvmlite.binding as llvm

    return llvm.get_process_triple()


def engine_of(entry: Any, rules: Mapping[str, Any]) -> EngineBitcode:
    """Take the engine apart from its rules.

    Args:
        entry: the entry, compiled within :func:`once`.
        rules: the compiled rules that it calls.

    Raises:
        LinkError: if it cannot be taken apart.
    """
    (compiled,) = entry.overloads.values()
    called = {name: tuple(rule.overloads.values()) for name, rule in rules.items()}
    apart = {one.library for each in called.values() for one in each}
    module = compiled.library.alone.clone()
    # `preserve`, here and below, copies what is linked, which would be destroyed otherwise: other
    # engines and rules are linked from the same libraries.
    for library in _reached(compiled.library, apart):
        module.link_in(library._get_module_for_linking(), preserve=True)
    wrapper = compiled.fndesc.llvm_cpython_wrapper_name
    _hide_all_but(module, {wrapper})
    _check_stands_alone(module)
    return EngineBitcode(
        module.as_bitcode(),
        wrapper,
        {name: tuple(_called(one) for one in each) for name, each in called.items()},
    )


def _called(compiled: Any) -> Called:
    signature = compiled.signature
    return Called(compiled.fndesc.mangled_name, signature.args, signature.return_type)


@dataclass(frozen=True)
class Function:
    """A function of an engine, apart from those that it calls.

    Attributes:
        symbol: its name in the engine's code.
        arguments: types of its arguments.
        answer: type of what it returns.
        descriptor: what numba needs to know in order to call it.
        bitcode: the function, with what else it needs but functions of the engine and rules.
    """

    symbol: str
    arguments: tuple[Any, ...]
    answer: Any
    descriptor: Any
    bitcode: bytes


def called(rules: Mapping[str, Any]) -> dict[str, tuple[Called, ...]]:
    """Return as what compiled rules are called."""
    return {name: tuple(map(_called, rule.overloads.values())) for name, rule in rules.items()}


def called_now(rule: Any, before: Called) -> Called:
    """Return as what a rule is called that takes the place of another one; it is compiled here."""
    if before.arguments not in rule.overloads:
        rule.compile(before.arguments)
    answer = rule.overloads[before.arguments].signature.return_type
    return replace(before, answer=answer)


def libraries(compiled: Iterable[Any]) -> set[JITCodeLibrary]:
    """Return the libraries of compiled functions."""
    return {each.library for one in compiled for each in one.overloads.values()}


def wrapper_of(entry: Any) -> str:
    """Return the name of the function by which Python calls an entry."""
    (compiled,) = entry.overloads.values()
    return compiled.fndesc.llvm_cpython_wrapper_name


def function_of(
    function: Any, apart: Container[JITCodeLibrary], renamed: Mapping[str, str] | None = None
) -> Function:
    """Return a compiled function by itself.

    What else it reaches is its own copy, for functions of other processes may have the same names.

    Args:
        function: the function, compiled for one signature within :func:`once`.
        apart: libraries that it is to be linked with later.
        renamed: names of functions that it calls, and those to call instead.

    Raises:
        LinkError: if it does not stand alone.
    """
    (compiled,) = function.overloads.values()
    library, descriptor = compiled.library, compiled.fndesc
    module = getattr(library, "alone", library._final_module).clone()
    for other in _reached(library, apart):
        module.link_in(other._get_module_for_linking(), preserve=True)
    for one in list(module.functions):
        if one.is_declaration and one.name in (renamed or {}):
            one.name = renamed[one.name]
    _hide_all_but(module, {descriptor.mangled_name, descriptor.llvm_cpython_wrapper_name})
    _check_stands_alone(module)
    signature, bare = compiled.signature, copy(descriptor)
    # Functions are kept in files. These hold types and globals of this process, and are of use only
    # while a function is being compiled.
    bare.typemap = bare.calltypes = bare.global_dict = None
    symbol = descriptor.mangled_name
    return Function(symbol, signature.args, signature.return_type, bare, module.as_bitcode())


def declared(function: Function, written: FunctionType) -> Any:
    """Return a function of numba's that compiled code can call, whose code is elsewhere.

    Args:
        function: the function.
        written: how it is written, for the names of its arguments.
    """
    import numba
    from numba.core.compiler import compile_result
    from numba.core.typing import signature

    dispatcher, elsewhere = numba.njit(written), object()
    library = _library_class()(_codegen(), f"declared_{function.symbol}")
    library.finalize()
    compiled = compile_result(
        typing_context=dispatcher.typingctx,
        target_context=dispatcher.targetctx,
        entry_point=elsewhere,
        signature=signature(function.answer, *function.arguments),
        objectmode=False,
        fndesc=function.descriptor,
        library=library,
    )
    dispatcher.targetctx.insert_user_function(elsewhere, function.descriptor, [library])
    dispatcher.overloads[function.arguments] = compiled
    # With arguments of other types it must fail: numba would compile the body a second time, under
    # a name that no kept function calls.
    dispatcher.disable_compile()
    return dispatcher


def rename(function: Any, symbol: str) -> Any:
    """Give a compiled function the name by which others call it; return the type of its answer."""
    (compiled,) = function.overloads.values()
    compiled.library._final_module.get_function(compiled.fndesc.mangled_name).name = symbol
    compiled.fndesc.mangled_name = symbol
    return compiled.signature.return_type


def joined(
    functions: Iterable[bytes], entry: str, rules: Mapping[str, tuple[Called, ...]]
) -> EngineBitcode:
    """Put an engine together from its functions.

    Args:
        functions: the functions.
        entry: name of the function by which Python calls it.
        rules: as what it may call each rule; where it does not, that is left out.

    Raises:
        LinkError: if two of them have the same name.
    """
    import llvmlite.binding as llvm

    first, *others = map(llvm.parse_bitcode, functions)
    for other in others:
        first.link_in(other)
    _hide_all_but(first, {entry})
    _check_stands_alone(first)
    # What is still only declared are rules, and what numba and C provide.
    missing = {one.name for one in first.functions if one.is_declaration}
    used = {
        name: tuple(one for one in each if one.symbol in missing) for name, each in rules.items()
    }
    return EngineBitcode(first.as_bitcode(), entry, used)


def bodies(rule: Any, calls: Iterable[Called]) -> tuple[bytes, ...]:
    """Return a rule with all that it reaches, as bitcode, for each way in which it is called.

    Args:
        rule: the rule; what is not compiled of it yet is compiled here, within :func:`once`.
        calls: as what an engine calls it.

    Raises:
        LinkError: if it returns another type than the engine takes, or does not stand alone.
    """
    return tuple(_body(rule, call) for call in calls)


def _body(rule: Any, call: Called) -> bytes:
    if call.arguments not in rule.overloads:
        rule.compile(call.arguments)
    compiled = rule.overloads[call.arguments]
    if compiled.signature.return_type != call.answer:
        raise LinkError(f"it returns {compiled.signature.return_type}, not {call.answer}")
    module = compiled.library._final_module.clone()
    for library in _reached(compiled.library):
        module.link_in(library._get_module_for_linking(), preserve=True)
    module.get_function(compiled.fndesc.mangled_name).name = call.symbol
    _hide_all_but(module, {call.symbol})
    _check_stands_alone(module)
    return module.as_bitcode()


def _hide_all_but(module: ModuleRef, seen: set[str], hidden: str = "internal") -> None:
    """Keep these functions of a module for others to call, and the rest only if it calls them."""
    for function in module.functions:
        if not function.is_declaration:
            function.linkage = "external" if function.name in seen else hidden


def _check_stands_alone(module: ModuleRef) -> None:
    """Check that a module holds no address of this process.

    Raises:
        LinkError: if it does, or reads Python's objects from an environment.
    """
    from numba.core.environment import lookup_environment

    for variable in module.global_variables:
        environment = lookup_environment(variable.name)
        # numba compiles an object's address into these. It is right in this process only, and the
        # bitcode is kept for others.
        dynamic = variable.name.startswith(("numba.dynamic.globals", ".numba.unresolved"))
        if dynamic or (environment and environment.consts):
            raise LinkError(f"it needs {variable.name}")


# --- machine code ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Code:
    """Machine code.

    Attributes:
        machine: the code, as an object file.
        environments: names of what its functions read Python's objects from.
    """

    machine: bytes
    environments: tuple[str, ...]


def code_of_engine(engine: EngineBitcode, *, quick: bool = False) -> Code:
    """Return machine code of an engine that calls its rules, wherever they are.

    Args:
        engine: the engine.
        quick: optimise it little, which takes a fraction of the time; it runs slower.
    """
    return _machine_code([engine.bitcode], {engine.entry}, engine.symbols, quick=quick)


def code_of_rules(engine: EngineBitcode, rules: Iterable[bytes], *, quick: bool = False) -> Code:
    """Return machine code of rules alone, as an engine calls them; optimised little if quick."""
    return _machine_code(rules, engine.symbols, quick=quick)


def code_of_both(engine: EngineBitcode, rules: Iterable[bytes]) -> Code:
    """Return machine code of an engine with its rules written out where they are called."""
    return _machine_code([engine.bitcode, *rules], {engine.entry})


def _machine_code(
    parts: Iterable[bytes],
    seen: set[str],
    elsewhere: Container[str] = (),
    *,
    quick: bool = False,
) -> Code:
    """Link bitcode, optimise it as numba does, and return it as machine code.

    Args:
        parts: the bitcode.
        seen: functions that other code calls.
        elsewhere: functions that are in other code.
        quick: optimise it little.

    Raises:
        LinkError: if another function is called that is not to be found.
    """
    import llvmlite.binding as llvm

    library = _codegen().create_library("linked")
    module = library._final_module
    for part in parts:
        module.link_in(llvm.parse_bitcode(part))
    # Not "internal", which would write out more of them where they are called: it takes half as
    # long again, and does not run faster.
    _hide_all_but(module, seen, "linkonce_odr")
    for function in module.functions:
        name = function.name
        # Looked for beforehand: LLVM ends the whole process over a symbol that it cannot resolve.
        found = name in elsewhere or name.startswith("llvm.") or llvm.address_of_symbol(name)
        if function.is_declaration and not found:
            raise LinkError(f"nothing is called {name}")
    if quick:
        _optimize_little(module)
    else:
        library._optimize_final_module()
    module = library._final_module
    names = (one.name for one in module.global_variables if not one.is_declaration)
    environments = tuple(name for name in names if name.startswith(ENVIRONMENT))
    machine = _machine(0) if quick else _codegen()._tm
    return Code(machine.emit_object(module), environments)


def _optimize_little(module: ModuleRef) -> None:
    """Write out small functions where they are called, and keep variables in registers."""
    import llvmlite.binding as llvm

    tuning = llvm.create_pipeline_tuning_options(speed_level=0)
    builder = llvm.create_pass_builder(_codegen()._tm, tuning)
    builder.getModulePassManager().run(module, builder)
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)


def _machine(optimisation: int) -> Any:
    """Return what emits machine code for this processor."""
    import llvmlite.binding as llvm

    options = {"opt": optimisation}
    _codegen()._customize_tm_options(options)
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(**options)


def load(codes: Iterable[Code], entry: str) -> Callable[..., int]:
    """Return a function that calls an engine, from the machine code that makes it up.

    Each has symbols of its own, so that engines of the same code but other rules do not meet.

    Args:
        codes: the machine code.
        entry: name of the function by which Python calls it.
    """
    import llvmlite.binding as llvm
    from numba import _dynfunc
    from numba.core import config
    from numba.core.environment import Environment

    from innovation_abm.kernel import week

    # The module to begin with is empty, as all code comes from object files.
    memory = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(config.OPT))
    for code in codes:
        memory.add_object_file(llvm.ObjectFileRef.from_data(code.machine))
    memory.finalize_object()
    environment = Environment(vars(week))  # one for all, as no function has objects in its own
    for name in {name for code in codes for name in code.environments}:
        place = memory.get_global_value_address(name)
        ctypes.c_void_p.from_address(place).value = id(environment)
    address = memory.get_function_address(entry)
    # The machine code goes when `memory` does, so the function must hold it.
    kept_alive = (memory, environment)
    return _dynfunc.make_function(week, "replicate", "", address, environment, kept_alive)


@lru_cache(maxsize=1)
def _codegen() -> JITCPUCodegen:
    """Return what numba makes libraries with, once its own functions can be found in memory."""
    from numba.core.registry import cpu_target
    from numba.core.runtime import rtsys

    rtsys.initialize(cpu_target.target_context)
    return cpu_target.target_context.codegen()
