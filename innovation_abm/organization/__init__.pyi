from .organization import (
    MAX_PEOPLE as MAX_PEOPLE,
)
from .organization import (
    IntArray as IntArray,
)
from .organization import (
    Organization as Organization,
)
from .organization import (
    Role as Role,
)
from .organization import (
    check_size as check_size,
)
from .organization import (
    generate as generate,
)
