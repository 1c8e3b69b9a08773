"""What a page may send through its WebSocket: messages of Jupyter's protocol that widgets need.

Anything else is dropped before Solara reads it, which would end the connection with a traceback in
the log. One line in the log says what was dropped, without its content.
"""

from __future__ import annotations

import json
import logging
import struct
import traceback
from pathlib import Path
from typing import Any, Final

MOST_BYTES: Final = 6_000_000
"""Most bytes of a message: the largest charts that may be uploaded, and their description."""
MOST_TEXT: Final = 1_000_000
"""Most bytes of a message without its files."""
MOST_PARTS: Final = 64
"""Most buffers in one message."""
DEEPEST: Final = 24
"""Most levels of nested lists and objects."""
CHANNELS: Final = ("shell", "control")
TARGETS: Final = ("solara.control", "jupyter.widget.control")
"""Targets that a page may open: Solara's control of the page, and that of all widgets."""
METHODS: Final = ("update", "request_state", "request_states", "custom", "run", "app-status")
"""Methods that it may use on these targets and on widgets."""


LOG: Final = logging.getLogger("innovation_abm.dashboard")


class BadMessage(ValueError):  # noqa: N818 - dropped and logged
    """A message that no page sends; its text says why."""


def check_message(message: str | bytes) -> None:
    """Check that a message is one that a page sends.

    Raises:
        BadMessage: if it is not; its text contains nothing of the message.
    """
    text, buffers = (message, 0) if isinstance(message, str) else _parts(message)
    if len(text) > MOST_TEXT:
        raise BadMessage(f"more than {MOST_TEXT} bytes without its buffers")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("not valid JSON") from None
    _check_depth(found)
    header = _object(found, "message").get("header")
    kind = _object(header, "header").get("msg_type")
    if found.get("channel") not in CHANNELS:
        raise BadMessage("unknown channel")
    if isinstance(message, str) and found.get("buffers", []) != []:
        raise BadMessage("buffers in a text")
    for name in ("content", "metadata", "parent_header"):
        if name in found or name == "content":
            _object(found.get(name), name)
    check = CHECKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise BadMessage("unknown type")
    check(found["content"], buffers)


def _parts(message: bytes) -> tuple[bytes, int]:
    """Take a binary message apart: the text, and how many buffers follow it.

    It begins with the number of parts and the start of each, as 32-bit numbers.
    """
    try:
        (number,) = struct.unpack_from("!I", message)
        if not 1 <= number <= MOST_PARTS:
            raise BadMessage("number of buffers out of bounds")
        starts = struct.unpack_from(f"!{number}I", message, 4)
    except struct.error:
        raise BadMessage("cut off") from None
    ends = (*starts[1:], len(message))
    if starts[0] != 4 * (number + 1) or any(a > b for a, b in zip(starts, ends, strict=True)):
        raise BadMessage("buffers in the wrong places")
    return message[starts[0] : ends[0]], number - 1


def _object(value: Any, what: str) -> dict[str, Any]:  # noqa: ANN401 - anything that JSON holds
    if not isinstance(value, dict):
        raise BadMessage(f"{what} is not an object")
    return value


def _check_depth(value: Any) -> None:  # noqa: ANN401 - anything that JSON holds
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise BadMessage(f"more than {DEEPEST} levels deep")
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        level = inner


def _check_nothing(content: dict[str, Any], buffers: int) -> None:
    pass


def _check_comm(content: dict[str, Any], buffers: int) -> None:
    if not isinstance(content.get("comm_id"), str):
        raise BadMessage("comm_id is not text")


def _check_open(content: dict[str, Any], buffers: int) -> None:
    _check_comm(content, buffers)
    if content.get("target_name") not in TARGETS:
        raise BadMessage("unknown target")
    _object(content.get("data"), "data")


def _check_comm_message(content: dict[str, Any], buffers: int) -> None:
    _check_comm(content, buffers)
    data = _object(content.get("data"), "data")
    method = data.get("method")
    if method not in METHODS:
        raise BadMessage("unknown method")
    if method == "update":
        state = _object(data.get("state"), "state")
        _check_places(state, data.get("buffer_paths", []), buffers)
    elif method == "run":
        args = _object(data.get("args"), "args")
        if not isinstance(args.get("path", ""), str) or args.get("appName") is not None:
            raise BadMessage("unknown page")
        _object(args.get("themes", {}), "themes")


def _check_places(state: dict[str, Any], paths: Any, buffers: int) -> None:  # noqa: ANN401
    """Check that the state has a place for each buffer."""
    if not isinstance(paths, list) or len(paths) != buffers:
        raise BadMessage("buffers and places differ in number")
    for path in paths:
        if not isinstance(path, list) or not path:
            raise BadMessage("a buffer's place is not a path")
        at: Any = state
        for step in path[:-1]:
            at = _inside(at, step)
        if isinstance(at, list):
            _inside(at, path[-1])
        elif not (isinstance(at, dict) and isinstance(path[-1], str)):
            raise BadMessage("no place for a buffer")


def _inside(value: Any, step: Any) -> Any:  # noqa: ANN401 - anything that JSON holds
    if isinstance(value, dict) and isinstance(step, str) and step in value:
        return value[step]
    if isinstance(value, list) and type(step) is int and 0 <= step < len(value):
        return value[step]
    raise BadMessage("no place for a buffer")


CHECKS: Final = {
    "kernel_info_request": _check_nothing,
    "comm_info_request": _check_nothing,
    "shutdown_request": _check_nothing,
    "comm_open": _check_open,
    "comm_msg": _check_comm_message,
    "comm_close": _check_comm,
}
"""Types of messages that a page sends, and their checks."""


# --- what failed anyway ---------------------------------------------------------------------------


def note_dropped(error: BaseException) -> None:
    """Note in one line that a message was dropped because it could not be processed."""
    LOG.error("dropped a message: %s", _where(error))


def _where(error: BaseException) -> str:
    """Return the name and place of an error; its text may contain the message's content."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{place}"


class OneLine(logging.Filter):
    """Shortens to one line the errors that any request can cause."""

    def __init__(self, what: str) -> None:
        """Log ``what`` happened, and then the error."""
        super().__init__()
        self._what = what

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record that has an error; all pass."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None:
            record.msg, record.args = f"{self._what}: %s", (_where(error),)
        record.exc_info = record.exc_text = record.stack_info = None
        return True
