"""Mutual learning (March 1991, Organization Science 2, 71-87): slow learners know more in the end.

Run it: python mutual_learning.py

Fifty people and an organisation's code hold beliefs, -1, 0 or 1, on thirty dimensions of reality.
People learn from the code; the code learns from those whose actions did better than it. Here the
two ways of learning are rules, and chance is keyed, as everywhere in innovation_abm; the loop over
periods is this file's own, since the model of innovation_abm knows ideas, but no beliefs.

The paper leaves out steps that its figures depend on; they are taken from M. Christensen (2015,
A note on March 1991) and S. Rodan (2005, Scandinavian Journal of Management 21, 407-428): who has
no belief acts at random; superior is who *acted* better than the code knows; a wrong belief turns
into none before it turns into the code's.
"""

import math

import numpy as np

from innovation_abm import rule
from innovation_abm.chance import Stream, fold, group_seed, uniforms

PEOPLE = 50
DIMENSIONS = 30
LONGEST = 5000
PUBLISHED = {0.1: 0.972, 0.5: 0.838, 0.9: 0.723}
"""Knowledge in equilibrium by the rate p1 at which people learn, where the code learns with .9."""


@rule
def socialised(belief, code):
    """Belief after one step towards the code; a code of 0 teaches nothing."""
    moved = belief + code
    return -1.0 if moved < -1.0 else 1.0 if moved > 1.0 else moved


@rule
def conforming(majority, rate):
    """Chance that the code takes over the view that so many more of the superior hold."""
    return 1.0 - math.exp(majority * math.log(1.0 - rate))


def knowledge(p1, p2, seed):
    """Run until people and code agree; give the mean of belief times reality, in [-1, 1]."""
    keys = (fold(group_seed(seed, Stream.IDEAS), purpose) for purpose in range(5))
    of_reality, of_beliefs, of_actions, of_people, of_code = keys
    dimensions = np.arange(DIMENSIONS, dtype=np.uint64)
    cells = np.arange(PEOPLE * DIMENSIONS, dtype=np.uint64)

    def draws(key, which):
        return uniforms(key, which).reshape(-1, DIMENSIONS)

    reality = np.where(uniforms(of_reality, dimensions) < 0.5, -1.0, 1.0)
    beliefs = np.floor(3.0 * draws(of_beliefs, cells)) - 1.0
    code = np.zeros(DIMENSIONS)
    step = np.vectorize(socialised, otypes=[float])
    chance = np.vectorize(conforming, otypes=[float])
    for period in range(LONGEST):
        guesses = np.where(draws(fold(of_actions, period), cells) < 0.5, -1.0, 1.0)
        actions = np.where(beliefs == 0.0, guesses, beliefs)
        superior = actions[actions @ reality > code @ reality]
        learns = draws(fold(of_people, period), cells) < p1
        beliefs = np.where(learns, step(beliefs, code), beliefs)
        votes = superior.sum(axis=0)
        differs = (np.sign(votes) != code) & (votes != 0.0)
        u = uniforms(fold(of_code, period), dimensions)
        code = np.where(differs & (u < chance(np.abs(votes), p2)), np.sign(votes), code)
        if (beliefs == code).all():
            break
    return float((beliefs * reality).mean())


def main(runs=40):
    """Compare what is published with what is found."""
    for p1, published in PUBLISHED.items():
        found = np.array([knowledge(p1, 0.9, seed) for seed in range(runs)])
        error = found.std(ddof=1) / math.sqrt(runs)
        print(f"p1 = {p1}: {found.mean():.3f} +- {error:.3f}, published {published}")


if __name__ == "__main__":
    main()
