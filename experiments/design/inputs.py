"""The files that a study or calibration refers to, kept in its folder, which alone repeats it.

They are in the folder ``inputs`` beside ``study.toml``, under the names by which the study calls
them; a file that lies elsewhere is called by its name alone. A chart is kept as it was understood:
posts, units and who reports to whom, and nothing about people. ``contents.json`` lists the files
with their checksums, the organisations with theirs, and the versions of the packages.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from innovation_abm.charts.charts import load_chart, write_chart
from innovation_abm.console import to_json
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.design.factors import Factor, Level, Start
from innovation_abm.experiments.design.sections import INPUTS
from innovation_abm.reading.text_files import write_whole
from innovation_abm.rules.files import FileRules
from innovation_abm.scenario.networks import NETWORKS, named_by_file

if TYPE_CHECKING:
    from innovation_abm.experiments.design.sections import Base
    from innovation_abm.experiments.design.study import Study
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

CONTENTS: Final = "contents.json"
"""The list of the files."""

S = TypeVar("S", bound=Start)


def keep(
    study: Study,
    folder: Path,
    charts: Mapping[str, Organization],
    books: Mapping[str | None, RuleBook | None],
    versions: Mapping[str, str],
) -> Study:
    """Copy the files that a study refers to into its folder.

    Args:
        study: the study; everything in it has been checked.
        folder: the folder of its runs.
        charts: the organisations that have been read already, by the paths of their charts.
        books: its rule books, by the names of their files.
        versions: the versions of packages.

    Returns:
        The study as it refers to the copies, in that folder.

    Raises:
        InnovationAbmError: if a file cannot be read or written.
    """
    kept = KeptFiles(study, charts, books)
    packed = study.but(
        base=kept.base(),
        factors=tuple(kept.factor(one) for one in study.factors),
        design=study.design.model_copy(update=kept.points(study)),
        source=None,
        folder=folder.absolute(),
    )
    kept.write(folder, versions)
    return packed


def changed(home: Path, what: str = "study") -> Iterator[str]:
    """Yield lines about kept files that are no longer what they were.

    Args:
        home: the folder that has the folder ``inputs``.
        what: what ran with them.
    """
    folder = home / INPUTS
    try:
        known = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))["files"]
        items = sorted(known.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
    for name, digest in items:
        path = folder / str(name)
        if not path.is_file():
            yield f"{path} is missing since the {what} ran"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"{path} has changed since the {what} ran"


class Owner(Protocol):
    """What refers to files: a study, or a calibration."""

    @property
    def base(self) -> Base:
        """What all points have in common."""

    def path(self, name: str) -> Path:
        """Return the absolute path of a file that it names."""

    def origin(self, start: Start) -> Scenario:
        """Return the preset or file that a section starts from."""

    def read_rules(self, name: str | None) -> RuleBook | None:
        """Read the rules of a file that it names."""


class KeptFiles:
    """The files that are kept, by their names in the folder ``inputs``.

    Attributes:
        files: their contents.
        organizations: checksums of the charts' organisations.
    """

    def __init__(
        self,
        owner: Owner,
        charts: Mapping[str, Organization] = MappingProxyType({}),
        books: Mapping[str | None, RuleBook | None] = MappingProxyType({}),
    ) -> None:
        """Keep none yet.

        Args:
            owner: what refers to them.
            charts: the organisations that have been read already, by the paths of their charts.
            books: its rule books that have been read already, by the names of their files.
        """
        self._owner, self._charts, self._books = owner, charts, books
        self._names: dict[tuple[str, str], str] = {}
        self.files: dict[str, bytes] = {}
        self.organizations: dict[str, str] = {}

    def write(self, folder: Path, versions: Mapping[str, str]) -> None:
        """Write them into a folder, with a list of them and of the versions of packages.

        Raises:
            InnovationAbmError: if they cannot be written.
        """
        digests = {name: hashlib.sha256(text).hexdigest() for name, text in self.files.items()}
        about = {"versions": dict(versions), "files": digests, "organisations": self.organizations}
        listed = {**self.files, CONTENTS: (to_json(about) + "\n").encode()}
        try:
            for name, content in listed.items():
                path = folder / INPUTS / name
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, content)
        except OSError as error:
            raise InnovationAbmError(
                f"cannot write {folder / INPUTS}: {error.strerror or error}"
            ) from None

    def base(self) -> Base:
        """Keep what all points have in common, and return it with the names of these files."""
        base = self._start(self._owner.base)
        return base.model_copy(update={"repair": False, "columns": {}})  # charts are understood

    def _start(self, start: S) -> S:
        changes: dict[str, Any] = {"values": self._values(start.values)}
        if start.chart is not None:
            changes["chart"] = self.chart(start.chart)
        if start.file is not None:
            changes["file"] = self._scenario(start)
        rules = getattr(start, "rules", None)
        if rules is not None:
            changes["rules"] = self.rules(rules)
        return start.model_copy(update=changes)

    def _values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.network(str(value)) if name in NETWORKS and named_by_file(value) else value
            for name, value in values.items()
        }

    def factor(self, factor: Factor) -> Factor:
        """Keep the files of a factor's values and levels, and return it with their names."""
        levels: tuple[Level, ...] = tuple(self._start(one) for one in factor.level)
        found = self._of_factor(factor)
        values = factor.values if found is None else tuple(found(str(x)) for x in factor.values)
        return factor.model_copy(update={"level": levels, "values": values})

    def _of_factor(self, factor: Factor) -> Callable[[str], str] | None:
        """Return what keeps a value of a factor whose values name files."""
        if factor.parameter == "chart":
            return self.chart
        return self._network_value if factor.parameter in NETWORKS else None

    def _network_value(self, value: str) -> str:
        return self.network(value) if named_by_file(value) else value

    def points(self, study: Study) -> dict[str, Any]:
        """Keep the file of a study's points, with the names in it."""
        design = study.design
        if design.file is None:
            return {}
        name = self._name("points", design.file)
        keepers = {one.name: found for one in study.factors if (found := self._of_factor(one))}
        if keepers:
            frame = study.points()
            for column, found in keepers.items():
                frame[column] = frame[column].map(found)
            self.files[name] = frame.to_csv(index=False).encode()
        else:
            self.files[name] = study.path(design.file).read_bytes()
        return {"file": name}

    def chart(self, given: str, path: str | None = None) -> str:
        """Keep a chart as it was understood; ``path`` is where it is, if not from the study."""
        where = path or str(self._owner.path(given))
        name = self._name("chart", where if path else given, ".csv")
        if name not in self.files:
            found = self._charts.get(where) or load_chart(where, **self._owner.base.reading)
            self.files[name] = written(partial(write_chart, found))
            self.organizations[name] = found.digest()
        return name

    def network(self, given: str, path: str | None = None) -> str:
        """Keep a file with a network; ``path`` is where it is, if not from the study."""
        name = self._name("network", path or given)
        self.files[name] = Path(path or self._owner.path(given)).read_bytes()
        return name

    def _scenario(self, start: Start) -> str:
        """Keep a scenario file, and the chart and networks that it names."""
        assert start.file is not None
        name = self._name("scenario", start.file)
        self.scenario(self._owner.origin(start), name)
        return name

    def scenario(self, scenario: Scenario, name: str) -> None:
        """Keep a scenario under a name, and the chart and networks that it names."""
        keepers = {"chart": self.chart} | dict.fromkeys(NETWORKS, self.network)
        beside = PurePosixPath(name).parent
        files = {
            key: PurePath(os.path.relpath(keepers[key](file, file), beside)).as_posix()
            for key, file in scenario.files()
        }
        self.files[name] = scenario.but(**files).to_toml().encode()

    def rules(self, given: str) -> str:
        """Keep a folder of rules, or a file of rules and what it imports from its folder."""
        book = self._books.get(given) or self._owner.read_rules(given)
        assert isinstance(book, FileRules)
        path, place = Path(given), given
        if not _is_inside(given):  # neighbours of another file may have the same names
            alone = book.is_folder or len(book.texts) == 1
            place = f"rules/{path.name}" if alone else f"rules/{path.stem}/{path.name}"
        name = self._name("rules", given, place=place)
        beside = PurePosixPath(name)
        if not book.is_folder:
            (_, self.files[name]), *others = book.texts.items()
            beside = beside.parent
        else:
            others = list(book.texts.items())
        self.files |= {str(beside / other): text for other, text in others}
        return name

    def _name(self, kind: str, given: str, suffix: str = "", place: str = "") -> str:
        """Return the name of a file in ``inputs``, at ``place`` if free: no two files share one."""
        if (kind, given) not in self._names:
            path = PurePath(place or given)
            kept = PurePosixPath(path.as_posix() if _is_inside(str(path)) else path.name)
            if suffix:
                kept = kept.with_suffix(suffix)
            taken = {name.casefold() for name in (*self._names.values(), CONTENTS)}
            tried, number = kept, 2
            while str(tried).casefold() in taken:
                # A rule file keeps its own name, which its runs depend on.
                aside = kept.parent / f"{kept.stem}-{number}"
                tried = aside / kept.name if kind == "rules" else aside.with_suffix(kept.suffix)
                number += 1
            self._names[kind, given] = str(tried)
        return self._names[kind, given]


def _is_inside(given: str) -> bool:
    """Whether a path is relative and stays in the folder that it starts from."""
    path = PurePath(given)
    return not path.is_absolute() and not path.drive and ".." not in path.parts


def written(write: Callable[[Path], object]) -> bytes:
    """Return what a function writes into a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        write(path)
        return path.read_bytes()
