"""The folder of a calibration: what was run is kept as it goes, and is not run again.

calibration.toml    what was asked for
manifest.json       all that its runs depend on, to tell whether a folder is of the same
runs/NAME.parquet   the runs of a wave, written to another name and then renamed
*.parquet           the tables of the result
result.json         the result as JSON
fitted.toml         the accepted scenario nearest to the targets, for ``innovation-abm run``
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.calibration.file import CalibrationError
from innovation_abm.experiments.store.ledger import held
from innovation_abm.text_files import beside, write_whole

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

CALIBRATION: Final = "calibration.toml"
MANIFEST: Final = "manifest.json"
RESULT: Final = "result.json"
FITTED: Final = "fitted.toml"
RUNS: Final = "runs"
LOCK: Final = ".lock"
DIGEST: Final = b"innovation-abm-digest"
"""Key in the metadata of a Parquet file under which it says what its runs depend on."""


class Folder:
    """Keeps the runs of a calibration, in a folder or nowhere; a context manager.

    While it is open, no other process can open it. A process that dies does not block it.
    """

    def __init__(self, path: str | os.PathLike[str] | None, manifest: Mapping[str, str]) -> None:
        """Name the folder, or ``None`` to keep nothing, and what all of its runs depend on."""
        self.path = None if path is None else Path(path)
        self._manifest = dict(manifest)
        self._digest = _digest(json.dumps(self._manifest, sort_keys=True).encode())
        self._lock: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        """Make or open the folder.

        Raises:
            CalibrationError: if it holds something else, or another process writes it.
        """
        if self.path is None:
            return self
        try:
            if self.path.exists():
                self._check()
            (self.path / RUNS).mkdir(parents=True, exist_ok=True)
            self._lock = held(self.path / LOCK)
            if self._lock is None:
                raise CalibrationError(f"{self.path} is being written by another process")
            write_whole(self.path / MANIFEST, json.dumps(self._manifest, indent=1).encode())
        except sqlite3.Error as error:
            raise CalibrationError(f"cannot write the folder {self.path}: {error}") from None
        except OSError as error:
            reason = error.strerror or error
            raise CalibrationError(f"cannot write the folder {self.path}: {reason}") from None
        return self

    def __exit__(self, *_: object) -> None:
        """Let others open the folder."""
        if self._lock is not None:
            self._lock.close()

    def _check(self) -> None:
        """Refuse a folder that is of something else, and say what is different."""
        assert self.path is not None
        if not self.path.is_dir():
            raise CalibrationError(f"{self.path} is a file; name a folder")
        held = {entry.name for entry in self.path.iterdir()}
        if not held:
            return
        try:
            former = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise CalibrationError(
                f"the folder {self.path} exists and holds no calibration; name a new folder"
            ) from None
        keys = dict.fromkeys((*former, *self._manifest))
        pairs = {key: (former.get(key, "-"), self._manifest.get(key, "-")) for key in keys}
        different = [
            f"  {key}: {_difference(was, now)}" for key, (was, now) in pairs.items() if was != now
        ]
        if different:
            lines = "\n".join(different)
            raise CalibrationError(
                f"the folder {self.path} is of another calibration; name a new folder\n{lines}"
            )

    def read(self, name: str, points: FloatArray, shape: tuple[int, ...]) -> FloatArray | None:
        """Give the figures of runs that were kept; ``None`` if they are not of these points."""
        if self.path is None:
            return None
        import pyarrow.parquet as pq

        file = self.path / RUNS / f"{name}.parquet"
        try:
            table = pq.read_table(file)
        except (OSError, ValueError):  # not there, or torn: it is run again
            return None
        if (table.schema.metadata or {}).get(DIGEST) != self._of(points):
            return None
        figures = table.to_pandas().to_numpy(float)[:, 2 + points.shape[1] :]
        return np.ascontiguousarray(figures.reshape(shape))

    def write(self, name: str, points: FloatArray, table: pd.DataFrame) -> None:
        """Keep runs: columns point, replication, the parameters, the figures."""
        if self.path is None:
            return
        import pyarrow as pa

        kept = pa.Table.from_pandas(table, preserve_index=False)
        kept = kept.replace_schema_metadata({DIGEST: self._of(points)})
        write_table(self.path / RUNS / f"{name}.parquet", kept)

    def _of(self, points: FloatArray) -> bytes:
        return _digest(self._digest, np.ascontiguousarray(points).tobytes())


def _difference(was: str, now: str) -> str:
    """Say how two texts differ; of long ones, only the lines that do."""
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


def write_table(file: Path, table: Any) -> None:  # noqa: ANN401 - pyarrow carries no types
    """Write an Arrow table as Parquet; all of it or nothing."""
    import pyarrow.parquet as pq

    trial = beside(file)
    try:
        pq.write_table(table, trial, compression="zstd")
        with trial.open("rb+") as written:
            os.fsync(written.fileno())
        trial.replace(file)
    except OSError as error:
        raise InnovationAbmError(f"cannot write {file}: {error.strerror or error}") from None
    finally:
        trial.unlink(missing_ok=True)
