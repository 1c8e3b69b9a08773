"""The pictures: of the documents, and how each fate is told from the others in the stage's."""

import os
import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

from innovation_abm.dashboards import screenshots
from innovation_abm.dashboards.figures import BLUE, COLOURS, HATCHES, PageSheet
from innovation_abm.entities.idea import Fate


@pytest.mark.slow
@pytest.mark.browser
def test_a_picture_of_the_documents_is_taken(tmp_path):
    """The first of them; the command takes the others in the same way."""
    from PIL import Image

    try:
        taken = screenshots.take(tmp_path)
        file = next(taken)
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    taken.close()
    assert file.stem == next(iter(screenshots.SHOTS))
    with Image.open(file) as picture:
        assert picture.size == screenshots.LAPTOP
        colours = {colour for _, colour in picture.convert("RGB").getcolors(maxcolors=2**24)}
    assert {(0, 158, 115), (230, 159, 0)} <= colours  # ideas adopted, and on their way


# --- fates are told apart -------------------------------------------------------------------------

STAGE = files("innovation_abm.dashboards").joinpath("front", "stage.js").read_text(encoding="utf-8")

FATES = {
    name: (shape, colour)
    for name, shape, colour in re.findall(
        r'(\w+): \["(\w+)", "(#[0-9a-f]{6})"\]',
        STAGE.partition("const FATES = {")[2].partition("};")[0],
    )
}
"""The shape and the colour that the stage gives to what becomes of an idea."""

NEAR = 15.0
"""Distance of two colours, in CIE L*a*b*, below which they are not told apart at a glance.

A step that can just be seen is about 2.3 (Mahy, Van Eycken and Oosterlinck 1994, *Color Research &
Application* 19, 105-121); colours of small shapes that are not side by side need several.
"""

SEEN = {
    "by all three cones": np.eye(3),
    # Machado, Oliveira and Fernandes 2009, IEEE Transactions on Visualization and Computer
    # Graphics 15 (6), 1291-1298: the matrices of severity 1.0, over linear RGB.
    "without the red ones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "without the green ones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "without the blue ones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
"""What makes of a colour the one that it seems to be (protanopia, deuteranopia, tritanopia)."""


def lab(colour, seen):
    """Give the CIE L*a*b* of a colour as it is seen, white being that of sRGB (D65)."""
    code = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    x, y, z = np.cbrt(to_xyz @ np.clip(seen @ linear, 0, 1) / to_xyz.sum(axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distances(seen):
    """Give the distance of each two colours, by their fates."""
    return {
        (a, b): float(np.linalg.norm(lab(FATES[a][1], seen) - lab(FATES[b][1], seen)))
        for a, b in combinations(FATES, 2)
    }


def contrast(one, other):
    """Give the contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    light = []
    for colour in (one, other):
        code = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
        light.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(light) / min(light)


def test_white_letters_on_the_buttons_of_the_dark_page_can_be_read():
    assert contrast(BLUE, "#ffffff") >= 4.5


@pytest.mark.parametrize("look", ["light", "dark"])
def test_marks_and_letters_stand_out_from_the_ground(look):
    written = STAGE.partition("const LOOKS = {")[2].partition(f"{look}: {{")[2].partition("}")[0]
    colours = dict(re.findall(r'(\w+): "(#[0-9a-f]{6})"', written))
    ground = colours["ground"]
    for name in ("line", "node", "faint", "business"):
        assert contrast(colours[name], ground) >= 3.0, name
    for name in ("text", "quiet"):  # text is also the edge of ideas, whatever their colour
        assert contrast(colours[name], ground) >= 4.5, name


def test_stacked_bars_are_told_apart_without_colours():
    assert set(HATCHES) == set(COLOURS)
    assert len(set(HATCHES.values())) == len(HATCHES)
    sheet = PageSheet("deaths", 2.0, dark=False)
    for row, fate in enumerate(HATCHES):
        sheet.axes.barh(row, 1.0, **sheet.pattern(fate))
    patterned = sum(bool(pattern) for pattern in HATCHES.values())
    assert sheet.picture().svg.count("<pattern ") == patterned


def test_each_fate_has_a_shape_and_a_colour_of_its_own():
    assert set(FATES) == {"waiting", *(fate.name.lower() for fate in Fate if fate)}
    shapes, colours = zip(*FATES.values(), strict=True)
    drawn = STAGE.partition("const SHAPES = {")[2].partition("};")[0]
    outlines = dict(re.findall(r'(\w+): "([^"]+)"', drawn))
    assert len({outlines[shape] for shape in shapes}) == len(shapes)
    assert len(set(colours)) == len(colours)


def test_charts_and_stage_have_the_same_colours():
    assert {fate: FATES[fate.name.lower()][1] for fate in COLOURS} == COLOURS


@pytest.mark.parametrize("cones", SEEN)
def test_colours_of_fates_are_told_apart(cones):
    near = {pair: d for pair, d in distances(SEEN[cones]).items() if d < NEAR}
    assert near == {}
