# mypy: ignore-errors
# ruff: noqa: ANN401 - numba's lower-level interfaces carry no types
"""What compiled code may assume of the memory that it reads and writes, and what it must prove.

numba calls functions that write machine code with a *context*, which knows how types are laid out,
and a *builder*, which adds instructions to the function that is being compiled. So nothing here
happens when the model runs: what these functions add does.
"""

from __future__ import annotations

import re
from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils

from innovation_abm.kernel.arrays import PERSON

APART: Final = (
    *("group", "others", "missing", "hashes", "candidates", "candidate_draws", "sums", "shares"),
    *("seen", "touched", "told_scars", "told_futility"),
)
"""Arrays, other than those of people and terms, that are declared to share no memory."""
TERMS_SCOPE: Final = "terms"
"""The scope of all terms together: they are many, and few are written."""
SCOPES: Final = (TERMS_SCOPE, *PERSON.names, *APART)
"""Parts of a state that share no memory with each other."""

WORD: Final = ir.IntType(64)


def word(number: int) -> Any:
    """Return a number as a constant of the compiled code."""
    return ir.Constant(WORD, number)


def struct(context: Any, builder: Any, kind: Any, value: Any = None) -> Any:
    """Return a view of a struct of a numba type, whose members are attributes."""
    return cgutils.create_struct_proxy(kind)(context, builder, value)


def mark(builder: Any, access: Any, scope: str) -> None:
    """Tell the compiler that an access to memory is to ``scope`` and to no other one.

    The compiler cannot see that two addresses of a table lead to different memory. Unless told, it
    reads again after each write whatever might have changed, and works on one person at a time.
    """
    module = builder.module
    domain = module.add_metadata(["state"])
    others = [module.add_metadata([name, domain]) for name in SCOPES if name != scope]
    own = module.add_metadata([module.add_metadata([scope, domain])])
    access.set_metadata("alias.scope", own)
    access.set_metadata("noalias", module.add_metadata(others))


def prove(context: Any, builder: Any, holds: Any, what: str) -> None:
    """Raise an ``IndexError`` in compiled code unless something holds; it says where and what."""
    with builder.if_then(builder.not_(holds), likely=False):
        said = f"{_function(builder)}: {what}"
        context.call_conv.return_user_exc(builder, IndexError, (said,))


def prove_within(context: Any, builder: Any, index: Any, length: Any, what: str) -> None:
    """Raise an ``IndexError`` in compiled code unless 0 <= index < length."""
    holds = builder.icmp_unsigned("<", index, length)  # where what is negative is large
    prove(context, builder, holds, what)


def _function(builder: Any) -> str:
    """Return the name of the function of the engine that is being compiled, as far as it shows."""
    found = re.search(r"\d([a-z_]+\d?)_[0-9a-f]{32}", builder.function.name)
    return found[1] if found else "the compiled engine"
