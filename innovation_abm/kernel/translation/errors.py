"""What is raised where a method cannot be translated; apart, as it is light to import."""

from __future__ import annotations

import ast
from typing import Final

from innovation_abm.errors import InnovationAbmError


class DialectError(InnovationAbmError):
    """A method uses what the compiled engine does not know."""


_WORDS: Final = {
    ast.ClassDef: "a class within a method",
    ast.Delete: "del",
    ast.Dict: "a dictionary",
    ast.DictComp: "a loop within braces",
    ast.FunctionDef: "a function within a method",
    ast.GeneratorExp: "a loop within parentheses",
    ast.JoinedStr: "an f-string",
    ast.List: "a list",
    ast.ListComp: "a loop within brackets",
    ast.Match: "a match statement",
    ast.NamedExpr: "`:=`",
    ast.Set: "a set",
    ast.SetComp: "a loop within braces",
    ast.Starred: "`*`",
    ast.Tuple: "a tuple",
    ast.Try: "a try statement",
}


def in_words(node: ast.AST) -> str:
    """Return what a part of Python is called in messages."""
    name = type(node).__name__.lower()
    usual = f"a {name} statement" if isinstance(node, ast.stmt) else f"a {name} expression"
    return _WORDS.get(type(node), usual)
