"""Drawings: one function for each kind of picture that a study may need.

====================  ============================================================================
``levels``            factors that have levels: effects, pairs, changes and rankings
``ranges``            factors that have ranges: scatters, maps and boxes
``indices``           the indices of Sobol, and the plane of Morris
``curves``            over replications and over weeks: convergence and survival
``marks``             what they share: sizes, axes of levels, rows and cells
====================  ============================================================================

Each draws what an analysis gave and estimates nothing itself. What it shows stands in its title, in
words, and in its alternative text, with the main figures. Which of them a study needs is decided in
:mod:`~innovation_abm.experiments.reporting.pictures`.
"""

from innovation_abm.experiments.reporting.drawings.curves import convergence, survival
from innovation_abm.experiments.reporting.drawings.indices import indices, screening
from innovation_abm.experiments.reporting.drawings.levels import effects, pairs, ranking, tornado
from innovation_abm.experiments.reporting.drawings.marks import FEW, MULTIPLES
from innovation_abm.experiments.reporting.drawings.ranges import region, response, scatter

__all__ = [
    "FEW",
    "MULTIPLES",
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
]
