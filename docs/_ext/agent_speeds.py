"""How fast the example agents of ``docs/extending.md`` are, beside the shipped ones.

``python docs/_ext/agent_speeds.py`` prints the table of the section "What custom agents cost". It
measures the time of the processor, so that other programs disturb it less, and compiles the model
for each class of agents: about a minute of processor time each.
"""

from __future__ import annotations

import importlib.util
import re
import statistics
import sys
import tempfile
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, Final

from innovation_abm import InnovationModel, Scenario, replicate

if TYPE_CHECKING:
    from collections.abc import Callable

    Roles = dict[Any, type]

PAGE: Final = Path(__file__).parents[1] / "extending.md"
SCENARIO: Final = Scenario(
    weeks=104, middle_layers=2, span=6, conception_rate=5.0, agency=True, determinants=True
)
"""What is run: 259 people, with an agency for the agents that replace it."""
RUNS: Final = 200
"""Runs of the compiled engine in one measurement."""
REPEATS: Final = 7


def example_agents(folder: Path) -> dict[str, type]:
    """Return the classes of agents in the block of the page that defines them, by name.

    They are written into a file of a folder, from which the compiled engine reads them.
    """
    found = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    (text,) = (block for block in found if "class CitizenPanel(" in block)
    file = folder / "example_agents.py"
    file.write_text(text[: text.index("\nsmall = ")], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: one for name, one in vars(module).items() if f"\nclass {name}(" in text}


def in_mesa(roles: Roles) -> None:
    """Run the scenario once in Mesa."""
    InnovationModel(SCENARIO, roles=roles, keep_events=False).run()


def compiled(roles: Roles) -> None:
    """Run the scenario many times in the compiled engine."""
    replicate(SCENARIO, RUNS, roles=roles, engine="kernel", threads=1)


def cost(run: Callable[[Roles], None], roles: Roles) -> list[float]:
    """Return how many times as long a run takes as with the shipped agents, again and again."""
    run({}), run(roles)  # to compile, and to warm up
    return [_seconds(run, roles) / _seconds(run, {}) for _ in range(REPEATS)]


def _seconds(run: Callable[[Roles], None], roles: Roles) -> float:
    before = process_time()
    run(roles)
    return process_time() - before


def main() -> int:
    """Print the table, row by row as it is measured."""
    print("| agents | Mesa | compiled |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in example_agents(Path(folder)).items():
            cells = [_cell(cost(run, {kind.role: kind})) for run in (in_mesa, compiled)]
            print(f"| `{name}` | {' | '.join(cells)} |", flush=True)
    return 0


def _cell(costs: list[float]) -> str:
    """Write a median, with the lowest and the highest measurement."""
    return f"{statistics.median(costs):.2f} ({min(costs):.2f} to {max(costs):.2f})"


if __name__ == "__main__":
    sys.exit(main())
