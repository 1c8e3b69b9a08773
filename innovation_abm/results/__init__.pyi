from .run import (
    CODES as CODES,
)
from .run import (
    FUNNEL as FUNNEL,
)
from .run import (
    IDEA_COLUMNS as IDEA_COLUMNS,
)
from .run import (
    PEOPLE_COLUMNS as PEOPLE_COLUMNS,
)
from .run import (
    Run as Run,
)
from .run import (
    gate_names as gate_names,
)
