"""Mutual learning (March 1991, Organization Science 2, 71-87): slow learners know more in the end.

Run it: python mutual_learning.py
        innovation-abm run --rules mutual_learning.py

Fifty people and an organisation's code hold beliefs, -1, 0 or 1, on thirty dimensions of reality.
People learn from the code; the code learns from those whose actions did better than it. Here staff
hold the beliefs, the leader keeps the code, and both learn in the week's phase of learning: two
agents of your own, run by the model as it is.

The paper leaves out steps that its figures depend on; they are taken from M. Christensen (2015,
A note on March 1991) and S. Rodan (2005, Scandinavian Journal of Management 21, 407-428): who has
no belief acts at random; superior is who *acted* better than the code knows; a wrong belief turns
into none before it turns into the code's.
"""

import math

import numpy as np

from innovation_abm import InnovationModel, Role, Scenario
from innovation_abm.chance import fold, uniforms
from innovation_abm.extension import Leader, Staff

DIMENSIONS = np.arange(30, dtype=np.uint64)
PUBLISHED = {0.1: 0.972, 0.5: 0.838, 0.9: 0.723}
"""Knowledge in equilibrium by the rate p1 at which people learn, where the code learns with .9."""
ROOM = Scenario(
    weeks=5000, middle_layers=0, span=50, conception_rate=0.0, leader_conception_rate=0.0,
    turnover=0.0,
)  # fmt: skip


def draws(person, purpose, week=0):
    """Draw a number in (0, 1) for each dimension: keyed, so that nobody else's luck moves."""
    return uniforms(fold(fold(person.trait_key, purpose), week), DIMENSIONS)


class Learner(Staff):
    """Somebody who learns from the code, a belief at a time with the chance ``p1``."""

    p1 = 0.1

    def begin(self):
        """Believe anything at first."""
        super().begin()
        self.beliefs = np.floor(3.0 * draws(self, 1)) - 1.0

    def learn(self, share):
        """Take a step towards what the code said; a code of 0 teaches nothing."""
        super().learn(share)
        moved = np.clip(self.beliefs + self.leader.said, -1.0, 1.0)
        learns = draws(self, 2, self.model.week) < self.p1
        self.beliefs = np.where(learns, moved, self.beliefs)

    def act(self):
        """Act as one believes; without a belief, at random."""
        guesses = np.where(draws(self, 3, self.model.week) < 0.5, -1.0, 1.0)
        return np.where(self.beliefs == 0.0, guesses, self.beliefs)


class Keeper(Leader):
    """Keeps the code, which takes over what its betters agree on, the sooner the more they are."""

    p2 = 0.9

    def begin(self):
        """Begin with an empty code, in a reality of your own."""
        super().begin()
        self.reality = np.where(draws(self, 4) < 0.5, -1.0, 1.0)
        self.code = self.said = np.zeros(len(DIMENSIONS))

    def learn(self, share):
        """Say what the code is, and let it learn; the leader comes before those who listen."""
        super().learn(share)
        actions = np.array([learner.act() for learner in learners(self.model)])
        superior = actions[actions @ self.reality > self.code @ self.reality]
        votes = superior.sum(axis=0)
        differs = (np.sign(votes) != self.code) & (votes != 0.0)
        chance = 1.0 - (1.0 - self.p2) ** np.abs(votes)
        learns = differs & (draws(self, 5, self.model.week) < chance)
        self.said, self.code = self.code, np.where(learns, np.sign(votes), self.code)


ROLES = {Role.STAFF: Learner, Role.LEADER: Keeper}


def learners(model):
    """List who learns."""
    return [person for person in model.people if isinstance(person, Learner)]


def knowledge(p1, seed):
    """Run until people and code agree; give the mean of belief times reality, in [-1, 1]."""
    roles = ROLES | {Role.STAFF: type("Learner", (Learner,), {"p1": p1})}
    model = InnovationModel(ROOM.but(seed=seed), roles=roles)
    (keeper,) = (person for person in model.people if isinstance(person, Keeper))
    agreed = False
    while model.running and not agreed:
        model.step()
        beliefs = np.array([learner.beliefs for learner in learners(model)])
        agreed = bool((beliefs == keeper.code).all())
    return float((beliefs * keeper.reality).mean())


def main(runs=80):
    """Compare what is published with what is found."""
    for p1, published in PUBLISHED.items():
        found = np.array([knowledge(p1, seed) for seed in range(runs)])
        error = found.std(ddof=1) / math.sqrt(runs)
        print(f"p1 = {p1}: {found.mean():.3f} +- {error:.3f}, published {published}")


if __name__ == "__main__":
    main()
