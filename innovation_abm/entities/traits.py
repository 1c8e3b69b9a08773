"""Traits of the people, drawn once for every holder of every post."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from innovation_abm.chance import Purpose, beta_quantiles, fold, normal, quantile, unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from innovation_abm.entities.protocols import PersonLike
    from innovation_abm.entities.terms import Terms

TRAITS = (
    ("risk_aversion", Purpose.RISK_AVERSION),
    ("permission_seeking", Purpose.PERMISSION_SEEKING),
    ("storytelling", Purpose.STORYTELLING),
)
"""Traits drawn from a Beta distribution, and the purpose of each draw."""


def draw_traits(people: Iterable[PersonLike], keys: Mapping[Purpose, int], terms: Terms) -> None:
    """Set the traits of ``people`` by their post and tenure.

    The same holder of the same post gets the same draw under any parameters, so that a changed
    mean moves everybody a little and nobody at random.
    """
    people = list(people)
    holders = [np.array([p.post for p in people], np.uint64)]
    holders.append(np.array([p.tenure for p in people], np.uint64))
    for name, purpose in TRAITS:
        table = beta_quantiles(getattr(terms, name), getattr(terms, f"{name}_concentration"))
        draws = unit(fold(fold(keys[purpose], holders[0]), holders[1])).tolist()
        for person, u in zip(people, draws, strict=True):
            setattr(person, name, quantile(table, u))
    key = keys[Purpose.CHANNELS]
    draws = unit(fold(fold(key, holders[0]), holders[1])).tolist()
    for person, u in zip(people, draws, strict=True):
        person.knows_channels = u < terms.channel_knowledge
    key = keys[Purpose.NORM_THRESHOLD]
    draws = unit(fold(fold(key, holders[0]), holders[1])).tolist()
    for person, u in zip(people, draws, strict=True):
        z = normal(u)
        person.norm_threshold = terms.norm_threshold_mean + terms.norm_threshold_sd * z


TRAIT_TERMS = frozenset(
    [name for name, _ in TRAITS]
    + [f"{name}_concentration" for name, _ in TRAITS]
    + ["channel_knowledge", "norm_threshold_mean", "norm_threshold_sd"]
)
"""Parameters that traits depend on: if the timeline moves one, traits are drawn again."""
