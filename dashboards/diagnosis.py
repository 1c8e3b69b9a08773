"""What the answers to the ten questions led to, and how a tab keeps it through a reload."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from innovation_abm.charts.charts import load_chart
from innovation_abm.dashboards.offered import own_name
from innovation_abm.dashboards.tab_memory import Kept, pack, packed, unpack, unpacked
from innovation_abm.errors import InnovationAbmError
from innovation_abm.scenario.possible_worlds import central_of, points_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY: Final = "diagnosis"
"""What :func:`pack_diagnosis` keeps it under."""


@dataclass(frozen=True)
class Diagnosis:
    """What the answers lead to.

    Attributes:
        name: name of the organisation.
        answers: the file of answers.
        pages: the page, by language.
        kept: the chart with the worlds, which the tab can play.
        folder: the folder of the profile, as a ZIP file, where it was worked out here; otherwise
            empty: a folder that the server was started with may hold other files as well.
        reloaded: whether it is what the tab kept through a reload.
    """

    name: str
    answers: str
    pages: Mapping[str, str]
    kept: Kept
    folder: bytes = b""
    reloaded: bool = False


def diagnosis_in(folder: Path, packed: bool = False) -> Diagnosis:
    """Return what the folder of a profile holds, with its page in each language.

    Args:
        folder: the folder.
        packed: whether to pack all that is in it, to be downloaded.

    Raises:
        InnovationAbmError: if it is not valid.
    """
    from innovation_abm.experiments.profiles.page import page
    from innovation_abm.experiments.profiles.questions import LANGUAGES
    from innovation_abm.experiments.profiles.result import ANSWERS, load_profile
    from innovation_abm.reading.text_files import read_text

    found = load_profile(folder)
    try:
        pages = {language: page(found, language) for language in LANGUAGES}
    except KeyError as error:  # the tables may have been edited
        raise InnovationAbmError(f"{folder}: a table of the profile lacks {error}") from None
    return Diagnosis(
        found.answers.name,
        read_text(folder / ANSWERS),
        pages,
        _kept(folder),
        _zipped(folder) if packed else b"",
    )


def _kept(folder: Path) -> Kept:
    central = central_of(folder)
    if central.chart is None:
        raise InnovationAbmError(f"{folder}: its central world must name a chart")
    chart = load_chart(central.chart)
    return Kept(chart, own_name(central.name), central.but(chart=None), tuple(points_in(folder)))


def _zipped(folder: Path) -> bytes:
    """Return a folder as a ZIP file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
        for one in sorted(folder.rglob("*")):
            if one.is_file():
                file.write(one, f"{folder.name}/{one.relative_to(folder).as_posix()}")
    return written.getvalue()


def pack_diagnosis(found: Diagnosis) -> dict[str, str]:
    """Return what a tab keeps of a diagnosis, as text: all but the folder, which is too large.

    Raises:
        InnovationAbmError: if the rest is too large as well.
    """
    content = {
        "name": found.name,
        "answers": found.answers,
        "pages": dict(found.pages),
        "kept": pack(found.kept),
    }
    return {KEY: packed(content, "the diagnosis")}


def unpack_diagnosis(given: Any) -> Diagnosis | None:  # noqa: ANN401 - whatever a browser sends
    """Return the diagnosis that a tab kept; ``None`` if there is none, or it is not valid.

    Its pages are shown where nothing in them can be executed, so they may hold anything.
    """
    from innovation_abm.experiments.profiles.questions import LANGUAGES

    content = unpacked(given.get(KEY)) if isinstance(given, dict) else None
    if content is None:
        return None
    pages, kept = content.get("pages"), unpack(content.get("kept"))
    if kept is None or not isinstance(pages, dict):
        return None
    given = [content.get("name"), content.get("answers"), *map(pages.get, LANGUAGES)]
    texts = [text for text in given if _is_text(text)]
    if len(texts) < len(given):
        return None
    name, answers, *both = texts
    pages = dict(zip(LANGUAGES, both, strict=True))
    return Diagnosis(name, answers, pages, kept, reloaded=True)


def _is_text(value: object) -> TypeGuard[str]:
    """Whether a value is a text that can be written as UTF-8."""
    return isinstance(value, str) and value == value.encode(errors="ignore").decode()
