"""Whatever a file of TOML holds: one short message, at once; whoever reads it."""

import os
import re
import time
import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from innovation_abm import Scenario
from innovation_abm.commands import cli
from innovation_abm.dashboards.guides import load_guide, read_guide
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.calibration.file import Calibration
from innovation_abm.experiments.design.study import Study
from innovation_abm.reading.text_files import MOST_BYTES
from innovation_abm.reading.toml_files import (
    DEEPEST,
    LONGEST_NUMBER,
    MOST_PARTS,
    TomlError,
    read_toml,
)
from innovation_abm.results.files import rules_missing
from innovation_abm.scenario.levers import load_levers, read_levers

SECONDS = 5.0
"""Far more than is taken, and far less than the parser would take without limits."""
LONGEST = 600
"""Characters of a message."""

READERS = {
    "scenario": (Scenario.load, Scenario.from_toml, "format = 1\n[run]\n"),
    "levers": (load_levers, lambda text: read_levers(text, "mine.toml"), "[[lever]]\n"),
    "study": (Study.load, Study.from_toml, 'format = 1\nname = "a"\n'),
    "calibration": (Calibration.load, Calibration.from_toml, 'format = 1\nname = "a"\n'),
    "session": (load_guide, lambda text: read_guide(text, "mine.toml"), 'key = "a"\n'),
}
COMMANDS = {
    "scenario": ("run",),
    "levers": ("levers", "--levers"),
    "study": ("sweep", "--check"),
    "calibration": ("calibrate",),
    "session": ("dashboard", "--session"),
}

HOSTILE = {
    "5,000 nines": "seed = " + "9" * 5_000,
    "a float of 5,000 digits": "seed = 0." + "1" * 5_000,
    "a float of a million digits": "seed = 0." + "1" * 1_000_000,
    "5,000 digits in hexadecimal": "seed = 0x" + "f" * 5_000,
    "20,000 digits in octal": "seed = 0o" + "7" * 20_000,
    "50,000 digits in binary": "seed = 0b" + "1" * 50_000,
    "5,000 digits and underscores": "seed = 9" + "_9" * 5_000,
    "a dotted key of 100,000 parts": ".".join("a" * 100_000) + " = 1",
    "a spaced key of 100,000 parts": " . ".join("a" * 100_000) + " = 1",
    "a quoted key of 100,000 parts": ".".join(['"a"'] * 100_000) + " = 1",
    "a header of 100,000 parts": "[" + ".".join("a" * 100_000) + "]",
    "300,000 unknown keys": "\n".join(f"k{n} = 1" for n in range(300_000)),
    "20,000 unknown keys": "\n".join(f"k{n} = 1" for n in range(20_000)),
    "20,000 unknown sections": "\n".join(f"[k{n}]" for n in range(20_000)),
    "lists 100,000 deep": "seed = " + "[" * 100_000 + "]" * 100_000,
    "open lists 100,000 deep": "seed = " + "[" * 100_000,
    "tables 100,000 deep": "seed = " + "{a=" * 100_000 + "1" + "}" * 100_000,
    "a key of 10 MB": "a" * 10_000_000 + " = 1",
    "a key of 900,000 characters": "a" * 900_000 + " = 1",
    "a quoted key of 100,000 characters": '"' + "a" * 100_000 + '" = 1',
    "a text of 10 MB": 'seed = "' + "x" * 10_000_000 + '"',
    "a text of 10,000 characters": 'seed = "' + "x" * 10_000 + '"',
    "a million values": "seed = [" + "1," * 1_000_000 + "]",
    "40,000 values": "seed = [" + "1," * 40_000 + "]",
    "a text that never ends": 'seed = """' + "x\n" * 100_000,
    "8,000 factors": "[[factor]]\nq = 1\n" * 8_000,
    "8,000 parameters": "[[parameter]]\nq = 1\n" * 8_000,
    "8,000 levers": "[[lever]]\nq = 1\n" * 8_000,
    "8,000 changes": "[[timeline]]\nq = 1\n" * 8_000,
    "8,000 steps": "[[steps]]\nq = 1\n" * 8_000,
    "30,000 measures": "measures = [" + ",".join(f'"m{n}"' for n in range(30_000)) + "]",
    "20,000 values set": "[base.values]\n" + "\n".join(f"k{n} = 1" for n in range(20_000)),
    "20,000 levers moved": "[levers]\n" + "\n".join(f"k{n} = 1" for n in range(20_000)),
    "20,000 wrong values": "[[factor]]\nparameter = 'span'\nvalues = [" + "[]," * 20_000 + "]",
    "a date": "seed = 1979-05-27",
    "a date that there is not": "seed = 2024-13-45",
    "infinity": "seed = inf",
    "not a number": "seed = nan",
    "a NUL": 'seed = "\0"',
    "an escape of half a character": 'seed = "\\ud800"',
    "the same key twice": "seed = 1\nseed = 2",
}


def refused(read, *arguments):
    """The message with which a reader refuses, which it does soon and in few words."""
    start = time.process_time()  # which other processes do not lengthen
    with pytest.raises(InnovationAbmError) as caught:
        read(*arguments)
    assert time.process_time() - start < SECONDS
    message = str(caught.value)
    assert 0 < len(message) < LONGEST, message
    assert max(map(len, re.findall(r"\w+", message))) < 200, message
    return message


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("kind", READERS)
def test_hostile_texts_are_refused_at_once(kind, hostile):
    _, read, head = READERS[kind]
    refused(read, head + HOSTILE[hostile])


FILES = {
    "5,000 nines": HOSTILE["5,000 nines"].encode(),
    "more than is read": b"#" * (MOST_BYTES + 1),
    "not UTF-8": b"\xff\xfea = 1",
    "UTF-16": "a = 1".encode("utf-16"),
    "a NUL": b"seed = \0",
    "no key": b"\xef\xbb\xbf# nothing\r\n\r\nx",
}


@pytest.mark.parametrize("hostile", [*FILES, "folder", "pipe", "device", "missing", "long name"])
@pytest.mark.parametrize("kind", READERS)
def test_hostile_files_are_refused_with_status_2(kind, hostile, tmp_path):
    path = tmp_path / "mine.toml"
    if hostile in FILES:
        path.write_bytes(FILES[hostile])
    elif hostile == "folder":
        path.mkdir()
    elif hostile == "pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(path)
    elif hostile == "device" and os.path.exists("/dev/zero"):
        path = "/dev/zero"
    elif hostile == "long name":
        path = tmp_path / ("a" * 300 + ".toml")
    message = refused(READERS[kind][0], path)
    assert message.startswith(str(path)[:150])
    if kind == "session" and hostile == "device":
        return  # on the command line a session without an ending is the name of one
    result = CliRunner().invoke(cli.app, [*COMMANDS[kind], str(path)])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert 0 < len(result.stderr) < 2 * LONGEST


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\n\nb = " + "9" * 101, "line 3: the number has more than 100 digits; at most 100 "),
        ("a = 1\nb = 0." + "1" * 500, "line 2: the number has 502 digits; at most 100 are read"),
        ("\n\na.b.c.d.e.f.g.h.i = 1", "line 3: the key has more than 8 parts; at most 8 are read"),
        ("a = 1\nb = " + "[" * 17, "line 2: the list or table has more than 16 levels; at most 16"),
        ("x = 1\n" + "k" * 401, "line 2: the word has more than 400 characters; at most 400 are "),
        ('["' + "k" * 500 + '"]', "line 1: the key has 502 characters; at most 400 are read"),
        ('x = "' + "k" * 30_000 + '"', "line 1: the text has 30,002 characters; at most 20,000 "),
        ("#" * 1_000_001, "is too large: at most 1,000,000 bytes are read"),
        ("é" * 600_000, "is too large: at most 1,000,000 bytes are read"),
        ("a = 1\nb = ", "is not valid TOML: Invalid value (at end of document)"),
        ("a = 1\nb c = 1", "is not valid TOML: Expected '=' after a key in a key/value pair (at "),
    ],
)
def test_messages_name_the_line_and_the_limit(text, message):
    with pytest.raises(TomlError) as caught:
        read_toml(text)
    assert str(caught.value).startswith(message)


LARGE = {
    "keys": "\n".join(f"k{n} = {n}" for n in range(24_000)),
    "values": "a = [" + ", ".join(["0.12345"] * 49_000) + "]",
    "timeline": "[[timeline]]\nweek = 1\nclarity = 0.5\n" * 5_200,
    "texts": "\n".join(f'k{n} = """\nsaid "{n}", and done\n"""' for n in range(2_000)),
    "depth": "a = " + "[" * DEEPEST + "]" * DEEPEST,
    "parts": ".".join("abcdefgh"[:MOST_PARTS]) + " = 1",
    "digits": "a = " + "9" * LONGEST_NUMBER + "\nb = 0.1_2",
    "comments": "# a.b.c.d.e.f.g.h.i.j.k [[[[[[[[[[[[[[[[[[[[[[[ \"\"\" ''' " * 500 + "\na = 1",
    "marks in texts": 'a = "[[[[[[[[[[[[[[[[[ = , { # .a.b.c.d.e.f.g.h.i.j"\nb = \'\\"\'\nc = 1',
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_what_is_large_but_sound_is_read(text):
    assert read_toml(text) == tomllib.loads(text)


def test_beginnings_and_line_ends(tmp_path):
    text = '\ufeffformat = 1\r\nname = "é"\r\n[run]\r\nweeks = 9\r\n'
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode())
    assert Scenario.load(path) == Scenario.from_toml(text) == Scenario(name="é", weeks=9)
    assert rules_missing(path, None) is None


PIECES = st.sampled_from(
    [*"abc019 \n.,=[]{}\"'#_-+", '"""', "'''", "\r\n", "\\", "0x", "inf", "1979-05-27", "é", "\0"]
)


@settings(max_examples=200)
@given(st.lists(PIECES, max_size=40).map("".join))
@example('a = """"b""""')
@example("a = '''b''''''")
@example('a = "\\""')
def test_limits_refuse_nothing_that_is_small_and_sound(text):
    """What is within the limits is what Python's parser makes of it."""
    try:
        expected = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError):
        with pytest.raises(TomlError):
            read_toml(text)
    else:
        assert repr(read_toml(text)) == repr(expected)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--set", "seed=" + "9" * 5_000),
        ("run", "--set", "clarity=" + "[" * 50_000),
        ("run", "--set", "clarity=0." + "1" * 100_000),
        ("run", "--set", "a" * 100_000 + "=1"),
        ("run", "--set", "x" * 100_000),
        ("run", "--lever", "x" * 100_000 + "=1"),
        ("run", "--lever", "upholding=" + "9" * 5_000),
        ("run", "--lever", "upholding=" + "x" * 100_000),
        ("run", "--seed", "9" * 5_000),
        ("run", "x" * 100_000),
        ("run", "--" + "x" * 100_000),
        ("x" * 100_000,),
        ("run", "--weeks", "9" * 4_000),
        ("levers", "x" * 100_000),
        ("sweep", "x" * 100_000),
        ("calibrate", "x" * 100_000),
    ],
    ids=lambda arguments: " ".join(arguments)[:30],
)
def test_hostile_options_are_refused_in_few_words(arguments):
    start = time.process_time()  # which other processes do not lengthen
    result = CliRunner().invoke(cli.app, list(arguments))
    assert time.process_time() - start < 2 * SECONDS
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert 0 < len(result.output) < 2_500
