from .columns import (
    IDEA_COLUMNS as IDEA_COLUMNS,
)
from .columns import (
    PEOPLE_COLUMNS as PEOPLE_COLUMNS,
)
from .columns import (
    gate_names as gate_names,
)
from .fates import (
    FUNNEL as FUNNEL,
)
from .run import (
    Run as Run,
)
from .tables import (
    CODES as CODES,
)
