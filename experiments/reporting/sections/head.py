"""The head of the page: the question, how much was run, and warnings."""

from __future__ import annotations

from collections.abc import Iterator

from innovation_abm.experiments.reporting.sections.parts import Section
from innovation_abm.experiments.reporting.wording import are, count


class HeadSection(Section):
    """The head of the page."""

    @property
    def title(self) -> str:
        """The title, or the name if there is none."""
        return self.study.title or self.study.name

    @property
    def question(self) -> str:
        """The question; may be empty."""
        return self.study.question

    @property
    def facts(self) -> str:
        """How much was run, and when, in one line."""
        told = self.told
        text = f"{count(told['points'], 'point')} of the design, {count(told['runs'], 'run')}"
        if told["failed"]:
            text += f", {told['failed']:,} failed"
        dates = self._dates()
        return f"{text}. Run {dates}." if dates else f"{text}."

    def _dates(self) -> str:
        started = self.results.provenance["started"]
        if not len(started):
            return ""
        first, last = (f"{one.day} {one:%B %Y}" for one in (started.min(), started.max()))
        return f"on {first} (UTC)" if first == last else f"from {first} to {last} (UTC)"

    @property
    def warnings(self) -> Iterator[str]:
        """Warnings that a reader must see first."""
        told = self.told
        if not told["runs"]:
            yield "Nothing has been run yet, so there is nothing to report."
        elif self._unfinished():
            yield (
                f"This study is not finished{self._unfinished()}. What follows are the results so "
                "far; the same command completes it."
            )
        if told["failed"]:
            yield (
                f"{count(told['failed'], 'run')} failed and {are(told['failed'])} left out of "
                "all figures; see “What failed, and what is undefined”. The same command with "
                "--retry runs them again."
            )

    def _unfinished(self) -> str:
        """Describe what is left to run, except failed runs; "" if the study is finished."""
        told = self.told
        absent = told["missing"] - told["failed"]
        if absent <= 0:
            return "" if self.results.settled else ": more replications are needed"
        most = "up to " if self.study.replications.precision else ""
        return f": {most}{count(absent, 'run')} {are(absent)} missing"
