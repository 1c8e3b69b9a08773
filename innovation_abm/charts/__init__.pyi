from .charts import (
    Chart as Chart,
)
from .charts import (
    ChartError as ChartError,
)
from .charts import (
    Repair as Repair,
)
from .charts import (
    build_organization as build_organization,
)
from .charts import (
    load_chart as load_chart,
)
from .charts import (
    read_chart as read_chart,
)
from .charts import (
    repair_advice as repair_advice,
)
from .charts import (
    write_chart as write_chart,
)
from .faults import (
    HEAD_MARK as HEAD_MARK,
)
from .faults import (
    ChartFormat as ChartFormat,
)
from .faults import (
    Fault as Fault,
)
from .faults import (
    FaultKind as FaultKind,
)
from .faults import (
    Log as Log,
)
from .faults import (
    Post as Post,
)
from .faults import (
    counted as counted,
)
from .faults import (
    listed as listed,
)
from .faults import (
    quoted as quoted,
)
