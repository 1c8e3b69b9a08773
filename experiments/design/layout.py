"""A study as TOML, laid out as a person would: a line for each key, a section for each part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def laid_out(document: Mapping[str, Any], path: str = "") -> str:
    """Write a document.

    Args:
        document: texts, numbers, flags and lists of them by key, then sections: mappings of the
            same; and lists of mappings, each a section of its own. A mapping within a section
            is written on one line.
        path: what the document is a section of.
    """
    lines = [
        f"{key} = {_inline(value)}" for key, value in document.items() if not _apart(value, path)
    ]
    parts = ["\n".join(lines)] if lines else []
    for key, value in document.items():
        if _apart(value, path):
            parts += _sections(f"{path}{key}", value)
    return "\n\n".join(parts) + ("" if path else "\n")


def _apart(value: object, path: str) -> bool:
    """Whether a value is a section, or several."""
    if isinstance(value, Mapping):
        return not path
    return isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value)


def _sections(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - a mapping or a list of them
    if isinstance(value, Mapping):
        yield f"[{name}]\n{laid_out(value, f'{name}.')}"
        return
    for one in value:
        yield f"[[{name}]]\n{laid_out(one, f'{name}.')}"


def _inline(value: object) -> str:
    """Write a value on one line."""
    import tomli_w

    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_inline(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")
