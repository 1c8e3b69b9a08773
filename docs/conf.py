"""How the site is built: ``python -m sphinx -b html docs site -W``. Nothing is fetched for it.

The pages are plain Markdown and read as well in the repository. What only a site needs is added
here as they are read: the table of contents, and the texts that stand at the top of the repository.
"""

import re
from importlib.metadata import version as installed
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = "innovation-abm"
author = "the innovation-abm contributors"
copyright = f"{author}; Apache-2.0"
version = release = installed("innovation-abm")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["examples", "notebooks"]
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4  # links to headings as they are written for the repository's web view
myst_links_external_new_tab = False
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

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
    ("For facilitators", ("facilitators", "levers")),
    ("For researchers", ("api", "studies", "analysis", "findings", "calibration", "performance")),
    ("For modelers", ("extending", "published-models", "odd")),
    ("To judge it", ("trace", "stress-abs", "security")),
    ("To carry it on", ("contributing", "changelog")),
)
"""What stands in the sidebar, in this order."""

ABOVE = {"contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
"""Pages whose text stands at the top of the repository."""
PAGES = {name: f"{page}.md" for page, name in ABOVE.items()} | {"README.md": "index.md"}


def as_read(app, page, source):
    """Add to a page what only the site needs."""
    text = source[0]
    if page in ABOVE:
        text = (ROOT / ABOVE[page]).read_text(encoding="utf-8").replace("](docs/", "](")
    for name, target in PAGES.items():
        text = text.replace(f"](../{name}", f"]({target}").replace(f"]({name}", f"]({target}")
    if page == "index":
        text += "".join(contents(title, pages) for title, pages in CONTENTS)
        named = {"index", *(one for _, pages in CONTENTS for one in pages)}
        if others := sorted(app.project.docnames - named):
            text += contents("More", others)
    source[0] = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)


def contents(title, pages):
    """Write one part of the table of contents."""
    return "\n".join(("", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""))


def setup(app):
    """Let Sphinx read pages through :func:`as_read`."""
    app.connect("source-read", as_read)
    return {"parallel_read_safe": True}
