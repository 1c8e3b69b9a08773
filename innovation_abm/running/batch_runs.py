"""Mesa's ``batch_run``, which differs between its versions: all that this package knows of it.

Mesa 3.3 takes ``iterations``, later versions ``rng``; Mesa 4 does without it (and without
``model.steps``: ``week`` counts here). The model itself is the same under all of them.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import mesa

from innovation_abm.errors import InnovationAbmError
from innovation_abm.model import InnovationModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HAS_BATCH_RUN = hasattr(mesa, "batch_run")
"""Whether the Mesa that is installed has ``batch_run``."""


def batch_run(
    parameters: Mapping[str, Any], seeds: Sequence[int | None] | None = None, **options: object
) -> list[dict[str, Any]]:
    """Run the model with ``mesa.batch_run``, whichever form of it is installed.

    Args:
        parameters: values of the arguments of :class:`~innovation_abm.InnovationModel`, as
            ``batch_run`` takes them: one, or a list to try each.
        seeds: to repeat each combination with; ``None`` stands for a fresh one. Once if ``None``.
        options: further arguments of ``batch_run``.

    Returns:
        Rows, as ``batch_run`` returns them.

    Raises:
        InnovationAbmError: if this version of Mesa has no ``batch_run``.
    """
    if not HAS_BATCH_RUN:
        raise InnovationAbmError(f"Mesa {mesa.__version__} has no batch_run; use simulate_many")
    if seeds is not None:
        parameters, options = _repeated(parameters, seeds, options)
    rows: list[dict[str, Any]] = mesa.batch_run(
        InnovationModel, parameters, **{"display_progress": False, **options}
    )
    return rows


def _repeated(
    parameters: Mapping[str, Any], seeds: Sequence[int | None], options: dict[str, object]
) -> tuple[Mapping[str, Any], dict[str, object]]:
    """Add the seeds as this version takes them."""
    if "rng" in inspect.signature(mesa.batch_run).parameters:
        return parameters, options | {"rng": list(seeds)}
    if all(seed is None for seed in seeds):
        return parameters, options | {"iterations": len(seeds)}
    return {"rng": list(seeds), **parameters}, options
