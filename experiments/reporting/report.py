"""The report of a study: a single web page, and its pictures for a paper.

The page is one HTML file with its pictures inside. It loads nothing and runs no script, and its
content security policy forbids both. The same results give the same bytes. Readers need not have
run the study or know the model: the question comes first, then the answer in figures.

Everything that a user wrote (titles, names, errors) is text on the page, never markup.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.reporting import pictures, study_file, tables, wording
from innovation_abm.experiments.reporting.answer import Findings
from innovation_abm.experiments.reporting.names import Names, capital, level
from innovation_abm.experiments.reporting.sheets import DARK, check_formats
from innovation_abm.extras import require
from innovation_abm.reading.text_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    from innovation_abm.experiments.reporting.sheets import Picture
    from innovation_abm.experiments.store.results import Results

PAGE: Final = "report.html"
"""File name of the page."""
PICTURES: Final = "pictures"
"""Name of the folder of pictures next to it."""
TEMPLATES: Final = Path(__file__).parent / "templates"
"""Folder of the template and the style sheet."""
BUDGET: Final = 1_500_000
"""Maximum number of characters of all pictures of a page."""


def write_report(
    results: Results,
    target: str | PathLike[str],
    *,
    formats: Sequence[str] = ("png", "svg"),
    dpi: int = 200,
    pdf: bool = False,
) -> Path:
    """Write the report of a study, and its pictures for a paper.

    Args:
        results: the study's results, complete or not.
        target: a folder for ``report.html`` and the folder ``pictures``, created if needed; or a
            file that ends in ``.html``, for the page alone.
        formats: file formats of the pictures; see
            :func:`~innovation_abm.experiments.reporting.pictures.save`.
        dpi: resolution of PNG files, in dots per inch.
        pdf: whether to write the page as PDF, too, beside it.

    Returns:
        The path of the page. An earlier page is replaced once the new one is complete.

    Raises:
        InnovationAbmError: if the target cannot be written, a format is unknown, or fpdf2 (for
            PDF) is not installed.
    """
    require("studies", "Reports")
    if pdf:
        require("pdf", "Reports as PDF")
    check_formats(formats)
    place = Path(target)
    alone = place.suffix.lower() in (".html", ".htm")
    path = place if alone else place / PAGE
    drawn = pictures.gallery(results)
    text = page(results, drawn)
    paper = _on_paper(results, drawn, text, dpi) if pdf else None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
        if paper is not None:
            write_whole(path.with_suffix(".pdf"), paper)
    except OSError as error:
        reason = error.strerror or error
        raise InnovationAbmError(f"cannot write the report {path}: {reason}") from None
    if not alone and formats:
        pictures.write((*drawn.found, *drawn.certainty), place / PICTURES, formats, dpi)
    return path


def _on_paper(results: Results, drawn: pictures.Gallery, text: str, dpi: int) -> bytes:
    """Return the page as PDF, with the pictures that are on it."""
    from innovation_abm.results.printed import printed

    images = {one.name: one.png(dpi) for one in (*drawn.found, *drawn.certainty)}
    return printed(text, images, results.study.title or results.study.name)


def page(results: Results, drawn: pictures.Gallery | None = None) -> str:
    """Return the page as text.

    Args:
        results: the study's results.
        drawn: its pictures, if they have been drawn already.
    """
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8") + _dark()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    drawn = drawn or pictures.gallery(results)
    names, told = Names.of(results.study), analysis.describe(results)
    findings = Findings(results, names, told, drawn.found)
    return (
        _environment()
        .get_template("report.html")
        .render(
            results=results,
            study=results.study,
            kind=str(results.study.design.kind),
            names=names,
            told=told,
            reply=findings.reply(),
            findings=findings.all(),
            tables=tables.Tables(results, names, told),
            pictures=Fitting.of(drawn),
            missing=drawn.missing,
            discovery=drawn.discovery,
            version=tables.version_of("innovation-abm"),
            style=Markup(style),
            style_hash=f"sha256-{digest}",
        )
    )


def _environment() -> Environment:
    """Return what the template may call, besides its own variables."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        count=wording.count,
        are=wording.are,
        files_beside=study_file.files_beside,
        numbers_drawn=tables.numbers_drawn,
        portable=study_file.portable,
        self_contained=study_file.self_contained,
    )
    environment.filters.update(
        capital=capital,
        dates=wording.dates,
        figures=wording.figures,
        file_name=study_file.file_name,
        level=level,
        thousands="{:,}".format,
        unbroken=wording.unbroken,
    )
    return environment


@dataclass(frozen=True)
class Fitting:
    """Pictures of a page, each with its drawing, as far as they fit.

    Attributes:
        found: pictures of results.
        certainty: pictures of certainty.
        left_out: titles of pictures that do not fit.
    """

    found: tuple[tuple[Picture, Markup], ...]
    certainty: tuple[tuple[Picture, Markup], ...]
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, drawn: pictures.Gallery, room: int = BUDGET) -> Fitting:
        """Put pictures on a page in order, as long as they fit into ``room`` characters."""
        left: list[str] = []

        def fit(group: Sequence[Picture]) -> Iterator[tuple[Picture, Markup]]:
            nonlocal room
            for one in group:
                svg = one.element()
                if len(svg) > room:
                    left.append(one.title)
                    continue
                room -= len(svg)
                yield one, Markup(svg)  # the XML writer has escaped what users wrote

        found, certainty = tuple(fit(drawn.found)), tuple(fit(drawn.certainty))
        return cls(found, certainty, tuple(left))


def _dark() -> str:
    """Return rules that change the colours of pictures on a dark background.

    Marks are drawn once and reused many times, in a separate tree that does not inherit from the
    elements above it, so a rule may only select by colour.
    """
    rules = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in DARK.items()
    )
    return f"@media screen and (prefers-color-scheme: dark){{{rules}}}\n"
