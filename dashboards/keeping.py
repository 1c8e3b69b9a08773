"""Export of what was played: the picture, the tables, the session as a scenario file."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import solara
from solara.alias import rv

from innovation_abm.dashboards.debrief_buttons import DebriefButtons
from innovation_abm.dashboards.session_file import has_session_file, session_file
from innovation_abm.dashboards.web_page import web_page
from innovation_abm.reading.spreadsheets import MOST_ROWS, CsvWriter, WorkbookWriter
from innovation_abm.results.files import save_run

if TYPE_CHECKING:
    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.room import Room
    from innovation_abm.results.run import Run


def packed(run: Run) -> bytes:
    """Return a run's folder, as ``innovation-abm run --out`` writes it, as one ZIP file.

    ``innovation-abm run run.toml`` in the unpacked folder repeats the run exactly. The tables are
    in it as CSV and Excel too, which anybody can open.
    """
    written = io.BytesIO()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        save_run(run, folder)
        tables = folder / "tables"
        tables.mkdir()
        for one in sorted(folder.glob("*.parquet")):
            _write_tables(one, tables)
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
            for one in sorted(folder.rglob("*.*")):
                file.write(one, one.relative_to(folder))
    return written.getvalue()


def _write_tables(parquet: Path, folder: Path) -> None:
    """Write a table for spreadsheets too; Excel has no room for the rows of the very largest."""
    import pyarrow.parquet as pq

    table = pq.read_table(parquet)
    with CsvWriter(folder / f"{parquet.stem}.csv", table.schema, marked=True) as csv:
        csv.write_table(table)
    if table.num_rows < MOST_ROWS:
        with WorkbookWriter(folder / f"{parquet.stem}.xlsx", table.schema) as workbook:
            workbook.write_table(table)


def _whole(room: Room, film: Film) -> Run:
    """Return the run that is exported: of a game that is over, that of its scenario."""
    game = room.game.game.value
    if game is None:
        return film.run
    return room.engine.archive.film(game.game.full, lambda: True).run


@solara.component
def Keep(room: Room) -> None:
    """Offer what can be exported."""
    say, film = room.say, room.picture.film.value
    play = room.play
    scenario = room.scenario
    tip = {"title": say("keep_tip")}
    if film is None or room.session.betting or room.game.judging:  # tables would tell the answer
        solara.Button(say("keep"), text=True, small=True, disabled=True, attributes=tip)
        return
    opener = rv.Btn(text=True, small=True, v_on="menu.on", children=[say("keep")], attributes=tip)
    slots = [{"name": "activator", "variable": "menu", "children": opener}]
    # A group: in what Vuetify calls a menu, only entries of a menu may be, and these are buttons.
    about = {"role": "group", "aria-label": say("keep")}
    with (
        rv.Menu(offset_y=True, v_slots=slots, attributes=about),
        solara.Column(classes=["ia-menu"], gap="0px"),
    ):
        solara.Button(
            say("keep_picture"), text=True,
            on_click=lambda: room.stage.save_picture(play.opening.name, say("title")),
        )  # fmt: skip
        solara.FileDownload(lambda: web_page(room), f"{scenario.name}.html", say("keep_web_page"))
        if room.game.game.value is None:  # it reports what was played before, not the game
            DebriefButtons(room)
        if has_session_file(room):
            solara.FileDownload(
                lambda: session_file(room), f"{scenario.name}.toml", say("keep_scenario")
            )
        _Tables(room, film)


@solara.component
def _Tables(room: Room, film: Film) -> None:
    """Offer the tables; of a game only once it is over: they tell what becomes of its ideas.

    A game that has stopped is never over.
    """
    status = room.game.status.value
    if status is not None and status.stopped:
        return
    if status is not None and not status.over:
        solara.Button(room.say("keep_tables_later"), text=True, disabled=True)
        return
    solara.FileDownload(
        lambda: packed(_whole(room, film)), f"{room.scenario.name}.zip", room.say("keep_tables")
    )
