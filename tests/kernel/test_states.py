"""States and traits that custom agents declare: the same in both engines, bit for bit."""

import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from innovation_abm import InnovationAbmError, InnovationModel, Role, Scenario, simulate
from innovation_abm.agents.fields import FieldError, StateRangeError, begin_states
from innovation_abm.extension import Leader, MiddleManager, Staff, beta_trait, rule, state
from innovation_abm.kernel.compiling import only_in_mesa
from innovation_abm.kernel.runs import run_kernel
from innovation_abm.rules import RuleBook, load_rules, trait
from innovation_abm.rules.files import with_agents


class Tiring(MiddleManager):
    """Managers who tire of ideas, the stubborn ones more."""

    weariness = state(0.25, low=0.0, high=1.0)
    stubbornness = beta_trait(mean=0.5, concentration=8.0)
    looked_at = state()

    def review(self, idea):
        self.looked_at += 1
        self.weariness = min(1.0, self.weariness + 0.1 * self.stubbornness)
        super().review(idea)

    def own_weight(self):
        return super().own_weight() * (1.0 - self.weariness)


class Moody(Staff):
    """Staff whose mood another trait of the same name moves."""

    mood = state(0.5)
    stubbornness = beta_trait(mean=0.2, concentration=3.0)

    def silence(self, idea):
        self.mood -= self.stubbornness * idea.novelty
        return super().silence(idea)


class Overworked(MiddleManager):
    """Managers whose state leaves its bounds."""

    load = state(0.0, high=3.0)

    def review(self, idea):
        self.load = self.load + 1
        super().review(idea)


CAST = {Role.MIDDLE_MANAGER: Tiring, Role.STAFF: Moody}
HOUSE = Scenario(weeks=40, span=4, middle_layers=1, turnover=0.5, conception_rate=6.0)


def ran(scenario, roles, weeks=None):
    model = InnovationModel(scenario, roles=roles)
    for _ in range(weeks or scenario.weeks):
        model.step()
    return model


# --- in the Mesa engine ---------------------------------------------------------------------------


def test_a_state_moves_a_trait_stays_and_a_successor_begins_afresh():
    model = ran(HOUSE, CAST)
    manager = next(person for person in model.people if isinstance(person, Tiring))
    assert manager.looked_at > 0 and manager.weariness > 0.25
    before = manager.stubbornness
    assert before == manager.stubbornness and 0.0 < before < 1.0
    manager.tenure += 1
    begin_states(manager)
    assert (manager.weariness, manager.looked_at) == (0.25, 0.0)
    assert manager.stubbornness != before


def test_people_who_leave_take_their_states_along():
    never, often = (ran(HOUSE.but(turnover=x), CAST) for x in (0.0, 1.0))
    looked = [sum(p.looked_at for p in m.people if isinstance(p, Tiring)) for m in (never, often)]
    assert 0 < looked[1] < looked[0]


def test_a_trait_is_the_draw_that_rules_make_from_its_name():
    staff = [person for person in ran(HOUSE, CAST, 1).people if isinstance(person, Moody)]
    by_draw = sorted(staff, key=lambda person: trait(person, "stubbornness"))
    assert by_draw == sorted(staff, key=lambda person: person.stubbornness)


def test_the_table_of_people_has_them_and_nothing_where_there_is_none():
    people = simulate(HOUSE, roles=CAST, engine="mesa").people
    managers = people["role"] == "middle manager"
    assert people["weariness"][managers].notna().all()
    assert people["weariness"][~managers].isna().all()
    assert people["stubbornness"].isna().sum() == 1  # the leader


def test_a_model_is_kept_with_them():
    model = ran(HOUSE, CAST, 20)
    copy = pickle.loads(pickle.dumps(model))
    for one in (model, copy):
        one.run()
    states = [[vars(p).get("weariness") for p in one.people] for one in (model, copy)]
    assert states[0] == states[1] and any(states[0])


def test_a_state_out_of_its_bounds_ends_the_run():
    with pytest.raises(
        StateRangeError, match=r"Overworked.load = 4.0 \(post \d+, week \d+\): must "
    ):
        ran(HOUSE, {Role.MIDDLE_MANAGER: Overworked})


@pytest.mark.parametrize("value", [math.nan, math.inf, "tired", None])
def test_a_state_is_a_finite_number(value):
    manager = ran(HOUSE, CAST, 1).managers[0]
    with pytest.raises(StateRangeError, match=r"Tiring.looked_at = .*: must be a finite number"):
        manager.looked_at = value


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "mood = state(2, low=0, high=1)",
            "line 6: state .*: initial = 2: must be a number from 0",
        ),
        ("mood = state('high')", "initial = 'high': must be a finite number"),
        ("mood = state(0, low=2, high=1)", "low = 2: must be at most high = 1"),
        ("mood = state(0, high=None)", "high = None: must be a number"),
        ("mood = beta_trait(1.5, 8)", "mean = 1.5: must be a number from 0 to 1"),
        ("mood = beta_trait(0.5, 0)", "concentration = 0: must be a finite number above 0"),
        ("mood = state()\n    mood = state()", "declared in mine.py, line 6, and lost"),
        ("energy = state()", "Mine.energy .*: every Person has the attribute energy"),
        ("risk_aversion = beta_trait(0.5, 8)", "every Person has the attribute risk_aversion"),
        ("capacity = state()", "every MiddleManager has the attribute capacity"),
        ("_mood = state()", "must not begin with _"),
        ("mood = [state()]", "declared in mine.py, line 6, and lost"),
    ],
)
def test_what_a_class_declares_wrongly_is_refused(tmp_path, body, message):
    (tmp_path / "mine.py").write_text(
        "from innovation_abm import Role\n"
        "from innovation_abm.extension import MiddleManager, beta_trait, state\n\n\n"
        f"class Mine(MiddleManager):\n    {body}\n\n\n"
        "ROLES = {Role.MIDDLE_MANAGER: Mine}\n"
    )
    with pytest.raises(InnovationAbmError, match=message):
        load_rules(tmp_path / "mine.py")


def test_it_is_declared_in_a_class():
    with pytest.raises(FieldError, match="must be in the body of a class of agents"):
        state(0.0)


# --- in the compiled engine -----------------------------------------------------------------------


def told(kind):
    return only_in_mesa(with_agents(None, {kind.role: kind}))


def test_the_dialect_knows_what_is_declared_and_suggests_to_declare_the_rest():
    class Undeclared(Leader):
        def decide(self, idea):
            self.mood = 3.0
            super().decide(idea)

    class Reading(Leader):
        def decide(self, idea):
            if self.mood > 1.0:
                super().decide(idea)

    class Fixed(Leader):
        courage = beta_trait(0.5, 8.0)

        def decide(self, idea):
            self.courage = 1.0
            super().decide(idea)

    class Made(Leader):
        def __init__(self, model, post):
            super().__init__(model, post)

    assert told(Tiring) == told(Moody) == ""
    for kind in (Undeclared, Reading):
        assert "mood = state(0.0)" in told(kind) and "test_states.py, line" in told(kind)
    assert "stays as it was drawn" in told(Fixed)
    assert "mood = state(0.0)" in told(Made)


@pytest.mark.slow  # the cast is compiled by itself
@settings(max_examples=5, deadline=None)
@given(
    seed=some.integers(0, 2**31),
    turnover=some.sampled_from([0.0, 0.5, 2.0]),
    agency=some.booleans(),
)
def test_both_engines_give_the_same(seed, turnover, agency):
    scenario = HOUSE.but(seed=seed, turnover=turnover, agency=agency)
    mesa, compiled = (simulate(scenario, roles=CAST, engine=one) for one in ("mesa", "kernel"))
    for table in ("ideas", "weeks", "people", "queues"):
        assert getattr(compiled, table).equals(getattr(mesa, table)), table


@pytest.mark.slow  # compiled once more, with every index proved
def test_no_column_is_left_and_the_bounds_hold_there_too():
    book = with_agents(RuleBook(), CAST | {Role.LEADER: Strict})
    checked = run_kernel(HOUSE, rules=book, checked=True)
    mesa = simulate(HOUSE, roles=CAST | {Role.LEADER: Strict}, engine="mesa")
    assert checked.summary["adopted"] == mesa.fates["adopted"]
    ample = {"leader_capacity": 60.0, "manager_capacity": 60.0, "idea_weight": 1.0}
    busy = HOUSE.but(weeks=100, conception_rate=40.0, **ample)
    with pytest.raises(StateRangeError) as in_mesa:
        simulate(busy, rules=book, engine="mesa")
    with pytest.raises(StateRangeError) as in_kernel:
        run_kernel(busy, rules=book, checked=True)
    assert str(in_mesa.value) == str(in_kernel.value)


class Strict(Leader):
    """Leaders with a state that a busy house drives out of its bounds."""

    decided = state(0.0, high=100.0)

    def decide(self, idea):
        self.decided += 1
        super().decide(idea)


@rule
def fear(idea, author, personal_loss_share):
    return author.mood


def test_rules_cannot_read_what_only_some_people_have():
    scenario = HOUSE.but(weeks=20, personal_loss_share=0.2)
    with pytest.raises(InnovationAbmError, match="has no attribute 'mood'"):
        simulate(
            scenario, rules=RuleBook(fear=fear), roles=CAST | {Role.STAFF: Staff}, engine="mesa"
        )
