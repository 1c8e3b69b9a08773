"""The results of the runs of a study as pandas frames, read from its folder or made from frames.

A folder can be read at any time: while a process writes it, after a process was killed, or where
nothing can be written. Results are those at that moment; load the study again to see more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from innovation_abm.errors import InnovationAbmError, did_you_mean
from innovation_abm.experiments.store import checking, ledger, table_parts
from innovation_abm.experiments.store.checking import DamagedStudyError, StoredPart
from innovation_abm.experiments.store.ledger import STUDY_FILE, StoreError
from innovation_abm.experiments.store.table_parts import PARTS_FOLDER, RUN_COLUMNS
from innovation_abm.extras import require

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.store.exporting import Format

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class KeptTable:
    """A table that is kept in full for every run.

    Attributes:
        parts: its parts, as listed in the ledger.
        folder: the folder of the study.
        spans: for each batch, by number, a description of its runs.
    """

    parts: tuple[StoredPart, ...]
    folder: Path
    spans: Mapping[int, str]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of its parts."""
        return tuple(self.folder / PARTS_FOLDER / part.file for part in self.parts)

    @property
    def rows(self) -> int:
        """Rows in all parts, including those of points that the study no longer has."""
        return sum(part.rows for part in self.parts)

    def check(self) -> None:
        """Check that no part is damaged.

        Raises:
            DamagedStudyError: if one is.
        """
        faults = checking.faults_of_parts(self.folder, self.parts, self.spans)
        if faults:
            raise DamagedStudyError(self.folder, faults)


@dataclass(frozen=True)
class Wanted:
    """Which runs belong to a study as it is now.

    Attributes:
        point: the ledger's number of each point of the design, in its order.
        replications: number of replications asked for, for each point.
    """

    point: IntArray
    replications: IntArray


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The results of the runs of a study. Made by :func:`load_study` or :meth:`from_frames`.

    Attributes:
        points: the design as returned by ``study.points()``: one row per point, one column per
            factor.
        runs: one row per successful run: ``point``, the factors, ``replication``, the measures
            (NaN where undefined); sorted by point and replication. It has only runs of the design
            and of the replications asked for, and only what is the same whenever they are repeated.
        failures: one row per failed run: ``point``, ``replication``, ``error``.
        provenance: one row per run, including failed ones, sorted the same way: ``point``,
            ``replication``, ``ok``, ``attempt`` (1: the first), ``worker``, ``started`` (UTC),
            ``seconds`` (those of its batch, divided among its runs), ``session``.
        sessions: one row per sweep: ``session``, ``started``, ``ended`` (NaT if it was interrupted
            or is running), ``process``, ``host``, versions and anything else recorded.
        measures: names of the measures.
        missing: number of runs that are asked for and have not succeeded.
        settled: whether no more replications will be asked for.
        manifest: what all runs depend on, as texts.
        tables: names of the tables that are kept in full; see :meth:`table`.
        folder: the folder it was read from; ``None`` if made from frames.
        study_toml: the study file, as last swept; empty if it was not stored.
    """

    points: pd.DataFrame
    runs: pd.DataFrame
    failures: pd.DataFrame
    provenance: pd.DataFrame
    sessions: pd.DataFrame
    measures: tuple[str, ...]
    missing: int
    settled: bool
    manifest: Mapping[str, str]
    folder: Path | None
    study_toml: str
    _study: Study | None
    _kept: Mapping[str, KeptTable]
    _wanted: Wanted

    def __repr__(self) -> str:
        """Return a one-line summary; the frames have their own representation."""
        where = "made from frames" if self.folder is None else f"in {self.folder}"
        return (
            f"<Results {where}: {len(self.points):,} points, {len(self.runs):,} runs, "
            f"{len(self.failures):,} failed, {self.missing:,} missing; "
            f"measures {', '.join(self.measures)}>"
        )

    @cached_property
    def study(self) -> Study:
        """The study, read on first use, so that an error in it affects nothing else.

        Raises:
            InnovationAbmError: if the study file is not valid, or was not stored.
        """
        return self._study or _read_study(self.study_toml, self.folder)

    @property
    def complete(self) -> bool:
        """Whether every run that is asked for has succeeded, and no more will be asked for."""
        return self.missing == 0 and self.settled

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that are kept in full for every run."""
        return tuple(self._kept)

    @classmethod
    def from_frames(cls, study: Study, runs: pd.DataFrame) -> Results:
        """Make results from a frame of runs.

        Args:
            study: the study of the runs.
            runs: one row per run: ``point`` (its number in ``study.points()``), ``replication``,
                and the measures; missing columns of factors are added.

        Raises:
            StoreError: if columns are missing, or a run belongs to no point of the study or
                appears twice.
        """
        points = study.points()
        lacking = [name for name in RUN_COLUMNS if name not in runs]
        if lacking:
            raise StoreError(f"the column {lacking[0]!r} of the runs is missing")
        if not runs["point"].isin(points.index).all():
            raise StoreError("some runs belong to points that the study does not have")
        if runs.duplicated(list(RUN_COLUMNS)).any():
            raise StoreError("some runs appear twice")
        measures = [str(n) for n in runs if n not in RUN_COLUMNS and n not in points]
        ordered = runs.sort_values(list(RUN_COLUMNS), kind="stable", ignore_index=True)
        position = ordered["point"].to_numpy()
        values = {name: ordered[name].to_numpy(float) for name in measures}
        asked = np.full(len(points), study.replications.at_most)
        return cls(
            points=points,
            runs=_runs(points, position, ordered["replication"].to_numpy(), values),
            failures=_frame({"point": [], "replication": [], "error": []}),
            provenance=_frame({name: [] for name in PROVENANCE}),
            sessions=_frame({name: [] for name in SESSION}),
            measures=tuple(measures),
            missing=_missing(ordered["point"], study),
            settled=True,
            manifest={},
            folder=None,
            study_toml=study.to_toml(),
            _study=study,
            _kept={},
            _wanted=Wanted(np.arange(len(points)), asked),
        )

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return a table that was kept in full for every run.

        Args:
            name: one of :attr:`tables`.
            columns: columns in addition to ``point`` and ``replication``; ``None`` for all.

        Returns:
            All rows of all :attr:`runs`, sorted by ``point`` and ``replication``.

        Raises:
            StoreError: if the table was not kept, or cannot be read.
        """
        import pyarrow as pa

        rows: pd.DataFrame = pa.concat_tables(self.batches(name, columns)).to_pandas()
        return rows

    def batches(self, name: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield a table like :meth:`table`, some points at a time, in case it exceeds memory."""
        import pyarrow as pa

        if name not in self._kept:
            kept = f"it kept {', '.join(self._kept)}" if self._kept else "it kept no tables"
            raise StoreError(
                f'the study did not keep a table "{name}"{did_you_mean(name, self._kept, kept)}'
            )
        table = self._kept[name]
        if not table.files:
            yield pa.table({name: pa.array([], pa.int64()) for name in RUN_COLUMNS})
            return
        table.check()
        yield from table_parts.read_parts(
            table.files, self._wanted.point, self._wanted.replications, table.rows, columns
        )

    def export(
        self, folder: str | PathLike[str], format: Format = "parquet", *, excel: bool = False
    ) -> Path:
        """Write everything as tidy files; see :mod:`innovation_abm.experiments.store.exporting`."""
        from innovation_abm.experiments.store.exporting import export

        return export(self, folder, format, excel=excel)


PROVENANCE = (
    "point",
    "replication",
    "ok",
    "attempt",
    "worker",
    "started",
    "seconds",
    "session",
)
SESSION = ("session", "started", "ended", "process", "host")


def load_study(path: str | PathLike[str]) -> Results:
    """Read the folder of a study as it is now.

    Args:
        path: the folder.

    Returns:
        The results of its runs.

    Raises:
        DamagedStudyError: if it is damaged, listing all damage.
        StoreError: if it does not hold a study, or cannot be read.
    """
    require("studies", "Studies")
    folder = Path(path).absolute()
    with ledger.reading(folder) as connection:
        found = checking.read(connection, leave_out=["points"])
    if found.faults:
        raise DamagedStudyError(folder, found.faults)
    meta: dict[str, str] = dict(found.rows["meta"])
    text = meta.get("study", "")
    design = sorted(found.rows["design"])
    wanted = _wanted(design, text, folder)
    points = _points(design)
    measures, ran, failed = found.measures, found.runs, found.rows["failures"]

    keys = ran[:, : len(ledger.FIXED)].astype(np.int64)
    position, rows = _pick(keys, wanted)
    values = {name: ran[rows, len(ledger.FIXED) + n] for n, name in enumerate(measures)}
    lost = np.array([row[:4] for row in failed], np.int64).reshape(-1, 4)
    at, those = _pick(lost, wanted)
    return Results(
        points=points,
        runs=_runs(points, position, keys[rows, 0], values),
        failures=_frame(
            {
                "point": at,
                "replication": lost[those, 0],
                "error": [failed[n][4] for n in those.tolist()],
            }
        ),
        provenance=_provenance(position, keys[rows], at, lost[those], sorted(found.rows["chunks"])),
        sessions=_sessions(sorted(found.rows["sessions"])),
        measures=tuple(measures),
        missing=int(wanted.replications.sum()) - len(rows),
        settled=meta.get("settled") == "1",
        manifest=dict(sorted(found.rows["manifest"])),
        folder=folder,
        study_toml=text,
        _study=None,
        _kept=_kept(found, folder),
        _wanted=wanted,
    )


def _missing(point: pd.Series[int], study: Study) -> int:
    """Count the runs that are missing from the minimum number of replications."""
    number = point.value_counts().reindex(study.points().index, fill_value=0)
    return int((study.replications.at_least - number).clip(lower=0).sum())


def study_in(folder: str | PathLike[str]) -> Study | None:
    """Return the study in a folder; ``None`` if there is none, or none that can be read."""
    folder = Path(folder)
    try:
        return _read_study((folder / STUDY_FILE).read_text(encoding="utf-8"), folder)
    except (OSError, UnicodeDecodeError, InnovationAbmError):
        return None


def _read_study(text: str, folder: Path | None) -> Study:
    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.design.versions import stored

    folder = folder or Path()
    if not text:
        raise StoreError(f"{folder} does not contain a study file")
    return stored(Study.from_toml(text, folder=folder, source=folder / STUDY_FILE))


def _wanted(design: Sequence[tuple[Any, ...]], text: str, folder: Path) -> Wanted:
    asked = [(row[1], -1 if row[3] is None else row[3]) for row in design]
    point, replications = np.array(asked, np.int64).reshape(-1, 2).T
    if (replications < 0).any():
        most = _read_study(text, folder).replications.at_most
        replications = np.where(replications < 0, most, replications)
    return Wanted(point, replications)


def _points(design: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return the points of the design; JSON preserves their numbers exactly."""
    import pandas as pd

    rows = _json(f"[{','.join(row[2] for row in design)}]", "the factors of the points")
    return pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="point"))


def _json(text: str, what: str) -> list[dict[str, Any]]:
    """Read a JSON list of objects from a ledger that may have been written without checksums."""
    try:
        found: list[dict[str, Any]] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"the ledger is damaged: {what} cannot be read ({error})") from None
    if not all(isinstance(row, dict) for row in found):
        raise StoreError(f"the ledger is damaged: {what} are not valid")
    return found


def _kept(found: checking.Contents, folder: Path) -> dict[str, KeptTable]:
    design = found.design()
    spans = {number: checking.span(chunk, design) for number, chunk in found.chunks.items()}
    parts = found.parts
    return {
        name: KeptTable(tuple(part for part in parts if part.table == name), folder, spans)
        for (name,) in sorted(found.rows["tables"])
    }


def _pick(keys: IntArray, wanted: Wanted) -> tuple[IntArray, IntArray]:
    """Find the runs of the design among all; see :func:`table_parts.pick`."""
    return table_parts.pick(keys[:, 1], keys[:, 0], wanted.point, wanted.replications)


# --- frames ---------------------------------------------------------------------------------------


def _frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(dict(columns))


def _runs(
    points: pd.DataFrame,
    position: IntArray,
    replication: IntArray,
    values: Mapping[str, FloatArray],
) -> pd.DataFrame:
    """Combine points, factors, replications and measures."""
    factors = {str(name): points[name].to_numpy()[position] for name in points}
    taken = {*RUN_COLUMNS, *factors} & values.keys() | set(RUN_COLUMNS) & factors.keys()
    if taken:
        raise StoreError(f"two columns of the runs have the same name: {', '.join(sorted(taken))}")
    return _frame({"point": position, **factors, "replication": replication, **values})


def _provenance(
    position: IntArray,
    ran: IntArray,
    failed_position: IntArray,
    failed: IntArray,
    chunks: Sequence[tuple[Any, ...]],
) -> pd.DataFrame:
    """Tabulate who ran what when; ``ran`` and ``failed`` have the ledger's fixed columns."""
    import pandas as pd

    both = np.concatenate([ran, failed])
    ok = np.arange(len(both)) < len(ran)
    at = np.concatenate([position, failed_position])
    order = np.lexsort((both[:, 0], at))
    both, ok, at = both[order], ok[order], at[order]
    number, session, worker, started, seconds, runs = (
        np.array(column) for column in list(zip(*chunks, strict=True))[:6]
    ) if chunks else (np.array([]),) * 6  # fmt: skip
    place = np.searchsorted(number, both[:, 2])
    names = pd.Categorical(worker.astype(object))
    share = seconds.astype(float) / np.maximum(runs.astype(float), 1.0)
    return _frame(
        {
            "point": at,
            "replication": both[:, 0],
            "ok": ok,
            "attempt": both[:, 3],
            "worker": names.take(place),
            "started": _moments(started)[place],
            "seconds": share[place],
            "session": session.astype(np.int64)[place],
        }
    )


def _sessions(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Tabulate every sweep, with its times and versions."""
    import pandas as pd

    if not rows:
        return _frame({name: [] for name in SESSION})
    number, started, ended, process, host, about = zip(*rows, strict=True)
    told = pd.DataFrame(_json(f"[{','.join(about)}]", "what sweeps were made with"))
    frame = _frame(
        {
            "session": number,
            "started": _moments(np.array(started)),
            "ended": _moments(np.array(ended, float)),
            "process": process,
            "host": host,
        }
    )
    shared = {name: f"{name}_told" for name in told.columns if name in frame.columns}
    return frame.join(told.rename(columns=shared))


def _moments(seconds: FloatArray) -> Any:  # noqa: ANN401 - an index of pandas
    """Convert seconds since 1970 to times in UTC."""
    import pandas as pd

    return pd.to_datetime(np.round(seconds.astype(float), 6), unit="s", utc=True)
