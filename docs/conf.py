"""How the site is built: ``python -m sphinx -b html docs site -W``. Nothing is fetched for it.

The pages are plain Markdown and read as well in the repository. What only a site needs is added
here as they are read: the table of contents, and the texts at the top of the repository.
"""

import inspect
import re
from enum import Enum
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = "innovation-abm"
author = "the innovation-abm contributors"
copyright = f"{author}; Apache-2.0"
version = release = installed("innovation-abm")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]
nb_execution_mode = "off"  # the notebook shows what it holds; a test runs it again
nb_merge_streams = True
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4  # links to headings as they are written for the repository's web view
myst_links_external_new_tab = False
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as they are written, not where a function lies in memory
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
toc_object_entries = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # a class's docstring lists attributes that are listed again below

html_theme = "furo"
html_title = f"innovation-abm {version}"
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # a page opened as a file may not fetch others
html_theme_options = {
    "navigation_with_keys": True,
    "sidebar_hide_name": False,
}
smartquotes = False  # they would change what is to be copied

CONTENTS = (
    (
        "For facilitators",
        (
            "facilitators",
            "limits",
            "limits-fr",
            "levers",
            "advice",
            "worked-case",
            "profile",
            "hosting",
        ),
    ),
    (
        "For researchers",
        (
            "notebooks/researchers",
            "api",
            "charts",
            "studies",
            "analysis",
            "findings",
            "calibration",
            "performance",
        ),
    ),
    ("For modelers", ("extending", "published-models", "odd")),
    ("Reliability", ("reliability", "trace", "stress-abs", "security")),
    ("Contributing", ("contributing", "changelog")),
)
"""What is in the sidebar, in this order."""

ABOVE = {"contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
"""Pages whose text is at the top of the repository."""
PAGES = {name: f"{page}.md" for page, name in ABOVE.items()} | {"README.md": "index.md"}


HOMES = ("innovation_abm", "innovation_abm.experiments")
"""Where the names in headings of the interface's page stand."""


def as_read(app, page, source):
    """Add to a page what only the site needs."""
    text = source[0]
    if page in ABOVE:
        text = (ROOT / ABOVE[page]).read_text(encoding="utf-8").replace("](docs/", "](")
    for name, target in PAGES.items():
        text = text.replace(f"](../{name}", f"]({target}").replace(f"]({name}", f"]({target}")
    if page == "api":
        text = with_signatures(text)
    if page == "studies":
        text = with_reports(text)
    if page == "index":
        text += "".join(contents(title, pages) for title, pages in CONTENTS)
        named = {"index", *(one for _, pages in CONTENTS for one in pages)}
        if others := sorted(app.project.docnames - named):
            text += contents("More", others)
    source[0] = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)


def with_reports(text):
    """Link each study of the table to its report, where that has been written."""
    for report in (ROOT / "docs" / "reports").glob("*.html"):
        text = text.replace(f"| `{report.stem}` |", f"| [{report.stem}](reports/{report.name}) |")
    return text


def with_signatures(text):
    """Add to each section of the interface what the code itself says of the section's names."""
    names, tables, rest = text.partition("\n## Tables\n")
    sections = re.split(r"^(?=##)", names, flags=re.MULTILINE)
    seen = []  # what two modules offer is shown once
    return "".join((*(section + signatures(section, seen) for section in sections), tables, rest))


def signatures(section, seen):
    """Ask autodoc for what a section of the interface lists and was not ``seen`` before."""
    asked = []
    for home, name in listed(section):
        thing = getattr(import_module(home), name)
        if any(thing is one for one in seen):
            continue
        seen.append(thing)
        if inspect.isclass(thing):
            asked += [f".. autoclass:: {home}.{name}", "   :members:"]
            asked += ["   :undoc-members:"] * issubclass(thing, Enum) + [""]
        elif callable(thing):
            asked += [f".. autofunction:: {home}.{name}", ""]
    return "\n".join(("```{eval-rst}", *asked, "```", "", "")) if asked else ""


def listed(section):
    """Find the names that a section lists: in its heading, and after "In `module`: "."""
    heading = section.partition("\n")[0]
    homes = [import_module(home) for home in HOMES]
    for name in re.findall(r"`(\w+)`", heading):
        yield next(home.__name__ for home in homes if name in home.__all__), name
    for module, names in re.findall(r"^In `([\w.]+)`: ([^.]+)\.$", section, re.MULTILINE):
        yield from ((module, name) for name in re.findall(r"`(\w+)`", names))


def contents(title, pages):
    """Write one part of the table of contents."""
    return "\n".join(("", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""))


def setup(app):
    """Let Sphinx read pages through :func:`as_read`."""
    app.connect("source-read", as_read)
    return {"parallel_read_safe": True}
