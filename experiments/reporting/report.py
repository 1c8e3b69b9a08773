"""The report of a study: a single web page, and its pictures for a paper.

The page is one HTML file with its pictures inside. It loads nothing and runs no script, and its
content security policy forbids both. The same results give the same bytes. Readers need not have
run the study or know the model: the question comes first, then the answer in figures.

Everything that a user wrote (titles, names, errors) is text on the page, never markup.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.reporting import pictures
from innovation_abm.experiments.reporting.names import Names
from innovation_abm.experiments.reporting.sections.answer import AnswerSection
from innovation_abm.experiments.reporting.sections.certainty import Certainty
from innovation_abm.experiments.reporting.sections.design import DesignSection
from innovation_abm.experiments.reporting.sections.failures import Failures
from innovation_abm.experiments.reporting.sections.found import Found
from innovation_abm.experiments.reporting.sections.head import HeadSection
from innovation_abm.experiments.reporting.sections.limits import LimitsSection
from innovation_abm.experiments.reporting.sections.parts import Fitting, version_of
from innovation_abm.experiments.reporting.sections.reproduce import Reproduce
from innovation_abm.experiments.reporting.sheets import DARK, check_formats
from innovation_abm.reading.text_files import write_whole

if TYPE_CHECKING:
    from os import PathLike

    from innovation_abm.experiments.reporting.sections.parts import Section
    from innovation_abm.experiments.store.results import Results

PAGE: Final = "report.html"
"""File name of the page."""
PICTURES: Final = "pictures"
"""Name of the folder of pictures next to it."""
CONTENTS: Final = (
    ("answer", "The answer"),
    ("design", "What was varied"),
    ("results", "What was found"),
    ("certainty", "How certain it is"),
    ("failures", "What failed"),
    ("limits", "How to read it"),
    ("reproduce", "How to repeat it"),
)
"""The table of contents: the anchor of each section, and its name."""
SECTIONS: Final[dict[str, type[Section]]] = {
    "head": HeadSection,
    "answer": AnswerSection,
    "design": DesignSection,
    "found": Found,
    "certainty": Certainty,
    "failures": Failures,
    "limits": LimitsSection,
    "reproduce": Reproduce,
}
"""The sections by their names in the template."""


def write_report(
    results: Results,
    target: str | PathLike[str],
    *,
    formats: Sequence[str] = ("png", "svg"),
    dpi: int = 200,
) -> Path:
    """Write the report of a study, and its pictures for a paper.

    Args:
        results: the study's results, complete or not.
        target: a folder for ``report.html`` and the folder ``pictures``, created if needed; or a
            file that ends in ``.html``, for the page alone.
        formats: file formats of the pictures; see
            :func:`~innovation_abm.experiments.reporting.pictures.save`.
        dpi: resolution of PNG files, in dots per inch.

    Returns:
        The path of the page. An earlier page is replaced once the new one is complete.

    Raises:
        InnovationAbmError: if the target cannot be written, or a format is unknown.
    """
    check_formats(formats)
    place = Path(target)
    alone = place.suffix.lower() in (".html", ".htm")
    path = place if alone else place / PAGE
    drawn = pictures.gallery(results)
    text = page(results, drawn)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        reason = error.strerror or error
        raise InnovationAbmError(f"cannot write the report {path}: {reason}") from None
    if not alone and formats:
        pictures.write((*drawn.found, *drawn.certainty), place / PICTURES, formats, dpi)
    return path


def page(results: Results, drawn: pictures.Gallery | None = None) -> str:
    """Return the page as text.

    Args:
        results: the study's results.
        drawn: its pictures, if they have been drawn already.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    folder = files(__package__) / "templates"
    template = (folder / "report.html").read_text(encoding="utf-8")
    style = (folder / "report.css").read_text(encoding="utf-8") + _dark()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=DictLoader({PAGE: template}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = drawn or pictures.gallery(results)
    told = results, Names.of(results.study), analysis.describe(results), drawn
    return environment.get_template(PAGE).render(
        {name: section(*told) for name, section in SECTIONS.items()},
        pictures=Fitting.of(drawn),
        contents=CONTENTS,
        version=version_of("innovation-abm"),
        style=Markup(style),
        style_hash=f"sha256-{digest}",
    )


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
