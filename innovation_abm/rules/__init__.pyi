from .book import (
    ANSWERS as ANSWERS,
)
from .book import (
    CHANCE as CHANCE,
)
from .book import (
    LARGEST as LARGEST,
)
from .book import (
    LEEWAY as LEEWAY,
)
from .book import (
    NUMBER as NUMBER,
)
from .book import (
    SHARE as SHARE,
)
from .book import (
    SHIPPED as SHIPPED,
)
from .book import (
    Answer as Answer,
)
from .book import (
    F as F,
)
from .book import (
    RuleBook as RuleBook,
)
from .book import (
    RuleError as RuleError,
)
from .book import (
    cancel_chance as cancel_chance,
)
from .book import (
    capped as capped,
)
from .book import (
    clarity_said as clarity_said,
)
from .book import (
    clip as clip,
)
from .book import (
    conception_chance as conception_chance,
)
from .book import (
    covered as covered,
)
from .book import (
    declared as declared,
)
from .book import (
    developed as developed,
)
from .book import (
    distance_error as distance_error,
)
from .book import (
    door_chance as door_chance,
)
from .book import (
    doubt as doubt,
)
from .book import (
    drop_chance as drop_chance,
)
from .book import (
    endorse as endorse,
)
from .book import (
    energy as energy,
)
from .book import (
    exit_chance as exit_chance,
)
from .book import (
    expectations as expectations,
)
from .book import (
    failure_loss as failure_loss,
)
from .book import (
    fear as fear,
)
from .book import (
    futility as futility,
)
from .book import (
    idea_weight as idea_weight,
)
from .book import (
    implemented_value as implemented_value,
)
from .book import (
    improvement_chance as improvement_chance,
)
from .book import (
    join_chance as join_chance,
)
from .book import (
    jump_chance as jump_chance,
)
from .book import (
    lapse_chance as lapse_chance,
)
from .book import (
    learned_fear as learned_fear,
)
from .book import (
    logistic as logistic,
)
from .book import (
    loss_left as loss_left,
)
from .book import (
    message as message,
)
from .book import (
    misrouting_chance as misrouting_chance,
)
from .book import (
    missing as missing,
)
from .book import (
    norm as norm,
)
from .book import (
    normal as normal,
)
from .book import (
    orphan_chance as orphan_chance,
)
from .book import (
    parameters_fault as parameters_fault,
)
from .book import (
    permission_chance as permission_chance,
)
from .book import (
    political_signal as political_signal,
)
from .book import (
    posting_chance as posting_chance,
)
from .book import (
    provided_by_silo as provided_by_silo,
)
from .book import (
    relayed as relayed,
)
from .book import (
    reuse_chance as reuse_chance,
)
from .book import (
    revival_chance as revival_chance,
)
from .book import (
    rework_chance as rework_chance,
)
from .book import (
    rule as rule,
)
from .book import (
    saturation as saturation,
)
from .book import (
    scar as scar,
)
from .book import (
    scars as scars,
)
from .book import (
    second_look_chance as second_look_chance,
)
from .book import (
    seen_novelty as seen_novelty,
)
from .book import (
    seen_value as seen_value,
)
from .book import (
    skills as skills,
)
from .book import (
    slot_chance as slot_chance,
)
from .book import (
    social_futility as social_futility,
)
from .book import (
    story_fit as story_fit,
)
from .book import (
    success as success,
)
from .book import (
    support as support,
)
from .book import (
    threshold as threshold,
)
from .book import (
    trait as trait,
)
from .book import (
    trust as trust,
)
from .book import (
    unresolved as unresolved,
)
from .book import (
    visible_share as visible_share,
)
from .declaring import (
    ParameterError as ParameterError,
)
from .declaring import (
    parameter as parameter,
)
from .files import (
    AGENTS as AGENTS,
)
from .files import (
    GIVEN as GIVEN,
)
from .files import (
    RULES as RULES,
)
from .files import (
    WHOLE_BOOK as WHOLE_BOOK,
)
from .files import (
    FileRules as FileRules,
)
from .files import (
    blaming as blaming,
)
from .files import (
    class_names as class_names,
)
from .files import (
    load_rules as load_rules,
)
from .files import (
    own_agents as own_agents,
)
from .files import (
    own_parameters as own_parameters,
)
from .files import (
    read_rules as read_rules,
)
from .files import (
    roles_of as roles_of,
)
from .loading import (
    NEAR as NEAR,
)
from .loading import (
    OURS as OURS,
)
from .loading import (
    explained as explained,
)
