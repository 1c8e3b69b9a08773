"""Uploading a chart: what is read of it, which columns are offered, and that no person gets out."""

import gc
import io
import re
import weakref
import zipfile

import pytest
from openpyxl import Workbook

from innovation_abm.charts.columns import CHOSEN
from innovation_abm.dashboards import choosing, uploading
from innovation_abm.dashboards.links import Note
from innovation_abm.dashboards.notes import Notes
from innovation_abm.dashboards.upload_dialog import (
    Chooser,
    Dialog,
    _preview,
    as_html,
    from_browser,
)
from innovation_abm.dashboards.uploading import MOST_ROWS, Refused, Sent, look_at, read_upload
from innovation_abm.dashboards.words import LANGUAGES, Speech


class Told:
    """What a dialog needs of a room."""

    def __init__(self):
        self.notes, self.played, self.half_chart = Notes(), [], None

    def open_chart(self, kept):
        self.played.append(kept)


def table(header, *rows, separator=","):
    return "\n".join(separator.join(map(str, row)) for row in (header, *rows)).encode()


def workbook(**sheets):
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


NAMES = ("Zoe Zebra", "Yan Yellow", "Xena Xylo", "Wim Walnut", "Vera Violet", "Ugo Umber")
SECRETS = (*NAMES, *(part for name in NAMES for part in name.split()), "@secret.example", "770013")
LINE, DOTTED = (None, 0, 0, 1, 1, 2), (None, 0, 1, 0, 2, 1)


def person(number):
    return "" if number is None else NAMES[number]


def staff(*headers, **columns):
    """A table of six people, with columns by header: each from a person's number."""
    return table(
        headers, *([columns[name](n) for name in columns] for n in range(6)), separator=";"
    )


def post_of(boss):
    return "" if boss is None else 100 + boss


PERSONS = {
    "name": lambda n: NAMES[n],
    "mail": lambda n: NAMES[n].split()[0].lower() + "@secret.example",
    "pay": lambda n: 770013 + n,
}
AMBIGUOUS = staff(
    *("Employee ID", "Full name", "E-mail", "Salary", "Directorate", "Manager ID", "Manager"),
    post=lambda n: 100 + n,
    **PERSONS,
    unit=lambda n: "North" if n % 2 else "South",
    boss=lambda n: post_of(LINE[n]),
    other=lambda n: person(DOTTED[n]),
)
UNKNOWN = staff(
    *("Wrzl", "Prmf", "Kontakt", "Gehalt", "Brk"),
    post=lambda n: f"p{n % 5}",
    **PERSONS,
    boss=lambda n: "" if n == 0 else "p0",
)
HEADLESS = AMBIGUOUS.split(b"\n", 1)[1]
LOOSE = table(
    ("post", "reports_to"),
    ("head", "XX"),
    *((f"p{n}", "head") for n in range(4)),
    *((f"q{n}", f"gone{n}") for n in range(5)),
)
GOOD = table(("post", "reports_to"), ("a", "XX"), ("b", "a"), ("c", "b"))
STAFF = [("Post", "Reports to", "Unit"), ("x", "", "U"), ("y", "x", "U"), ("z", "y", "U")]
OLD = [("Planstelle", "Vorgesetzte Stelle"), ("o", None), ("p", "o")]
BOOK = workbook(**{"Read me": [["Staff of the ministry"]], "Staff": STAFF, "Old": OLD})


def superiors(chart):
    """The superior of each post, by their names; blank for the head."""
    names = ("", *chart.names)
    return {names[n + 1]: names[boss + 1] for n, boss in enumerate(chart.superior)}


def taken(*contents, name="staff.csv", repair=False):
    room = Told()
    dialog = Dialog(room)
    dialog.show(True)
    dialog.repair.value = repair
    dialog.take([Sent(name, content) for content in contents])
    return room, dialog


# --- what is offered ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "likely"),
    [
        (AMBIGUOUS, {"post": 1, "reports_to": 6, "department": 5}),
        (UNKNOWN, {}),
        (GOOD, {"post": 1, "reports_to": 2}),
        (
            staff(
                *("Matricule", "Nom complet", "Bureau", "Supérieur hiérarchique", "ETP"),
                post=lambda n: 100 + n,
                name=lambda n: NAMES[n],
                unit=lambda n: "B1",
                boss=lambda n: person(LINE[n]),
                people=lambda n: 1,
            ),
            {"post": 1, "reports_to": 4, "matched_by": 2, "unit": 3, "people": 5},
        ),
        (BOOK, {"post": 1, "reports_to": 2, "unit": 3}),
    ],
    ids=["ambiguous", "unknown", "good", "by name", "workbook"],
)
def test_what_was_guessed_is_chosen_first(content, likely):
    offered = choosing.offer(look_at([Sent("a.csv", content)], None))
    assert offered.likely == likely
    assert set(likely) <= set(CHOSEN)
    for what, number in likely.items():
        assert number in [one["value"] for one in choosing.options(offered, what, Speech("en"))]


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        BOOK,
        staff(
            *("ID", "Name", "Office name", "Manager name"),
            post=lambda n: 100 + n,
            name=lambda n: NAMES[n],
            unit=lambda n: f"U{n // 3}",
            boss=lambda n: person(LINE[n]),
        ),
        staff(
            *("First name", "Last name", "Manager first name", "Manager last name"),
            first=lambda n: NAMES[n].split()[0],
            last=lambda n: NAMES[n].split()[1],
            boss=lambda n: person(LINE[n]).partition(" ")[0],
            other=lambda n: person(LINE[n]).partition(" ")[2],
        ),
    ],
    ids=["plain", "workbook", "by name", "by two names"],
)
def test_a_choice_that_is_left_as_it_is_changes_nothing(content):
    read = read_upload([Sent("a.csv", content)])
    offered = choosing.offer(read)
    columns = choosing.to_columns(offered, offered.likely)
    again = read_upload([Sent("a.csv", content)], columns=columns)
    assert again.organization.digest() == read.organization.digest()


def test_columns_without_a_header_or_with_the_same_one_are_chosen_by_number():
    rows = [("a", "", "", "1"), ("b", "a", "x", "1"), ("c", "b", "a", "1")]
    sent = [Sent("a.csv", table(("Code", "", "Boss", "Boss"), *rows))]
    offered = choosing.offer(look_at(sent, None))
    assert [choosing.called(offered, number, Speech("en")) for number in range(1, 5)] == [
        *("Code", "column 2", "Boss (column 3)", "Boss (column 4)")
    ]
    columns = choosing.to_columns(offered, {"post": 1, "reports_to": 2})
    assert columns["reports_to"] == "2"
    assert read_upload(sent, columns=columns).organization.superior.tolist() == [-1, 0, 1]


@pytest.mark.parametrize(
    "content", [HEADLESS, b"", b"no chart", b"\x00\xff\xfe" * 50, b"PK\x03\x04"]
)
def test_nothing_is_offered_where_there_is_nothing_to_choose(content):
    room, dialog = taken(content)
    assert dialog.held.value.offered is None
    assert not dialog.held.value.choosing
    assert [note.key for note in room.notes.shown.value] == ["upload_faults"]
    dialog.choose_columns()
    dialog.use_columns()
    dialog.choose_sheet("Staff")
    assert not dialog.held.value.choosing


# --- the dialog -----------------------------------------------------------------------------------


def test_ambiguous_columns_are_chosen_and_played():
    room, dialog = taken(AMBIGUOUS)
    held = dialog.held.value
    assert (held.choosing, held.notes[0].key) == (True, "upload_ambiguous")
    assert not room.played
    dialog.choose("reports_to", 7)
    dialog.choose("department", 0)
    dialog.choose("unit", 5)
    dialog.use_columns()
    assert not dialog.shown.value
    chart = room.played[0].organization
    assert superiors(chart) == {str(100 + n): str(post_of(boss)) for n, boss in enumerate(DOTTED)}
    assert set(chart.unit_names) == {"North", "South"}
    assert not any(name in SECRETS for name in chart.names)
    assert room.notes.shown.value[-1] == Note("upload_done", {"name": "staff", "people": 6})


def test_a_wrong_choice_is_said_and_can_be_made_again():
    room, dialog = taken(AMBIGUOUS)
    dialog.choose("reports_to", 5)
    dialog.choose("department", 0)
    dialog.use_columns()
    held = dialog.held.value
    assert (held.choosing, held.chosen["reports_to"], held.repair) == (True, 5, True)
    assert held.notes[0].key == "upload_mendable"
    assert not room.played
    for column in (0, 99, -1, "6", None):
        dialog.choose("people", column)
        dialog.choose("shoe size", column)
    dialog.choose("reports_to", 6)
    dialog.use_columns()
    chart = room.played[0].organization
    assert superiors(chart) == {str(100 + n): str(post_of(boss)) for n, boss in enumerate(LINE)}


def test_what_was_assumed_is_said_and_can_be_changed():
    room, dialog = taken(BOOK, name="book.xlsx")
    assert room.played[0].organization.size == 3
    held = dialog.held.value
    assert held.played
    assert [note.key for note in held.notes] == ["upload_read", "upload_assumed"]
    assert "--" not in held.notes[1].values["what"]
    assert [note.key for note in room.notes.shown.value] == ["upload_assumed", "upload_done"]
    dialog.choose_columns()
    assert dialog.held.value.offered.sheets == ("Read me", "Staff", "Old")
    assert dialog.held.value.offered.sheet == "Staff"
    dialog.choose_sheet("Read me")
    assert dialog.held.value.offered.headers == ()
    dialog.choose_sheet("nowhere")
    assert dialog.held.value.sheet == "Read me"
    dialog.choose_sheet("Old")
    assert dialog.held.value.offered.headers == OLD[0]
    dialog.use_columns()
    assert room.played[1].organization.size == 2
    assert not dialog.shown.value


def test_a_chart_of_which_nothing_was_assumed_is_played_at_once():
    room, dialog = taken(GOOD)
    assert not dialog.shown.value
    assert [note.key for note in room.notes.shown.value] == ["upload_done"]


def test_a_repair_over_the_budget_says_what_it_would_do_and_is_done_if_one_insists():
    room, dialog = taken(LOOSE)
    assert (dialog.held.value.notes[0].key, dialog.held.value.repair) == ("upload_mendable", True)
    dialog.repair_held()
    note = dialog.held.value.notes[0]
    assert (note.key, dialog.held.value.repair) == ("upload_budget", "force")
    assert note.values["number"] == 5
    assert len(note.details) == 5
    assert all("repair: attached to the head" in line for line in note.details)
    assert not room.played
    dialog.repair_held()
    assert room.played[0].organization.size == 10
    assert [one.key for one in room.notes.shown.value] == ["upload_repairs", "upload_done"]
    assert len(room.notes.shown.value[0].details) == room.notes.shown.value[0].values["number"] == 5
    assert "--" not in "".join(room.notes.shown.value[0].details)


def test_what_no_repair_mends_offers_none():
    _, dialog = taken(b'post,reports_to\na,\nb,a\n"c,a\n', repair=True)
    assert dialog.held.value.repair is False
    assert dialog.held.value.notes[0].key == "upload_faults"


def test_what_is_wrong_with_a_pair_that_comes_one_after_the_other_is_said():
    senior = b"Post Unique Reference,Reports to Senior Post\n1,XX\n2,9\n"
    junior = b"Reporting Senior Post,Number of Posts in FTE\n2,6.5\n"
    room, dialog = taken(senior, name="X-senior.csv")
    assert dialog.held.value.notes[0].key == "upload_half"
    dialog.take([Sent("X-junior.csv", junior)])
    assert dialog.held.value.notes[0].key == "upload_mendable"
    dialog.repair_held()
    assert room.played[0].organization.size == 9


SENIOR = [("Post Unique Reference", "Reports to Senior Post"), (1, "XX"), (2, 1)]
JUNIOR = [("Reporting Senior Post", "Number of Posts in FTE"), (2, 6.5)]


def test_both_halves_of_an_organogram_come_in_one_workbook():
    book = workbook(**{"Notes": [["May"]], "J": JUNIOR, "S": SENIOR})
    room, dialog = taken(book, name="X.xlsx")
    assert room.played[0].organization.size == 9
    said = dialog.held.value.notes[1].values["what"]
    assert said == "sheets 'S' and 'J' read as an organogram (not read: 'Notes')"


def test_what_is_missing_from_a_sheet_of_an_organogram_is_said():
    lacking = [("Reporting Senior Post", "Unit"), (2, "U")]
    _, dialog = taken(workbook(S=SENIOR, J=lacking), name="X.xlsx")
    note = dialog.held.value.notes[0]
    assert note.key == "upload_faults"
    assert note.details[0].startswith(
        "X.xlsx, sheet 'J', row 1: the column 'number of posts in fte'"
    )


@pytest.mark.parametrize("sheets", [{"S": SENIOR}, {"S": SENIOR, "Notes": [["May"]]}])
def test_a_workbook_with_one_half_of_an_organogram_waits_for_the_other(sheets):
    room, dialog = taken(workbook(**sheets), name="X-senior.xlsx")
    assert dialog.held.value.notes[0].key == "upload_half"
    dialog.take([Sent("X-junior.xlsx", workbook(J=JUNIOR))])
    assert room.played[0].organization.size == 9


def test_a_file_beside_a_whole_organogram_is_not_left_out_silently():
    both = [Sent("X-senior.xlsx", workbook(S=SENIOR, J=JUNIOR)), Sent("Y.csv", GOOD)]
    with pytest.raises(Refused) as refused:
        read_upload(both)
    assert refused.value.note.key == "upload_no_pair"


def test_what_was_uploaded_is_held_only_while_the_dialog_is_open():
    room, dialog = taken(AMBIGUOUS)
    senior = Sent("X-senior.csv", b"Post Unique Reference,Reports to Senior Post\n1,XX\n2,1\n")
    held = [weakref.ref(dialog.held.value.files[0])]
    gc.collect()
    assert held[0]() is not None
    dialog.show(False)
    dialog.show(True)
    dialog.take([senior])
    held.append(weakref.ref(senior))
    del senior
    dialog.show(False)
    gc.collect()
    assert [one() for one in held] == [None, None]
    dialog.take([Sent("staff.csv", AMBIGUOUS)])  # sent before it was closed
    assert dialog.shown.value
    dialog.show(False)
    assert dialog.held.value is None
    assert room.half_chart is None


# --- encodings ------------------------------------------------------------------------------------

FRENCH = "Poste;Supérieur;Unité\na;;Hôtel\nb;a;Trésor\n"


def previewed(dialog):
    """The headers and the cells of the preview."""
    offered = dialog.held.value.offered
    return {*offered.headers, *(cell for row in offered.rows for cell in row)}


@pytest.mark.parametrize("encoding", ["mac-roman", "cp850", "utf-8", "cp1252"])
def test_wrong_letters_are_put_right_by_choosing_the_encoding(encoding):
    room, dialog = taken(FRENCH.encode(encoding))
    found = "utf-8" if encoding == "utf-8" else "cp1252"
    assert dialog.held.value.offered.encoding == found
    dialog.choose_columns()
    assert (previewed(dialog) >= {"Supérieur", "Hôtel"}) == (encoding == found)
    dialog.choose_encoding(encoding)
    assert previewed(dialog) >= {"Supérieur", "Unité", "Hôtel", "Trésor"}
    assert dialog.held.value.chosen == {"post": 1, "reports_to": 2, "unit": 3}
    dialog.use_columns()
    assert room.played[-1].organization.unit_names == ("Hôtel", "Trésor")
    assert not dialog.shown.value


def test_an_encoding_that_a_text_is_not_in_is_said_and_another_one_can_be_chosen():
    room, dialog = taken(FRENCH.encode("cp1252"))
    played = len(room.played)
    dialog.choose_columns()
    dialog.choose_encoding("utf-8")
    offered = dialog.held.value.offered
    assert (offered.headers, offered.encoding) == ((), "")
    assert offered.encodings == choosing.ENCODINGS
    dialog.use_columns()
    assert dialog.held.value.notes[0].key == "upload_faults"
    assert "the text is not utf-8" in dialog.held.value.notes[0].details[0]
    dialog.choose_encoding("klingon")
    assert dialog.held.value.encoding == "utf-8"
    dialog.choose_encoding("cp1252")
    dialog.use_columns()
    assert len(room.played) == played + 1


def test_an_encoding_is_offered_only_where_it_makes_a_difference():
    for content in (GOOD, AMBIGUOUS, BOOK):
        _, dialog = taken(content)
        assert dialog.held.value is None or dialog.held.value.offered.encodings == ()
    _, dialog = taken(FRENCH.encode("utf-16-be"))
    offered = dialog.held.value.offered
    assert offered.encoding == "utf-16-be"
    items = choosing.encoding_options(offered, Speech("fr"))
    assert [one["value"] for one in items] == [*choosing.ENCODINGS, "utf-16-be"]
    assert items[2]["text"] == "Windows, Europe occidentale (cp1252)"


def test_the_encoding_of_an_organogram_can_be_chosen_though_its_columns_are_fixed():
    senior = "Post Unique Reference,Name,Reports to Senior Post,Unit\n1,Zoé Zébra,XX,Trésor\n"
    junior = b"Reporting Senior Post,Number of Posts in FTE\n1,6.5\n"
    for first in (True, False):
        pair = [Sent("X-senior.csv", senior.encode("mac-roman")), Sent("X-junior.csv", junior)]
        room = Told()
        dialog = Dialog(room)
        dialog.show(True)
        dialog.take(pair if first else pair[::-1])
        assert dialog.held.value.offered.choices == ()
        dialog.choose_columns()
        dialog.choose_encoding("mac-roman")
        assert not [cell for cell in previewed(dialog) if cell and "Zoé" in cell]
        dialog.use_columns()
        assert room.played[-1].organization.unit_names[0] == "Trésor"


def test_details_about_an_encoding_name_no_option_of_the_command_line():
    text = "post,reports_to\nä,\nb,ä\nü,ä\n".encode() + b"\xe9,b\n"
    _, dialog = taken(text)
    note = dialog.held.value.notes[0]
    assert note.key == "upload_mendable"
    assert "--" not in "".join(note.details)


# --- what gets out of it --------------------------------------------------------------------------


def everything(room, dialog, say):
    """All that the page shows of what was uploaded."""
    held, texts = dialog.held.value, []
    for note in (*room.notes.shown.value, *(() if held is None else held.notes)):
        texts.append(as_html(note, say))
    if held is not None and held.offered is not None:
        texts.append(_preview(held.offered, say))
        texts += [str(choosing.options(held.offered, what, say)) for what in CHOSEN]
        texts.append(str(held.offered.sheets))
    return "\n".join(texts)


REPEATED = staff(  # who leads many is named many times
    *("Code", "Beschreibung", "Kollege", "Manager"),
    post=lambda n: f"k{n}",
    unit=lambda n: "U",
    name=lambda n: NAMES[n],
    boss=lambda n: "" if n == 0 else NAMES[0],
)
GONE = staff(
    *("Personnel no", "Supervisor"),
    post=lambda n: 100 + n,
    boss=lambda n: "" if n == 0 else NAMES[n % 2],
)


@pytest.mark.parametrize(
    "content",
    [
        *(AMBIGUOUS, UNKNOWN, HEADLESS, REPEATED, GONE),
        "\n".join(NAMES).encode(),
        "\n".join(f"{name};{n}" for n, name in enumerate(NAMES)).encode(),
        AMBIGUOUS.replace(b"Manager ID", b"Zip").replace(b"Employee ID", b"Zap"),
    ],
    ids=["ambiguous", "unknown", "headless", "repeated", "gone", "list", "pairs", "odd"],
)
@pytest.mark.parametrize("chosen", [{}, {"post": 1, "reports_to": 4}, {"post": 2, "reports_to": 1}])
@pytest.mark.parametrize("repair", [False, True])
def test_nothing_about_persons_is_shown(content, chosen, repair):
    secrets = [one for one in SECRETS if one.encode() in content]
    assert secrets
    room, dialog = taken(content, repair=repair)
    for _ in range(2):
        for language in LANGUAGES:
            shown = everything(room, dialog, Speech(language))
            assert not [one for one in secrets if one in shown], shown
            assert "77001" not in shown
            assert "@" not in shown
        if dialog.held.value is None or dialog.held.value.offered is None:
            break
        dialog.choose_columns()
        for what, column in chosen.items():
            dialog.choose(what, column)
        dialog.use_columns()
        dialog.repair_held()
    for kept in room.played:
        assert not [one for one in secrets if one in (*kept.organization.names, kept.label)]


def test_columns_about_persons_only_serve_to_find_superiors():
    offered = choosing.offer(look_at([Sent("a.csv", AMBIGUOUS)], None))
    assert offered.hidden == {2, 3, 4, 7}
    for what in CHOSEN:
        values = {one["value"] for one in choosing.options(offered, what, Speech("fr"))}
        assert bool(values & offered.hidden) == (what in choosing.OF_PERSONS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_details_are_behind_their_line_and_escaped(language):
    note = Note("upload_faults", {"name": "<b>.csv"}, ("row 2: '<script>'", "row 3"))
    html = as_html(note, Speech(language))
    assert html.startswith("<details><summary>&lt;b&gt;.csv")
    assert "<script>" not in html
    assert ("en anglais" in html) == (language == "fr")
    assert as_html(note, Speech(language), most=2).startswith("<details open>")
    assert as_html(Note("keep", {}), Speech(language)).startswith("<p>")


def test_the_button_keeps_nothing_of_the_files():
    got = []
    chooser = Chooser()
    chooser.observe(lambda change: got.append(change["new"]), "chosen")
    chooser._handle_custom_msg({"files": [{"name": "a.csv", "size": 3}]}, [memoryview(b"abc")])
    assert [from_browser(one) for one in got if one] == [[Sent("a.csv", b"abc")]]
    assert chooser.chosen == {}
    assert "chosen" not in chooser.get_state()


@pytest.mark.parametrize(
    ("files", "contents", "key"),
    [
        ([{"name": "a.csv", "size": 9}], [], "upload_large"),
        ([{"name": "a.csv"}] * 3, [b""] * 3, "upload_many"),
        ([], [], "upload_many"),
        ([{"name": "a.csv"}], [b"", b""], "upload_large"),
        ([7], [], "upload_large"),
    ],
)
def test_files_that_were_not_sent_are_said(files, contents, key):
    note = from_browser({"files": files, "contents": contents})
    assert note.key == key
    assert Speech("fr")(note.key, **note.values)


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("a.csv", "a.csv"),
        ("a.XLSX", "a.xlsx"),
        ("a.tsv", "a.tsv"),
        ("C:\\x\\a.b.txt", "a.b.txt"),
        ("a.exe", "a.csv"),
        ("../../a", "a.csv"),
        (".xlsx", "xlsx.xlsx"),
        ("", "chart.csv"),
        ("a.csv\0.xlsx", "a.csv_.xlsx"),
        ("x" * 300 + ".tsv", "x" * 60 + ".tsv"),
    ],
)
def test_files_keep_a_safe_name_and_their_suffix(name, label):
    assert uploading._label(name) == label


def test_a_workbook_of_too_many_rows_is_refused_before_it_is_read(monkeypatch):
    row = (
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"/><x:row><x:c><x:v>1</x:v></x:c></x:row>'
    )
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", row * (MOST_ROWS // 2 + 1))
    monkeypatch.setattr(uploading, "read_chart", lambda *_, **__: pytest.fail("was read"))
    with pytest.raises(Refused) as refused:
        read_upload([Sent("a.xlsx", book.getvalue())])
    note = refused.value.note
    assert note == Note("upload_rows", {"name": "a.xlsx", "rows": MOST_ROWS + 2, "most": MOST_ROWS})


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(uploading, "read_chart", lambda *_, **__: pytest.fail("was read"))
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/picture.bin", bytes(41_000_000))
    with pytest.raises(Refused) as refused:
        read_upload([Sent("a.xlsx", book.getvalue())])
    assert refused.value.note.key == "upload_unpacked"


def test_a_damaged_workbook_is_refused_and_one_of_bytes_that_look_like_lines_is_read():
    for cut in (10, len(BOOK) // 2, len(BOOK) - 10):
        with pytest.raises(Refused) as refused:
            read_upload([Sent("a.xlsx", BOOK[:cut])])
        assert refused.value.note.key == "upload_faults"
    padded = io.BytesIO(BOOK)
    with zipfile.ZipFile(padded, "a") as archive:
        archive.writestr("xl/media/picture.bin", b"\n" * (MOST_ROWS + 1))
    assert read_upload([Sent("a.csv", padded.getvalue())]).organization.size == 3


def test_the_page_names_no_options_of_the_command_line():
    texts = [text for language in LANGUAGES for text in Speech(language).texts.values()]
    assert not [text for text in texts if re.search(r"\s--(repair|force|column|sheet)", text)]
