"""What the figures do not say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from innovation_abm.experiments.reporting.sections.parts import Section

_CAVEATS: Final = {
    "factorial": "What lies between the values that were tried, or beyond, was not looked at.",
    "one_at_a_time": "Each change is seen from the base only. What two changes do together, and "
    "what each does elsewhere, was not looked at.",
    "latin_hypercube": "Trends average over all other factors within their ranges; with other "
    "ranges they may be others. Smooth surfaces cannot follow sharp bends.",
    "sobol": "Trends average over all other factors within their ranges; with other ranges they "
    "may be others. Smooth surfaces cannot follow sharp bends.",
    "saltelli": "Indices hold for the ranges and distributions of the factors: a factor matters "
    "more if its range is wider. Estimates may fall a little below 0 or above 1.",
    "morris": "It is a screening: it tells which factors may be left alone, not what share of the "
    "variance each explains. It holds for the ranges that were given.",
    "csv": "What lies between the listed points was not looked at, and trends average over "
    "whatever the list holds.",
}
"""What each kind of design does not say."""


class Limits(Section):
    """The section of how to read it."""

    @property
    def words(self) -> Iterator[tuple[str, str]]:
        """What the figures do not say."""
        if self.study.model.name == "innovation":
            yield (
                "It is a model",
                "People, ideas and decisions here follow simple rules, taken from the literature "
                "and written down in the model's ODD document (docs/odd.md). The figures are true "
                "of the model. They carry over to an organisation as far as its parameters have "
                "been fitted to it, and its people act like these.",
            )
        yield (
            "Intervals tell of luck only",
            "They say how much figures would change with other luck, not how much with other rules "
            "or parameters. Each holds by itself: of twenty, one misses the truth on average.",
        )
        yield (
            "The highest and the lowest",
            "A point that was picked because it is the highest of many has probably been lucky "
            "too; run again, it comes out somewhat lower.",
        )
        yield "This kind of design", _CAVEATS[self.kind]
