"""What is checked of rules and agents, and the answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Check:
    """One promise, and whether the rules were seen to keep it.

    Attributes:
        name: of the check: one of :data:`QUESTIONS`.
        question: what was checked.
        passed: whether the promise was kept wherever it was checked; ``None`` if not checked.
        example: the smallest example found that breaks it, or why it was not checked.
    """

    name: str
    question: str
    passed: bool | None
    example: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


QUESTIONS: Final = {
    "source": "Plain arithmetic: only its arguments, constants, math and other rules?",
    "arithmetic": "No arithmetic whose last bit may differ between engines?",
    "runs": "Runs on every scenario tried?",
    "pure": "Pure: the same result for the same arguments, which stay unchanged?",
    "deterministic": "Deterministic: the same run again, and after reading the file again?",
    "range": "Results in [0, 1] where the rule is a probability or a share, finite elsewhere?",
    "engines": "Same results in both engines, bit for bit?",
    "books": "Books balanced, and Little's law holds, in every queue?",
    "off": "Off-state intact: with every mechanism off, still the textbook screen?",
}
"""What is checked, in this order."""
OF_RULES: Final = ("source", "arithmetic", "pure", "range")
"""What is checked for rules only."""


def checks(found: Mapping[str, str | None], skipped: Mapping[str, str]) -> list[Check]:
    """List all checks.

    Args:
        found: for each that was done, the example that breaks it; ``None`` if there is none.
        skipped: for each that was not done, why.
    """
    return [
        Check(name, question, None, skipped[name])
        if name in skipped
        else Check(name, question, found[name] is None, found[name] or "")
        for name, question in QUESTIONS.items()
    ]
