"""The collaboration platform: where ideas find allies outside the hierarchy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from innovation_abm.chance import Purpose, poisson, uniform
from innovation_abm.entities.idea import Event, Idea, Stage

if TYPE_CHECKING:
    import networkx as nx

    from innovation_abm.entities.world import World


class Copy(NamedTuple):
    """One copy of a post that reaches one reader's screen."""

    idea: Idea
    poster: int
    number: int


class Forum:
    """Ideas that are on the platform, and the links between people that they leave.

    Attributes:
        ideas: ideas on the platform, in the order of their numbers.
        links: pairs (author's post, ally's post): the platform's overlay on the hierarchy.
    """

    def __init__(self, model: World) -> None:
        """Open an empty platform."""
        self.model = model
        self.ideas: list[Idea] = []
        self.links: set[tuple[int, int]] = set()

    def post(self, idea: Idea) -> None:
        """Put an idea on the platform; its author posts it next week."""
        author = idea.author
        idea.posted = True
        idea.posted_week = self.model.week
        idea.stage = Stage.PLATFORM
        idea.ally_posts = {author.post: author.tenure}
        idea.posters = [author.post]
        self.ideas.append(idea)
        self.model.record(idea, Event.POSTED)

    def graph(self, people: int) -> nx.Graph[int]:
        """Return the posts of all people, those joined who found each other on the platform."""
        import networkx as nx  # it is slow to load, and few callers draw graphs

        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(people))
        graph.add_edges_from(sorted(self.links))
        return graph

    def circulate(self) -> None:
        """Run the platform for a week: posts are read, readers join, ideas grow or leave."""
        self.ideas = [idea for idea in self.ideas if idea.stage == Stage.PLATFORM]
        staying = [idea for idea in self.ideas if not self.is_over(idea)]
        leaving = [idea for idea in self.ideas if self.is_over(idea)]
        for idea, joiners in self.joiners(self.read(staying)).items():
            self.join(idea, joiners)
        for idea in leaving:
            self.leave(idea)
        self.ideas = staying

    def is_over(self, idea: Idea) -> bool:
        """Whether nobody carries an idea any further, or its time on the platform is up."""
        terms = idea.author.terms
        weeks = self.model.week - idea.posted_week
        return not (idea.posters and terms.platforms and weeks <= terms.forum_weeks)

    def read(self, ideas: list[Idea]) -> dict[int, list[Copy]]:
        """Give, for every reader, the copies of posts that the reader finds time to read."""
        screens: dict[int, list[Copy]] = {}
        for idea in ideas:
            for poster in idea.posters:
                for number, reader in enumerate(self.readers(idea, poster)):
                    screens.setdefault(reader, []).append(Copy(idea, poster, number))
            idea.posters = []
        for reader, copies in screens.items():
            attention = self.model.people[reader].terms.attention
            if len(copies) > attention:
                copies.sort(key=self.prominence)
                del copies[int(attention) :]
        return screens

    def readers(self, idea: Idea, poster: int) -> list[int]:
        """Draw whom one post reaches: a Poisson number of people, with replacement.

        Anybody, or with a network the poster's neighbours there.
        """
        keys, network = self.model.keys, self.model.network
        within = range(len(self.model.people)) if network is None else network[poster]
        if not within:
            return []
        u = uniform(keys[Purpose.READERS], idea.key, poster)
        count = poisson(u, idea.author.terms.platform_readers)
        draws = (uniform(keys[Purpose.READER], idea.key, poster, number) for number in range(count))
        return [within[int(u * len(within))] for u in draws]

    def prominence(self, copy: Copy) -> float:
        """Draw how far down a reader's screen a copy stands; what stands too low is not read."""
        key = self.model.keys[Purpose.ATTENTION]
        return uniform(key, copy.idea.key, copy.poster, copy.number)

    def joiners(self, screens: dict[int, list[Copy]]) -> dict[Idea, list[int]]:
        """Give, for every idea, the readers who become its allies this week."""
        joined: dict[Idea, list[int]] = {}
        join_chance = self.model.rules.join_chance
        for post, copies in screens.items():
            reader = self.model.people[post]
            for idea, poster, number in copies:
                if post in idea.ally_posts:
                    continue
                u = uniform(self.model.keys[Purpose.JOIN], idea.key, poster, number)
                if u < join_chance(idea, reader, reader.terms):
                    idea.ally_posts[post] = reader.tenure
                    joined.setdefault(idea, []).append(post)
        return joined

    def join(self, idea: Idea, joiners: list[int]) -> None:
        """Develop an idea with its new allies, who post it next week."""
        idea.posters = joiners
        idea.allies += len(joiners)
        self.links.update((idea.author.post, ally) for ally in joiners)
        self.model.develop(idea, idea.author.terms.development, len(joiners))

    def leave(self, idea: Idea) -> None:
        """Take an idea off the platform: past the middle layer with enough allies, else into it."""
        terms, author = idea.author.terms, idea.author
        idea.stage = Stage.WITH_AUTHOR
        self.model.record(idea, Event.LEFT_PLATFORM)
        if not (terms.bypass and idea.allies >= terms.bypass_allies):
            author.submit(idea)
            return
        idea.bypassed = True
        target = self.model.agency if self.model.agency_open else author.leader
        assert target is not None
        self.model.record(idea, Event.BYPASSED, target)
        self.model.send(idea, target, Stage.REVIEW)
