"""What the figures do not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from innovation_abm.experiments.reporting.sections.parts import Section

_CAVEATS: Final = {
    "factorial": "Values between or beyond those that were tried were not examined.",
    "one_at_a_time": "Each change is compared with the base only. What two changes do together, "
    "and what each does elsewhere, was not examined.",
    "latin_hypercube": "Trends average over all other factors within their ranges; other "
    "ranges may give other trends. Smooth surfaces cannot follow sharp bends.",
    "sobol": "Trends average over all other factors within their ranges; other ranges may give "
    "other trends. Smooth surfaces cannot follow sharp bends.",
    "saltelli": "Indices hold for the ranges and distributions of the factors: a factor matters "
    "more if its range is wider. Estimates may fall a little below 0 or above 1.",
    "morris": "This is a screening: it shows which factors can be ignored, not what share of the "
    "variance each explains. It holds for the given ranges.",
    "csv": "Values between the listed points were not examined, and trends average over the "
    "points in the list.",
}
"""What each kind of design does not show."""


class LimitsSection(Section):
    """The section of how to read it."""

    @property
    def words(self) -> Iterator[tuple[str, str]]:
        """What the figures do not show."""
        if self.study.model.name == "innovation":
            yield (
                "It is a model",
                "People, ideas and decisions here follow simple rules, taken from the literature "
                "and written down in the model's ODD document (docs/odd.md). The figures are true "
                "of the model. They apply to an organisation only as far as the parameters have "
                "been fitted to it and its people act like those in the model.",
            )
        yield (
            "Intervals cover sampling variation only",
            "They show how much figures would change in repeated runs, not with other rules or "
            "parameters. Each interval holds on its own: on average, one in twenty misses the true "
            "value.",
        )
        yield (
            "The highest and the lowest",
            "A point that is the highest of many has probably also been lucky; run again, it will "
            "tend to be somewhat lower.",
        )
        yield "This kind of design", _CAVEATS[self.kind]
