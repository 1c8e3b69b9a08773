"""Words that people use for what a measure is about, and the measure that is meant."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_WORDS: Final = {
    "omission": "worthwhile good useful valuable helpful omitted missed lost loss miss mortality "
    "death false_negative type_2 type_ii recall sensitivity wrong_rejection",
    "commission": "worthless bad harmful poor weak committed false_positive type_1 type_i "
    "precision wrong_adoption",
    "withheld": "silence silent withholding hidden fear self_censorship",
    "novel_survival": "novelty new radical",
    "in_flight": "pending undecided open waiting unfinished",
    "idea_wait": "waiting_time wait_time delay queueing_time",
    "decision_weeks": "time_to_decision decision_time lead_time speed latency",
    "weeks_to_fate": "duration lifetime throughput_time",
    "first_layer_queue": "queue backlog queue_length workload overload bottleneck",
    "voice": "speaking expression participation voiced suggestion",
    "asked": "permission",
    "embedded_share": "implemented implementation practice",
    "failed_share": "failure failed",
    "value_r2": "accuracy discrimination",
    "burnt_out": "burnout exhausted stress",
    "energy_at_end": "energy fatigue",
    "exits": "turnover leaver quit resignation",
    "survival": "adoption success accepted approved adopted_share share_adopted survivor",
}
"""Words by measure, in the singular, those of an expression joined by ``_``."""

MEANT: Final[Mapping[str, str]] = MappingProxyType(
    {word: measure for measure, words in _WORDS.items() for word in words.split()}
)
"""The measure that each word means."""


def measure_of(name: str) -> str | None:
    """Return the measure that a name means; ``None`` if it has no word that is known.

    The longest expression in the name counts, of words alone the first.
    """
    words = [word[:-1] if word.endswith("s") and len(word) > 3 else word for word in _parts(name)]
    for length in range(len(words), 0, -1):
        for first in range(len(words) - length + 1):
            for given in (words, _parts(name)):
                found = MEANT.get("_".join(given[first : first + length]))
                if found is not None:
                    return found
    return None


def _parts(name: str) -> list[str]:
    return name.lower().replace("-", "_").split("_")
