"""What a tab keeps of a user's own chart, so that a reload or a new server loses nothing.

The browser keeps it, for that tab only, and returns it when the page is loaded again. The server
keeps nothing: no file, no key, nothing in a link. What comes back is checked like anything that a
browser sends.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import anywidget
import numpy as np
import traitlets

from innovation_abm.dashboards.offered import MOST_PEOPLE, own_name
from innovation_abm.dashboards.stage import FRONT
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization.organization import Organization
from innovation_abm.scenario.possible_worlds import worlds_of
from innovation_abm.scenario.scenario import Scenario

MOST_PACKED: Final = 600_000
"""Bytes of the largest chart that a tab keeps; browsers allow a site some megabytes of text."""
MOST_UNPACKED: Final = 20_000_000
"""Most bytes of a chart when unpacked."""
MOST_WORLDS: Final = 200
"""Most worlds that a tab keeps; a profile has fewer."""
MOST_WEEKS: Final = 520
"""Most weeks that their scenarios may have."""
ARRAYS: Final = ("superior", "department", "unit")
NAMES: Final = ("names", "department_names", "unit_names")
"""The parts of an organisation."""


@dataclass(frozen=True)
class Kept:
    """A chart that a tab keeps.

    Attributes:
        organization: the organisation; nothing else from the file is kept.
        label: the name under which it is played.
        central: what is played on it; the usual scenario for an uploaded chart if ``None``.
        points: the worlds of a profile whose central one it is: values of parameters, for each.
    """

    organization: Organization
    label: str
    central: Scenario | None = None
    points: tuple[Mapping[str, float], ...] = ()


def pack(kept: Kept) -> dict[str, str]:
    """Return what a tab keeps of a chart, as text.

    Raises:
        InnovationAbmError: if it is too large.
    """
    chart = kept.organization
    content = {
        **{key: getattr(chart, key).tolist() for key in ARRAYS},
        **{key: getattr(chart, key) for key in NAMES},
        "name": chart.name,
    }
    if kept.central is not None:
        content |= {"central": kept.central.to_toml(), "points": list(map(dict, kept.points))}
    return {"label": kept.label, "chart": packed(content, "the chart")}


def packed(content: Mapping[str, Any], what: str) -> str:
    """Return content for a tab to keep, as text.

    Raises:
        InnovationAbmError: if it is too large, naming ``what`` is.
    """
    found = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 9)
    if len(found) > MOST_PACKED:
        raise InnovationAbmError(
            f"{what} has {len(found):,} bytes: a tab keeps at most {MOST_PACKED:,}"
        )
    return base64.b64encode(found).decode("ascii")


def unpack(given: Any) -> Kept | None:  # noqa: ANN401 - whatever a browser sends
    """Return the chart that a tab kept; ``None`` if there is none, or it is not valid."""
    if not isinstance(given, dict):
        return None
    label, content = given.get("label"), unpacked(given.get("chart"))
    if content is None or not (isinstance(label, str) and label.isprintable()):
        return None
    try:
        return Kept(_organization(content), own_name(label), *_worlds(content))
    except (InnovationAbmError, LookupError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def unpacked(given: Any) -> dict[str, Any] | None:  # noqa: ANN401 - whatever a browser sends
    """Return what :func:`packed` packed; ``None`` if it is anything else."""
    if not isinstance(given, str):
        return None
    try:
        content = _content(given)
    except (OverflowError, RecursionError, ValueError, zlib.error):
        return None
    return content if isinstance(content, dict) else None


def _content(given: str) -> Any:  # noqa: ANN401 - anything that JSON holds
    if len(given) > 4 * MOST_PACKED / 3 + 4:
        raise ValueError("too large")
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(base64.b64decode(given, validate=True), MOST_UNPACKED)
    if not unpacking.eof:
        raise ValueError("cut off, or too large")
    return json.loads(text)


def _organization(content: dict[str, Any]) -> Organization:
    if not 0 < len(content["superior"]) <= MOST_PEOPLE:
        raise ValueError("too many people")
    parts: dict[str, Any] = {key: np.array(_each(content[key], int)) for key in ARRAYS}
    parts |= {key: tuple(_each(content[key], str)) for key in NAMES}
    parts["name"] = _each([content["name"]], str)[0]
    # What cannot be written as UTF-8 comes from no file.
    "".join((*parts["names"], *parts["unit_names"], *parts["department_names"])).encode()
    return Organization(**parts)


def _worlds(content: dict[str, Any]) -> tuple[Scenario | None, tuple[Mapping[str, float], ...]]:
    """Return the central world and the worlds that were kept with a chart, if there are any."""
    if "central" not in content:
        return None, ()
    central = Scenario.from_toml(_each([content["central"]], str)[0])
    points = _each(content["points"], dict)
    if len(points) > MOST_WORLDS or central.weeks > MOST_WEEKS or any(central.files()):
        raise ValueError("not the worlds of a profile")
    for point in points:
        _each(list(point.values()), float)
    worlds_of(central, points)  # which checks them
    return central, tuple(points)


def _each(values: Any, kind: type) -> list[Any]:  # noqa: ANN401 - anything that JSON holds
    """Return a list after checking that each value is of a type."""
    if not (isinstance(values, list) and all(type(one) is kind for one in values)):
        raise TypeError(f"not a list of {kind.__name__}")
    return values


class TabMemory(anywidget.AnyWidget):
    """Gives the browser what to keep, and takes back what it kept.

    Attributes:
        kept: the chart to keep from now on, see :func:`pack`.
        found: what was kept when the page was loaded: ``kept``, ``null`` if nothing was, and
            ``time``; empty as long as the browser has not answered.
        diagnosis: the diagnosis to keep from now on, see :func:`~.diagnosis.pack_diagnosis`.
        diagnosed: what was kept of one, as ``diagnosis``, and ``time``, like ``found``.
        full: what the browser could not keep: ``name``, that of the trait, and ``time``.
    """

    _esm = (FRONT / "memory.js").read_text(encoding="utf-8")

    kept = traitlets.Dict({}).tag(sync=True)
    found = traitlets.Dict({}).tag(sync=True)
    diagnosis = traitlets.Dict({}).tag(sync=True)
    diagnosed = traitlets.Dict({}).tag(sync=True)
    full = traitlets.Dict({}).tag(sync=True)
