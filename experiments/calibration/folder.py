"""The folder of a calibration: runs are stored as they finish, and are not run again.

calibration.toml            the calibration
manifest.json               everything that its runs depend on, to identify the calibration
runs/NAME-DIGEST.parquet    the runs of a wave, written to another name and then renamed
runs/NAME.NUMBER-DIGEST.parquet  those of a part of it, until the whole wave is stored
damaged/                    damaged files that were set aside
*.parquet                   the tables of the result
result.json                 the result as JSON
fitted.toml                 the accepted scenario nearest to the targets, for ``innovation-abm run``

DIGEST is the digest of the bytes of the file and is checked whenever the file is read. Runs depend
only on their points, so damaged runs are run again, after a notice. Outside of ``runs``, only the
manifest is read here, and the runs hold the digest of the right manifest.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.calibration.file import CalibrationError
from innovation_abm.experiments.store.checking import Damage
from innovation_abm.experiments.store.ledger import held
from innovation_abm.experiments.store.repairing import aside
from innovation_abm.reading.text_files import read_bytes, write_whole

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from innovation_abm.running.engines import Notice

    FloatArray = NDArray[np.float64]

CALIBRATION: Final = "calibration.toml"
MANIFEST: Final = "manifest.json"
RESULT: Final = "result.json"
FITTED: Final = "fitted.toml"
SAMPLE: Final = "sample.parquet"
RUNS: Final = "runs"
LOCK: Final = ".lock"
DIGEST: Final = b"innovation-abm-digest"
"""Key in the metadata of a Parquet file for the digest of what its runs depend on."""
OF: Final = b"innovation-abm-manifest"
"""Key for the digest of the manifest alone."""
DIGITS: Final = 32
"""Number of digits of a digest in a file name."""
LARGEST_MANIFEST: Final = 1 << 26
"""Maximum size in bytes, larger than any real manifest."""


class _DamagedError(Exception):
    """A file is damaged."""


class Folder:
    """Stores the runs of a calibration in a folder, or nowhere; a context manager.

    While it is open, no other process can open it. A process that dies does not block it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        manifest: Mapping[str, str],
        notice: Notice | None = None,
    ) -> None:
        """Prepare a folder; nothing is read or written yet.

        Args:
            path: the folder; ``None`` to store nothing.
            manifest: what all of its runs depend on, by name.
            notice: called with a line for each damaged file.
        """
        self.path = None if path is None else Path(path)
        self._notice = notice
        self._manifest = dict(manifest)
        self._digest = _digest(json.dumps(self._manifest, sort_keys=True).encode())
        self._lock: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        """Create or open the folder.

        Raises:
            CalibrationError: if it holds something else, or another process is writing it.
        """
        if self.path is None:
            return self
        try:
            damaged = self._check() if self.path.exists() else None
            (self.path / RUNS).mkdir(parents=True, exist_ok=True)
            self._lock = held(self.path / LOCK)
            if self._lock is None:
                raise CalibrationError(f"{self.path} is being written by another process")
            if damaged is not None:
                self._set_aside(self.path / MANIFEST, "damaged, and written again", damaged)
            write_whole(self.path / MANIFEST, json.dumps(self._manifest, indent=1).encode())
        except sqlite3.Error as error:
            raise CalibrationError(f"cannot write the folder {self.path}: {error}") from None
        except OSError as error:
            reason = error.strerror or error
            raise CalibrationError(f"cannot write the folder {self.path}: {reason}") from None
        return self

    def __exit__(self, *_: object) -> None:
        """Release the folder for others."""
        if self._lock is not None:
            self._lock.close()

    def _check(self) -> str | None:
        """Refuse a folder that belongs to something else, and report the differences.

        Returns:
            What is wrong with the manifest, if the runs belong to this calibration nevertheless.
        """
        assert self.path is not None
        if not self.path.is_dir():
            raise CalibrationError(f"{self.path} is a file; must be a folder")
        if not any(self.path.iterdir()):
            return None
        try:
            former = _read_manifest(self.path / MANIFEST)
        except _DamagedError as damaged:
            if self._has_runs_of_this():
                return str(damaged)
            raise CalibrationError(
                f"the folder {self.path} exists and its {MANIFEST} {damaged}, so it does not hold "
                "a calibration; give a new folder, or restore the file from a copy"
            ) from None
        keys = dict.fromkeys((*former, *self._manifest))
        pairs = {key: (former.get(key, "-"), self._manifest.get(key, "-")) for key in keys}
        different = [
            f"  {key}: {_difference(was, now)}" for key, (was, now) in pairs.items() if was != now
        ]
        if different and self._has_runs_of_this():
            return "does not match the runs"
        if different:
            lines = "\n".join(different)
            raise CalibrationError(
                f"the folder {self.path} belongs to another calibration; give a new folder\n{lines}"
            )
        return None

    def _has_runs_of_this(self) -> bool:
        """Whether there are undamaged runs, and all of them belong to this calibration."""
        assert self.path is not None
        found = set()
        for file in (self.path / RUNS).glob("*.parquet"):
            try:
                table = _read_runs(file)
            except _DamagedError:
                continue
            found.add(None if table is None else _metadata(table, OF))
        return found == {self._digest}

    def read(self, name: str, points: FloatArray, shape: tuple[int, ...]) -> FloatArray | None:
        """Return the figures of stored runs; ``None`` if there are none for these points.

        Damaged files are set aside.
        """
        if self.path is None:
            return None
        for file in self._files(name):
            try:
                table = _read_runs(file)
                if table is not None and _metadata(table, DIGEST) == self._of(points):
                    figures = _figures(table, 2 + points.shape[1], shape)
                    _name_by_digest(file, name)
                    return figures
            except _DamagedError as damaged:
                self._set_aside(file, "damaged, and run again", str(damaged))
        return None

    def write(self, name: str, points: FloatArray, table: pd.DataFrame) -> None:
        """Store runs: columns point, replication, the parameters, the figures."""
        if self.path is None:
            return
        import pyarrow as pa

        kept = pa.Table.from_pandas(table, preserve_index=False)
        kept = kept.replace_schema_metadata({DIGEST: self._of(points), OF: self._digest})
        content = _as_parquet(kept)
        file = self.path / RUNS / f"{name}-{_checksum(content)}.parquet"
        _write(file, content)
        for other in self._files(name):
            if other != file:
                other.unlink(missing_ok=True)

    def forget_parts(self, name: str) -> None:
        """Remove the files of the parts of a wave, which are stored as a whole now."""
        if self.path is not None:
            for part in (self.path / RUNS).glob(f"{name}.*-{'[0-9a-f]' * DIGITS}.parquet"):
                part.unlink(missing_ok=True)

    def _files(self, name: str) -> list[Path]:
        """Return the files that may hold some runs; older versions wrote no digest in the name.

        After a power cut there may be two files with a digest.
        """
        assert self.path is not None
        runs = self.path / RUNS
        return [
            *sorted(runs.glob(f"{name}-{'[0-9a-f]' * DIGITS}.parquet")),
            runs / f"{name}.parquet",
        ]

    def _set_aside(self, file: Path, done: str, what: str) -> None:
        """Move a damaged file to the folder for damaged files, and report it."""
        assert self.path is not None
        try:
            if file.exists():
                os.replace(file, aside(self.path, file.name))
        except OSError as error:
            raise CalibrationError(
                f"{file}: {what}, and cannot be moved away: {error.strerror or error}"
            ) from None
        if self._notice is not None:
            fault = Damage(file.relative_to(self.path).as_posix(), what)
            self._notice(f"{done}: {fault}")

    def _of(self, points: FloatArray) -> bytes:
        return _digest(self._digest, np.ascontiguousarray(points).tobytes())


def _difference(was: str, now: str) -> str:
    """Describe how two texts differ; for long texts, only the lines that differ."""
    import difflib

    if "\n" not in was + now:
        before, after = was.split(", "), now.split(", ")
        if len(before) == len(after):  # the same keys: those that differ are enough
            pairs = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
            was, now = (", ".join(side) for side in zip(*pairs, strict=True))
        return f"was {was}, is {now}"
    lines = difflib.unified_diff(was.splitlines(), now.splitlines(), lineterm="", n=0)
    changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    return "\n    ".join(("was (-), is (+)", *changed))


def _digest(*parts: bytes) -> bytes:
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.hexdigest().encode()


def _checksum(content: bytes) -> str:
    """Return the digest of a file, as used in its name."""
    return hashlib.blake2b(content, digest_size=DIGITS // 2).hexdigest()


def _read_manifest(file: Path) -> dict[str, str]:
    """Read a manifest.

    Raises:
        _DamagedError: if it is missing, or is not an object of texts.
    """
    if not file.exists():
        raise _DamagedError("is missing")
    try:
        found = json.loads(read_bytes(file, CalibrationError, LARGEST_MANIFEST))
    except CalibrationError:
        raise _DamagedError("cannot be read") from None
    except (ValueError, RecursionError):
        raise _DamagedError("is not valid JSON") from None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise _DamagedError("is not a JSON object of texts")
    return found


def _read_runs(file: Path) -> pa.Table | None:
    """Read a file of runs and check it against the digest in its name; ``None`` if it is missing.

    Raises:
        _DamagedError: if it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = file.read_bytes()
        known = file.stem[-DIGITS:] if file.stem[-DIGITS - 1 : -DIGITS] == "-" else None
        if known is not None and known != _checksum(content):
            raise _DamagedError("does not match its checksum")
        return pq.read_table(pa.BufferReader(content))
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _DamagedError(f"cannot be read ({' '.join(str(error).split())})") from None


def _metadata(table: pa.Table, key: bytes) -> bytes | None:
    found: bytes | None = (table.schema.metadata or {}).get(key)
    return found


def _figures(table: pa.Table, first: int, shape: tuple[int, ...]) -> FloatArray:
    """Return the figures of runs, which start at a column.

    Raises:
        _DamagedError: if they have another shape, as in a damaged file without a digest.
    """
    import pyarrow as pa

    try:
        figures = table.to_pandas().to_numpy(float)[:, first:]
        return np.ascontiguousarray(figures.reshape(shape))
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _DamagedError(f"cannot be read ({' '.join(str(error).split())})") from None


def _name_by_digest(file: Path, name: str) -> None:
    """Add the digest to the name of a file that was written before names had one."""
    if file.stem != name:
        return
    try:
        os.replace(file, file.with_name(f"{name}-{_checksum(file.read_bytes())}.parquet"))
    except OSError as error:
        raise CalibrationError(f"cannot write {file}: {error.strerror or error}") from None


def _as_parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    made = io.BytesIO()
    pq.write_table(table, made, compression="zstd")
    return made.getvalue()


def _write(file: Path, content: bytes) -> None:
    """Write a file atomically."""
    try:
        write_whole(file, content)
    except OSError as error:
        raise InnovationAbmError(f"cannot write {file}: {error.strerror or error}") from None


def write_table(file: Path, table: Any) -> None:  # noqa: ANN401 - pyarrow has no types
    """Write an Arrow table as Parquet, atomically."""
    _write(file, _as_parquet(table))
