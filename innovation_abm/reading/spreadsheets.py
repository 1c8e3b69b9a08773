"""Texts in tables for spreadsheets: kept from being computed, and read back as they were.

A spreadsheet computes a cell that begins with one of ``= + - @``, also behind blanks or quotation
marks, and so runs what somebody wrote into a name. Such a text is written with an apostrophe in
front, which spreadsheets take as the mark of a text. Numbers are never touched. What is written so
can be told from all else, as a text that has the apostrophe already gets another one: nothing is
lost.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

MARK: Final = "'"
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""The mark by which Excel recognises a CSV file as UTF-8."""

_COMPUTED: Final = re.compile(
    r"""[\s'"`\u2018-\u201f\x00-\x20\u200b-\u200f\u2060\ufeff]*  # what is passed over in front
    ([=+\-@\uff1d\uff0b\uff0d\uff20] | (?<=[\t\r\n]))""",  # full width: where Japanese is read
    re.VERBOSE,
)


def kept_text(text: str) -> str:
    """Return a text as a cell holds it that no spreadsheet computes."""
    return MARK + text if _COMPUTED.match(text) else text


def read_back(text: str) -> str:
    """Return the text of which :func:`kept_text` made a cell; of any other cell, what is in it."""
    return text[1:] if text.startswith(MARK) and _COMPUTED.match(text) else text


def kept_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table as a CSV file holds it: texts kept from being computed, names of columns too.

    Columns of numbers are left as they are, and so are numbers among texts.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    made = frame.copy()
    for place, kind in enumerate(frame.dtypes):
        if not is_numeric_dtype(kind) and not is_bool_dtype(kind):
            column = frame.iloc[:, place].astype(object).map(_kept, na_action="ignore")
            made.isetitem(place, column.to_numpy())
    made.columns = [_kept(name) for name in frame.columns]
    return made


def _kept(value: Any) -> Any:  # noqa: ANN401 - a cell
    return kept_text(value) if isinstance(value, str) else value


class CsvWriter:
    """Writes a table as CSV, batch by batch: texts kept from being computed.

    A context manager.
    """

    def __init__(self, path: Path, schema: Any, *, marked: bool = False) -> None:  # noqa: ANN401
        """Begin a file.

        Args:
            path: the file.
            schema: of all batches, an Arrow schema.
            marked: whether it begins with a byte order mark, without which Excel takes it for a
                text of another encoding than UTF-8.
        """
        import pyarrow as pa
        import pyarrow.csv as pc

        fields = [
            pa.field(kept_text(one.name), pa.string() if _is_text(one.type) else one.type)
            for one in schema
        ]
        self._schema = pa.schema(fields)
        self._file = path.open("wb")
        if marked:
            self._file.write(BYTE_ORDER_MARK)
        self._writer = pc.CSVWriter(self._file, self._schema)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the file."""
        try:
            self._writer.close()
        finally:
            self._file.close()

    def write_table(self, table: Any) -> None:  # noqa: ANN401
        """Write a batch: an Arrow table."""
        import pyarrow as pa

        columns = [_kept_column(c) if _is_text(c.type) else c for c in table.columns]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - an Arrow type
    import pyarrow.types as types

    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _kept_column(column: Any) -> Any:  # noqa: ANN401 - an Arrow column
    """Keep each different text of a column from being computed, and put them in its places."""
    import pyarrow as pa
    import pyarrow.types as types

    chunks = []
    for chunk in column.chunks:
        coded = chunk if types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        texts = [None if one is None else kept_text(one) for one in coded.dictionary.to_pylist()]
        chunks.append(pa.array(texts, pa.string()).take(coded.indices))
    return pa.chunked_array(chunks, pa.string())


# --- workbooks of Excel ---------------------------------------------------------------------------

MOST_ROWS: Final = 1_048_576
LONGEST_CELL: Final = 32_767
"""What a sheet of Excel holds."""
_EXACT: Final = 2**53
"""Whole numbers beyond are rounded by Excel: they are written as text."""

_UNWRITABLE: Final = re.compile("_x[0-9A-Fa-f]{4}_|[\x00-\x08\x0b-\x1f\ufffe\uffff]")
"""Characters that XML does not hold, and what looks like their escape."""


class WorkbookWriter:
    """Writes a table as a workbook of Excel with one sheet, batch by batch.

    Texts are cells of text, whatever they begin with; so numbers are numbers in any language of
    Excel. Undefined numbers are empty cells, infinite ones texts; times are those of UTC. A context
    manager.
    """

    def __init__(self, path: Path, schema: Any) -> None:  # noqa: ANN401 - an Arrow schema
        """Begin a file with the names of the columns."""
        from openpyxl import Workbook

        self._path = path
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet(_sheet_name(path.stem))
        self._rows = 0
        self._append(schema.names)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        """Write the file, unless something went wrong."""
        if kind is None:
            self._book.save(self._path)
        else:
            self._sheet.close()

    def write_table(self, table: Any) -> None:  # noqa: ANN401
        """Write a batch: an Arrow table.

        Raises:
            InnovationAbmError: if a sheet cannot hold so many rows.
        """
        if self._rows + table.num_rows > MOST_ROWS:
            self._refuse("too many rows", MOST_ROWS - 1)
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            self._append(row)

    def _append(self, row: Iterable[Any]) -> None:
        self._sheet.append([self._cell(value) for value in row])
        self._rows += 1

    def _cell(self, value: Any) -> Any:  # noqa: ANN401 - a value of a cell
        if isinstance(value, float) and not math.isfinite(value):
            return None if math.isnan(value) else str(value)
        if isinstance(value, int) and abs(value) > _EXACT:
            return str(value)
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        if not isinstance(value, str):
            return value
        from openpyxl.cell import WriteOnlyCell

        text = _UNWRITABLE.sub(_escaped, value.encode("utf-8", "replace").decode())
        if len(text) > LONGEST_CELL:
            text = text[: LONGEST_CELL - 1] + "\N{HORIZONTAL ELLIPSIS}"
        if text[:1] not in ("=", "#"):
            return text
        cell = WriteOnlyCell(self._sheet, text)
        cell.data_type = "s"  # else it were a formula, or an error
        return cell

    def _refuse(self, what: str, most: int) -> None:
        raise InnovationAbmError(
            f"{self._path.name}: {what} for an Excel sheet, which holds {most:,}; write CSV or "
            "Parquet"
        )


def _escaped(found: re.Match[str]) -> str:
    """Write what XML does not hold as Excel reads it."""
    text = found[0]
    return f"_x005F{text}" if len(text) > 1 else f"_x{ord(text):04X}_"


def _sheet_name(name: str) -> str:
    """Return a name that a sheet may have."""
    return re.sub(r"[\[\]:*?/\\'\x00-\x1f]", " ", name)[:31].strip() or "table"
