from .levers import (
    ALTERNATIVES as ALTERNATIVES,
)
from .levers import (
    FORMS as FORMS,
)
from .levers import (
    ROUTED as ROUTED,
)
from .levers import (
    STARTS as STARTS,
)
from .levers import (
    Determinant as Determinant,
)
from .levers import (
    Direction as Direction,
)
from .levers import (
    Effect as Effect,
)
from .levers import (
    Kind as Kind,
)
from .levers import (
    Level as Level,
)
from .levers import (
    Lever as Lever,
)
from .levers import (
    LeverError as LeverError,
)
from .levers import (
    Move as Move,
)
from .levers import (
    Words as Words,
)
from .levers import (
    apply as apply,
)
from .levers import (
    catalogue as catalogue,
)
from .levers import (
    lever_entry as lever_entry,
)
from .levers import (
    lever_from as lever_from,
)
from .levers import (
    load_levers as load_levers,
)
from .levers import (
    read_levers as read_levers,
)
from .presets import (
    SUFFIX as SUFFIX,
)
from .presets import (
    preset as preset,
)
from .presets import (
    preset_names as preset_names,
)
from .presets import (
    preset_text as preset_text,
)
from .presets import (
    published_names as published_names,
)
from .scenario import (
    FORMAT as FORMAT,
)
from .scenario import (
    GROUPS as GROUPS,
)
from .scenario import (
    JOINT as JOINT,
)
from .scenario import (
    MAX_SEED as MAX_SEED,
)
from .scenario import (
    TOP_LEVEL as TOP_LEVEL,
)
from .scenario import (
    WEEKS_PER_YEAR as WEEKS_PER_YEAR,
)
from .scenario import (
    Agency as Agency,
)
from .scenario import (
    Change as Change,
)
from .scenario import (
    Context as Context,
)
from .scenario import (
    Determinants as Determinants,
)
from .scenario import (
    Facets as Facets,
)
from .scenario import (
    Ideas as Ideas,
)
from .scenario import (
    Implementation as Implementation,
)
from .scenario import (
    Learning as Learning,
)
from .scenario import (
    Parameter as Parameter,
)
from .scenario import (
    Pilots as Pilots,
)
from .scenario import (
    Platform as Platform,
)
from .scenario import (
    Review as Review,
)
from .scenario import (
    Run as Run,
)
from .scenario import (
    Scenario as Scenario,
)
from .scenario import (
    ScenarioError as ScenarioError,
)
from .scenario import (
    Shape as Shape,
)
from .scenario import (
    Traits as Traits,
)
from .scenario import (
    Value as Value,
)
from .scenario import (
    Voice as Voice,
)
from .scenario import (
    Work as Work,
)
from .scenario import (
    parameters as parameters,
)
