"""Running a file or a folder of rules: a file with those of its folder, or a folder as a package.

What is run is what was read, and is what a digest of the rules covers. Afterwards Python's table of
modules is as it was, so that another folder may have modules of the same names.
"""

from __future__ import annotations

import hashlib
import importlib
import linecache
import sys
import sysconfig
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from importlib.metadata import packages_distributions
from importlib.util import spec_from_file_location
from pathlib import Path, PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.agents.fields import FieldError
from innovation_abm.entities.protocols import IdeaLike, PersonLike, readable
from innovation_abm.errors import did_you_mean
from innovation_abm.rules.book import RuleError
from innovation_abm.rules.declaring import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike
    from types import CodeType

OURS: Final = "innovation_abm"
_LOADING: Final = threading.RLock()
"""Held while a file is run: Python's table of modules is changed for that time."""
NEAR: Final = 0.7
"""How similar a name must be to a known one, in [0, 1], to count as a typo."""
INIT: Final = "__init__"
INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
"""Folders in which packages are installed."""


@dataclass(frozen=True)
class Loaded:
    """What was run.

    Attributes:
        texts: contents of every file that it was made of, by name, a file's own first.
        declaring: the modules in which rules and agents count, by the name that users see.
        modules: all modules, by their files.
    """

    texts: Mapping[str, bytes]
    declaring: Mapping[str, ModuleType]
    modules: Mapping[Path, ModuleType]


def load(path: str | PathLike[str]) -> Loaded:
    """Run a file, or all files of a folder but tests.

    Raises:
        RuleError: if one cannot be read or run, or a folder's lead out of it.
    """
    with _readable(path):
        place = Path(path).resolve()
        is_folder = place.is_dir()
        source = b"" if is_folder else Path(path).read_bytes()
    if is_folder:
        return _load_folder(str(path).rstrip("/\\") or str(place), place)
    return _load_file(str(path), place, source)


@contextmanager
def _readable(path: str | PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RuleError(f"{path}: cannot be read: {reason}") from None


def _load_file(name: str, place: Path, source: bytes) -> Loaded:
    neighbours = _Neighbours(place.parent)
    module = ModuleType(f"_{OURS}_rules_{hashlib.sha256(source).hexdigest()[:16]}")
    module.__file__ = str(place)
    with _LOADING, _at_hand(neighbours):
        _execute(name, place, source, module)
        modules = {place: module, **neighbours.modules()}
    texts = {place.name: source} | {
        file.relative_to(place.parent).as_posix(): text
        for file, text in sorted(neighbours.read.items())
    }
    return Loaded(texts, {name: module}, modules)


def _execute(name: str, place: Path, source: bytes, module: ModuleType) -> None:
    sys.modules[module.__name__] = module  # where dataclasses look for what a class refers to
    _remember(str(place), source)
    try:
        with _told(name, {str(place): name}):
            exec(compile(source, str(place), "exec", dont_inherit=True), vars(module))
    finally:
        del sys.modules[module.__name__]


def _remember(place: str, source: bytes) -> None:
    """Keep the source of agents as it was run, edited since or not; the engine reads it again."""
    lines = source.decode("utf-8", "replace").splitlines(keepends=True)
    linecache.cache[place] = (len(source), None, lines, place)


@contextmanager
def _told(name: str, files: Mapping[str, str], package: str = "") -> Iterator[None]:
    """Tell where a user's file fails.

    Args:
        name: what is loaded, as the user names it.
        files: the names of its files by their paths.
        package: the name of the package that it is loaded as; "" if none.

    Raises:
        RuleError: instead of whatever goes wrong.
    """
    try:
        yield
    except SyntaxError as error:
        file = files.get(str(error.filename), name if error.filename is None else "")
        line = "" if error.lineno is None else f", line {error.lineno}"
        shown = file or PurePath(str(error.filename)).name
        raise RuleError(f"{shown}{line}: invalid Python: {error.msg}") from None
    except (Exception, SystemExit) as error:  # whatever the file does
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(files[one.filename], one.lineno) for one in frames if one.filename in files]
        where = f"{lines[-1][0]}, line {lines[-1][1]}" if lines else name
        declared = isinstance(error, ParameterError | FieldError | RuleError)
        why = str(error) if declared else explained(error)
        told = why.replace(package, PurePath(name).name) if package else why
        raise RuleError(f"{where}: {told}") from None


# --- a file with those beside it ------------------------------------------------------------------


class _Fresh(SourceFileLoader):
    """Loads from the source, never from cached bytecode, which misses an edit within a second."""

    def __init__(self, name: str, path: str, read: dict[Path, bytes]) -> None:
        super().__init__(name, path)
        self._read = read

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        source = self._read.get(Path(path)) or self.get_data(path)
        self._read[Path(path)] = source
        _remember(path, source)
        return self.source_to_code(source, path)


class _Finder(MetaPathFinder):
    """Finds modules of a folder.

    Attributes:
        read: contents of its files that were read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read: dict[Path, bytes] = {}

    def may_hold(self, name: str) -> bool:
        """Whether a module of this name is looked for in the folder."""
        first = name.partition(".")[0]
        return first not in sys.stdlib_module_names and first != OURS

    def names(self) -> set[str]:
        """Return the names of the modules in the folder."""
        found = {path.stem for path in self.folder.glob("*.py")}
        found |= {path.parent.name for path in self.folder.glob("*/__init__.py")}
        return {name for name in found if self.may_hold(name)}


class _Neighbours(_Finder):
    """Finds modules in the folder of the rule file, and notes what was read."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module; Python's own and this package go before files of the same name."""
        if not self.may_hold(name):
            return None
        for folder in [str(self.folder)] if path is None else path:
            if Path(folder).is_relative_to(self.folder):
                loader: Any = self._loader  # a function serves as the class
                finder = FileFinder(folder, (loader, SOURCE_SUFFIXES))
                spec = finder.find_spec(name)
                if spec is not None and spec.loader is not None:
                    return spec
        return None

    def _loader(self, name: str, path: str) -> _Fresh:
        return _Fresh(name, path, self.read)

    def modules(self) -> dict[Path, ModuleType]:
        """Return the modules that were imported from the folder, while they are loaded."""
        names = self.names()
        near = [one for name, one in sys.modules.copy().items() if name.partition(".")[0] in names]
        loaded = {getattr(module, "__file__", None): module for module in near}
        return {path: loaded[str(path)] for path in self.read if str(path) in loaded}


@contextmanager
def _at_hand(finder: _Finder) -> Iterator[None]:
    """Import modules of a folder afresh, and restore everything afterwards.

    So another folder may have a module of the same name, and an edited one is not mistaken for
    the one that was loaded before.
    """
    names = finder.names()

    def theirs() -> list[str]:
        return [name for name in list(sys.modules) if name.partition(".")[0] in names]

    before = {name: sys.modules.pop(name) for name in theirs()}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in theirs():
            del sys.modules[name]
        sys.modules.update(before)


# --- a folder -------------------------------------------------------------------------------------


def _load_folder(name: str, place: Path) -> Loaded:
    """Run all files of a folder as the modules of one package."""
    files = _files(name, place)
    with _readable(name):
        texts = {one.relative_to(place).as_posix(): one.read_bytes() for one in files}
    digest = hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()
    finder = _Package(place, f"_{OURS}_rules_{digest[:16]}", texts)
    shown = {str(place / file): f"{name}/{file}" for file in texts}
    with _LOADING, _at_hand(finder), _told(name, shown, finder.package):
        declaring = {
            shown[str(place / file)]: importlib.import_module(finder.module(file))
            for file in sorted(texts, key=lambda one: (PurePath(one).stem != INIT, one))
        }
        _check_inside(place, declaring)
    modules = {Path(str(one.__file__)): one for one in declaring.values()}
    return Loaded(texts, declaring, modules)


def _files(name: str, place: Path) -> list[Path]:
    """List the files of a folder that count: all but tests and virtual environments.

    Raises:
        RuleError: if there is none, or one is a link that leads out of the folder.
    """
    environments = {one.parent for one in place.rglob("pyvenv.cfg")}
    files = (one for one in place.rglob("*.py") if environments.isdisjoint(one.parents))
    inside = (one.relative_to(place) for one in files)
    found = sorted(one for one in inside if not any(map(_is_left_out, one.parts)))
    if not found:
        raise RuleError(f"{name}: holds no Python file; rules are functions with @rule above them")
    for one in found:
        if "." in one.stem:
            raise RuleError(f"{name}/{one.as_posix()}: rename it: a module has no dot in its name")
        if not (real := (place / one).resolve()).is_relative_to(place):
            raise RuleError(
                f"{name}/{one.as_posix()}: leads out of the folder, to {real}; copy that file "
                "into the folder"
            )
    return [place / one for one in found]


def _is_left_out(part: str) -> bool:
    """Whether files of this name, or in a folder of this name, are no part of the rules."""
    stem = part.removesuffix(".py")
    is_test = stem.startswith("test_") or stem.endswith("_test") or stem in ("tests", "conftest")
    return is_test or part == "__pycache__" or part.startswith(".")


class _Package(_Finder):
    """Finds the modules of a folder: as a package's, and the same ones by their own names."""

    def __init__(self, folder: Path, package: str, texts: Mapping[str, bytes]) -> None:
        super().__init__(folder)
        self.package = package
        self.read = {folder / file: text for file, text in texts.items()}

    def module(self, file: str) -> str:
        """Return the name of the module that a file is loaded as."""
        parts = PurePath(file).with_suffix("").parts
        return ".".join([self.package, *(part for part in parts if part != INIT)])

    def names(self) -> set[str]:
        """Return the names of the modules in the folder, and that of the package."""
        folders = {file.relative_to(self.folder).parts[0] for file in self.read}
        own = {one.removesuffix(".py") for one in folders}
        return {self.package, *(one for one in own if self.may_hold(one))}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module by its name in the package, or by its own."""
        first, _, rest = name.partition(".")
        if first != self.package:
            known = first in self.names() and self._place(name) is not None
            return ModuleSpec(name, _Same(f"{self.package}.{name}")) if known else None
        place = self._place(rest)
        if place is None:
            return None
        if place.is_dir():  # a package whose folder has no __init__.py
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [str(place)]
            return spec
        inside = [str(place.parent)] if place.stem == INIT else None
        loader = _Fresh(name, str(place), self.read)
        return spec_from_file_location(
            name, place, loader=loader, submodule_search_locations=inside
        )

    def _place(self, name: str) -> Path | None:
        """Return the file of a module, or its folder; ``None`` if there is none."""
        place = self.folder.joinpath(*filter(None, name.split(".")))
        for file in (place / f"{INIT}.py", place.with_name(f"{place.name}.py")):
            if file in self.read:
                return file
        return place if any(file.is_relative_to(place) for file in self.read) else None


class _Same(Loader):
    """Loads a module that is there under another name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module itself."""
        module = importlib.import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing, as that was done, and undo what Python notes of the other name."""
        module.__spec__ = self._spec


def _check_inside(place: Path, modules: Mapping[str, ModuleType]) -> None:
    """Check that modules use nothing but each other and what is installed.

    Raises:
        RuleError: if one uses a file elsewhere, which no digest of the rules would cover.
    """
    for file, module in modules.items():
        for name, value in list(vars(module).items()):
            is_module = isinstance(value, ModuleType)
            home = value if is_module else sys.modules.get(getattr(value, "__module__", None) or "")
            origin = getattr(home, "__file__", None)
            if home is not None and origin and not _is_at_hand(Path(origin), place, home.__name__):
                raise RuleError(
                    f"{name} in {PurePath(file).name} comes from {origin}, which is outside the "
                    "folder; copy that file into the folder"
                )


def _is_at_hand(origin: Path, place: Path, module: str) -> bool:
    """Whether a module is in a folder, or comes with this package, Python or a package."""
    if origin.is_relative_to(place) or INSTALLED & set(origin.parts):
        return True
    first = module.partition(".")[0]
    library = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
    if first == OURS or any(origin.is_relative_to(one) for one in library):
        return True
    return first in packages_distributions()


# --- what went wrong ------------------------------------------------------------------------------


def explained(error: BaseException, *, methods: bool = True) -> str:
    """Return what went wrong in a user's code, and the nearest name if one is wrong.

    Args:
        error: what was raised.
        methods: whether methods may be suggested, which a rule cannot call.
    """
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, AttributeError) and error.name is not None:
        names = [one for one in dir(error.obj) if not one.startswith("_")]
        if isinstance(error.obj, ModuleType | type):
            return told + did_you_mean(error.name, names)
        instead = ""
        if offered := [] if methods else _read_by_rules(error.obj):
            names, instead = offered, f"rules read {', '.join(offered)}"
        elif not methods:
            kind = type(error.obj)
            names = [one for one in names if not callable(getattr(kind, one, None))]
        told += did_you_mean(error.name, names, instead, cutoff=NEAR)
    return told


def _read_by_rules(value: object) -> list[str]:
    """Return what rules may read of a person or an idea; nothing if it is neither."""
    for protocol in (PersonLike, IdeaLike):
        offered = readable(protocol)
        if all(hasattr(value, one) for one in offered):
            return offered
    return []
