"""Drawings: one function for each kind of picture that a study may need.

====================  ============================================================================
``levels``            factors that have levels: effects, pairs, changes and rankings
``ranges``            factors that have ranges: scatters, maps and boxes
``indices``           Sobol indices, and the Morris plane
``scenarios``         scenario discovery, and feature scores
``curves``            over replications and over weeks: convergence and survival
``marks``             what they share: sizes, axes of levels, rows and cells
====================  ============================================================================

Each draws the result of an analysis and estimates nothing itself. The title states what it shows in
words, and the alternative text adds the main figures. Which of them a study needs is decided in
:mod:`~innovation_abm.experiments.reporting.pictures`.
"""

from innovation_abm.experiments.reporting.drawings.curves import convergence, survival
from innovation_abm.experiments.reporting.drawings.indices import indices, screening
from innovation_abm.experiments.reporting.drawings.levels import effects, pairs, ranking, tornado
from innovation_abm.experiments.reporting.drawings.marks import FEW, MULTIPLES
from innovation_abm.experiments.reporting.drawings.ranges import region, response, scatter
from innovation_abm.experiments.reporting.drawings.scenarios import (
    box_pairs,
    trajectory,
    tree_scores,
)

__all__ = [
    "FEW",
    "MULTIPLES",
    "box_pairs",
    "convergence",
    "effects",
    "indices",
    "pairs",
    "ranking",
    "region",
    "response",
    "scatter",
    "screening",
    "survival",
    "tornado",
    "trajectory",
    "tree_scores",
]
