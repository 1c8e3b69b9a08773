"""The chart that a tab plays on: a generated one, that of the command, or an uploaded one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import solara

from innovation_abm.charts.charts import build_organization
from innovation_abm.dashboards.archive import Played
from innovation_abm.dashboards.offered import pace_of
from innovation_abm.dashboards.placing import Placing, place
from innovation_abm.dashboards.tab_memory import pack
from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from innovation_abm.dashboards.archive import Archive
    from innovation_abm.dashboards.history import History
    from innovation_abm.dashboards.notes import Notes
    from innovation_abm.dashboards.opening import Opened
    from innovation_abm.dashboards.play import Play
    from innovation_abm.dashboards.tab_memory import Kept, TabMemory
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.organization.organization import Organization
    from innovation_abm.scenario.scenario import Scenario


class TabChart:
    """The chart of a tab, and what is known about a user's own one.

    Attributes:
        opened: what the tab opens with; on the uploaded chart once there is one.
        own_name: name of what the dashboard was started with, or of the uploaded chart.
    """

    def __init__(
        self,
        opened: Opened,
        history: History,
        archive: Archive,
        notes: Notes,
        memory: TabMemory | None,
        *,
        uploaded: bool,
    ) -> None:
        """Begin on the chart of ``opened``, which may be ``uploaded``.

        ``memory`` is where the tab keeps an uploaded chart; ``None``: nowhere.
        """
        self.opened = opened
        self.own_name = solara.reactive(opened.scenario.name)
        self._own, self._uploaded = opened.organization, uploaded
        self._history, self._archive = history, archive
        self._notes, self._memory = notes, memory
        self._chart_of: Scenario | None = None

    @property
    def has_own(self) -> bool:
        """Whether there is a user's own one, played on or not."""
        return self._own is not None

    @property
    def own(self) -> Organization | None:
        """The user's own one, played on or not."""
        return self._own

    @property
    def is_own(self) -> bool:
        """Whether it is a user's own."""
        return self._on_own(self._history.play.value)

    @property
    def pace(self) -> str:
        """The pace at which it is played, of :data:`~.offered.PACES`; blank if it has another."""
        return pace_of(self._history.play.value.opening, self.opened.scenario)

    @property
    def organization(self) -> Organization:
        """The organisation."""
        self._settle()
        return self._organization

    @property
    def placing(self) -> Placing:
        """The layout of its picture."""
        self._settle()
        return self._placing

    def posts(self, say: Speech) -> tuple[str, ...]:
        """Return the posts' names as the page shows them; none unless it is a user's own."""
        return self.placing.names.posts(say)

    def played(self, scenario: Scenario) -> Played:
        """Return everything that a run of ``scenario`` on this chart depends on."""
        chart = self.organization
        return Played(scenario, chart, self.opened.rules, own=chart is self._own)

    def worlds(self, play: Play) -> dict[str, Scenario]:
        """Return what is played in every world of a profile, by name."""
        return {
            name: replace(play, opening=one.but(seed=play.opening.seed)).scenario
            for name, one in self.opened.worlds.items()
        }

    def is_profile(self, play: Play) -> bool:
        """Whether the central world of a profile is played, whatever was moved in it."""
        first = self.opened.scenario
        return bool(self.opened.worlds) and play.opening.but(seed=first.seed) == first

    def played_in(self, play: Play) -> Played:
        """Return the same for anything that may be played, such as what is kept under a name."""
        own = self._own if self._on_own(play) else None
        chart = own or build_organization(play.opening)
        return Played(play.scenario, chart, self.opened.rules, own=own is not None)

    def upload(self, chart: Kept) -> None:
        """Replace the user's own chart by an uploaded one; it is played on once it is opened."""
        self.forget_upload()
        self._take(chart)

    def offer(self, chart: Kept) -> bool:
        """Offer a chart that this tab kept; return whether there was no other own chart yet."""
        if self._own is not None or self.opened.home.own:
            return False
        self._take(chart)
        return True

    def keep(self, chart: Kept) -> None:
        """Have the tab keep an uploaded chart, or report that it cannot."""
        if self._memory is None:
            return
        try:
            self._memory.kept = pack(chart)
        except InnovationAbmError:
            self._memory.kept = {}  # else a reload would bring back the chart before this one
            self.not_kept()

    def not_kept(self) -> None:
        """Report that the tab cannot keep the chart."""
        self._notes.tell("upload_not_kept", name=self.own_name.value)

    def forget_upload(self) -> None:
        """Remove everything made on an uploaded chart from what tabs share: it is private."""
        if self._own is not None and self._uploaded:
            self._archive.forget(self._own)

    def _on_own(self, play: Play) -> bool:
        """Whether something is played on a user's own chart."""
        return self._own is not None and play.opening.name == self.opened.scenario.name

    def _take(self, chart: Kept) -> None:
        self.opened = self.opened.on(chart)
        self._own, self._uploaded = chart.organization, True
        self.own_name.value = self.opened.scenario.name
        # Another file of the same name is opened with an equal scenario, which replaces nothing.
        self._chart_of = None

    def _settle(self) -> None:
        """Build and place the chart, once for each opening: moves change neither."""
        opening = self._history.play.value.opening
        if self._chart_of is opening:
            return
        own = self._own if self.is_own else None
        self._organization = own or build_organization(opening)
        self._placing = place(self._organization, named=own is not None)
        self._chart_of = opening
