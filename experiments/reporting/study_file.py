"""The study file as a report shows it, and other texts without the folders of a machine."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.experiments.design.inputs import CONTENTS
from innovation_abm.experiments.design.sections import INPUTS
from innovation_abm.scenario.networks import NETWORKS, named_by_file

if TYPE_CHECKING:
    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.store.results import Results

_NAMING_FILES: Final = ("file", "chart", "rules", *NETWORKS)
"""Keys of a study whose text may name a file."""

LONGEST: Final = 500
"""Maximum number of characters of an error that are shown."""

_PATH: Final = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[/\\](?:[^\s/\\:\"']+[/\\])+")
"""The folders of an absolute path in a text."""


def portable(study: Study) -> str:
    """Return a study's file without the folders of the machine in its file names."""
    text = study.to_toml()
    document = study.document()
    if _remove_folders(document):
        import tomli_w

        text = tomli_w.dumps(document)
    return text


def self_contained(results: Results) -> bool:
    """Whether the folder of a study holds all that it refers to."""
    return results.folder is not None and (results.folder / INPUTS / CONTENTS).is_file()


def files_beside(study: Study) -> list[str]:
    """Return the names of the files that the study needs in addition to its own."""
    base = study.base
    named = [base.file, base.chart, base.rules, study.design.file]
    values = [base.values]
    for factor in study.factors:
        if factor.parameter in NETWORKS:
            values += [{factor.parameter: value} for value in factor.values]
        for one in factor.level:
            named += [one.file, one.chart, one.rules]
            values.append(one.values)
    named += [str(one[name]) for one in values for name in NETWORKS if named_by_file(one.get(name))]
    return list(dict.fromkeys(file_name(one) for one in named if one))


def file_name(path: object) -> str:
    """Return the name of a file without its folders, for paths of any system."""
    return str(path).replace("\\", "/").rsplit("/", 1)[-1]


def without_folders(text: str) -> str:
    """Remove the folders of a machine from a text, and shorten it if it is long."""
    text = _PATH.sub("", text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _remove_folders(part: dict[str, Any]) -> bool:
    """Remove the folders from absolute paths in a document; return whether there were any."""
    found = False
    for key, value in part.items():
        if isinstance(value, dict):
            found |= _remove_folders(value)
        elif isinstance(value, (list, tuple)):
            found |= any([_remove_folders(one) for one in value if isinstance(one, dict)])
        elif key in _NAMING_FILES and isinstance(value, str) and _absolute(value):
            part[key] = file_name(value)
            found = True
    return found


def _absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
