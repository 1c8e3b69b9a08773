"""Files to start from: a custom rule, agent or module, each with a test beside it.

A rule's file begins as a copy of the shipped rule, so it runs at once and changes nothing until it
is edited.
"""

from __future__ import annotations

import inspect
import keyword
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import InnovationAbmError, did_you_mean
from innovation_abm.kernel.compiling import parameters_of
from innovation_abm.organization.organization import Role
from innovation_abm.rules import book as shipped
from innovation_abm.rules.files import RULES

if TYPE_CHECKING:
    from collections.abc import Collection

CLASSES: Final = {
    Role.STAFF: ("Staff", "staff"),
    Role.MIDDLE_MANAGER: ("MiddleManager", "middle-manager"),
    Role.LEADER: ("Leader", "leader"),
    Role.CENTRAL_AGENCY: ("CentralAgency", "central-agency"),
    Role.PANEL: ("Panel", "panel"),
}
"""For each role, its class and its name on the command line."""

GIVEN: Final = {
    "idea": "idea: value, novelty, maturity, allies, ... (innovation_abm/entities/idea.py)",
    "author": "author: who had the idea: risk_aversion, norm, energy, role, ... (agents/person.py)",
    "reviewer": "reviewer: who judges: risk_aversion, scars, role, layer, ... (agents/person.py)",
    "reader": "reader: who reads the post: norm, role, department, ... (agents/person.py)",
    "person": "person: risk_aversion, norm, energy, futility, role, ... (agents/person.py)",
    "terms": "terms: every parameter by its name, and the week's gap, trust, signal, in_use",
}
"""The parameters of rules, in one line each."""

RULE: Final = '''\
"""A custom rule: {name}. Created by `innovation-abm new rule {name}`.

Run it:       innovation-abm run workshop --rules {file}
Compare it:   innovation-abm compare workshop --rules-b {file}
See it:       innovation-abm dashboard --rules {file}
Check it:     innovation-abm check-rules {file}

A rule is a pure function: its result depends only on its arguments. It draws nothing at random,
keeps nothing, and prints nothing; the model draws, with the chance that it returns. Write x * x and
math.exp(x), never x ** 2 or np.exp(x): only then do both engines give the same bits. For your own
trait of a person or an idea: trait(person, "courage"), from innovation_abm.rules, in (0, 1).
"""

{imports}


# Arguments:
{given}
# Returns: {gives}.
{source}'''

RULE_TEST: Final = '''\
"""Tests of {file}: python -m pytest {test}"""

from pathlib import Path

from innovation_abm import Scenario, load_rules, simulate
from innovation_abm.extending.checking import check_rules

FILE = Path(__file__).with_name("{file}")


def test_it_keeps_what_rules_promise():
    found = check_rules(FILE, engines=False, timeout=300)
    assert not [check for check in found if check.passed is False]


def test_what_it_does():
    """Describe your rule here and test it. For now it is a copy of the model's own."""
    scenario = Scenario(weeks=52, middle_layers=1, span=5, conception_rate=5.0)
    mine = simulate(scenario, rules=load_rules(FILE), engine="mesa")
    usual = simulate(scenario, engine="mesa")
    assert mine.balanced
    assert mine.fates == usual.fates
'''

AGENT: Final = '''\
"""A custom agent: {name}. Created by `innovation-abm new agent {name}`.

Run it:       python {file}
              innovation-abm run workshop --rules {file}
Compare it:   innovation-abm compare workshop --rules-b {file}
See it:       innovation-abm dashboard --rules {file}
Rank levers:  innovation-abm levers --rank workshop --rules {file}
Check it:     innovation-abm check-rules {file}
In a study:   rules = "{file}" below [base], in a file for innovation-abm sweep
{absent}
It replaces the model's own {base}. It runs in both engines as far as the compiled one knows
what it uses: docs/extending.md lists that, and all methods to override. If a rule can do the
same, write a rule (`innovation-abm new rule`).
Runs must be repeatable: draw only with self.draw_own("a name", ...), read no other files, and
import what is in files of this folder here, at the top.
"""

from innovation_abm import Role, Scenario, simulate
from innovation_abm.extension import {base}


class {name}({base}):
    """Describe here what is different about this {role}."""

{method}

ROLES = {{Role.{member}: {name}}}


def main():
    """Compare a run with and without."""
    scenario = Scenario(weeks=104, middle_layers=2, span=5{needs})
    usual = simulate(scenario)
    mine = simulate(scenario, roles=ROLES)
    for title, run in (("usual", usual), ("{name}", mine)):
        print(f"{{title}}: {{run.fates['adopted']}} of {{run.conceived}} ideas adopted")


if __name__ == "__main__":
    main()
'''

AGENT_TEST: Final = '''\
"""Tests of {file}: python -m pytest {test}"""

from innovation_abm import Scenario, simulate
from {module} import ROLES


def test_it_runs_and_the_books_balance():
    scenario = Scenario(weeks=52, middle_layers=1, span=5, conception_rate=5.0{needs})
    run = simulate(scenario, roles=ROLES, engine="mesa")
    assert run.conceived > 0
    assert run.balanced
'''

MODULE: Final = '''\
"""A custom module: {name}. Created by `innovation-abm new module {name}`.

Run it:       innovation-abm run workshop --rules {file}
Compare it:   innovation-abm compare workshop --rules-b {file}
See it:       innovation-abm dashboard --rules {file}
Check it:     innovation-abm check-rules {file}
In a study:   rules = "{file}" below [base], in a file for innovation-abm sweep

A module acts in places of the week: before_context, before_signals, before_reviews,
before_outcomes, before_platforms, before_conceptions, before_arrivals, before_learning and
after_learning. It runs in Mesa. docs/extending.md says what it may use, and how to make a body that
reviews ideas on their way to a desk.
"""

from innovation_abm.extension import Module, parameter, state

extra_business = parameter(
    "extra_business", 1, low=0, high=50, off=0, unit="items a week", meaning="added to each leader"
)


class {name}(Module):
    """Describe here what happens; this one gives leaders more regular business."""

    items = state(0.0, low=0.0, meaning="items so far")

    def before_arrivals(self):
        """Act when people have had the week's ideas, before anything joins a queue."""
        for leader in self.model.leaders:
            self.burden(leader, int(self.terms.extra_business))
            self.items += int(self.terms.extra_business)


MODULES = [{name}]
'''

MODULE_TEST: Final = '''\
"""Tests of {file}: python -m pytest {test}"""

from pathlib import Path

from innovation_abm import Scenario, load_rules, simulate
from innovation_abm.extending.checking import check_rules

FILE = Path(__file__).with_name("{file}")


def test_it_keeps_what_modules_promise():
    found = check_rules(FILE, engines=False, timeout=300)
    assert not [check for check in found if check.passed is False]


def test_it_runs_and_the_books_balance():
    scenario = Scenario(weeks=52, middle_layers=1, span=5, conception_rate=5.0)
    run = simulate(scenario, rules=load_rules(FILE), engine="mesa")
    assert run.conceived > 0
    assert run.balanced and run.littles_law().holds
'''

METHODS: Final = {
    Role.STAFF: '''\
    def seeks_permission(self, idea):
        """Decide whether to ask the superior first; this one asks for novel ideas only."""
        return idea.novelty > 0.5 and super().seeks_permission(idea)
''',
    Role.MIDDLE_MANAGER: '''\
    def own_weight(self):
        """Return the chance that a slot looks at ideas first; this one is twice as open."""
        return min(1.0, 2.0 * super().own_weight())
''',
    Role.LEADER: '''\
    def capacity(self):
        """Return the reviews that can be done a week, on average; this one does twice as many."""
        return 2.0 * super().capacity()
''',
    Role.CENTRAL_AGENCY: '''\
    def stuck(self, idea):
        """Whether an idea has waited too long; this one takes up novel ideas at once."""
        return idea.novelty > 0.8 or super().stuck(idea)
''',
    Role.PANEL: '''\
    def takes(self, idea):
        """Whether the panel hears an idea; this one also hears ideas with allies."""
        return bool(self.members) and (idea.allies > 2 or super().takes(idea))
''',
}
"""A method to begin with, for each role."""

NEEDS: Final[dict[Role, dict[str, object]]] = {
    Role.CENTRAL_AGENCY: {"agency": True},
    Role.PANEL: {"panel_size": 2.0, "panel_novelty": 0.7},
}
"""What a scenario needs for a body to exist, as most have none."""
ABSENT: Final = """
The preset workshop has no {body}. For it to take part, add to run and compare:
{options}
"""


@dataclass(frozen=True)
class WrittenFiles:
    """The files that were written.

    Attributes:
        file: what to edit.
        test: its test.
        options: of a command, without which it takes no part, each after a blank.
    """

    file: Path
    test: Path
    options: str = ""


def new_rule(name: str, folder: str | Path = ".") -> WrittenFiles:
    """Write a file with a custom rule, and a test beside it.

    Args:
        name: of the rule, as in the rule book.
        folder: folder to write to; it must exist.

    Raises:
        InnovationAbmError: if the rule is unknown (the nearest is named), or a file already
            exists; nothing is overwritten.
    """
    if name not in RULES:
        raise InnovationAbmError(f'unknown rule "{name}"{_advice(name, RULES)}')
    file, test = f"my_{name}.py", f"test_my_{name}.py"
    return _write(Path(folder), {file: rule_text(name, file), test: _test_text(file, test)})


def rule_text(name: str, file: str) -> str:
    """Return the text of a file that declares the shipped rule ``name`` again."""
    function = getattr(shipped, name)
    given = parameters_of(name)
    described = [f"#   {GIVEN[one]}" for one in given if one in GIVEN]
    numbers = [one for one in given if one not in GIVEN]
    if numbers:
        described.append(
            f"#   {', '.join(numbers)}: " + ("a number" if len(numbers) == 1 else "numbers")
        )
    return RULE.format(
        name=name,
        file=file,
        imports=_imports(function),
        given="\n".join(described),
        gives=_gives(name),
        source=_source(function) + "\n",
    )


def _source(function: object) -> str:
    """Return a rule's source without types, to keep the file simple."""
    text = textwrap.dedent(inspect.getsource(function))  # type: ignore[arg-type]
    head, body = text.split(":\n", 1)
    head = re.sub(r": (?:float|IdeaLike|PersonLike|Terms)\b", "", head).replace(" -> float", "")
    return f"{head}:\n{body}".rstrip()


def _imports(function: object) -> str:
    """Import what a rule's source names."""
    code = function.__code__  # type: ignore[attr-defined]
    names = set(code.co_names)
    helpers = sorted(one for one in names if getattr(getattr(shipped, one, None), "is_rule", False))
    public = ["Role"] * ("Role" in names) + ["rule"]
    lines = ["import math\n"] * ("math" in names)
    lines.append(f"from innovation_abm import {', '.join(public)}")
    if helpers:
        lines.append(f"from innovation_abm.rules import {', '.join(helpers)}")
    if "WEEKS_PER_YEAR" in names:
        lines.append("from innovation_abm.scenario import WEEKS_PER_YEAR")
    return "\n".join(lines)


def _gives(name: str) -> str:
    from innovation_abm.extending.checking import CHANCES, SHARES

    if name in CHANCES:
        return "a probability, in [0, 1]"
    return "a share, in [0, 1]" if name in SHARES else "a number, which must be finite"


def _test_text(file: str, test: str) -> str:
    return RULE_TEST.format(file=file, test=test)


def new_agent(name: str, role: str = "middle-manager", folder: str | Path = ".") -> WrittenFiles:
    """Write a file with a custom agent and a main program, and a test beside it.

    Args:
        name: of the class; ``patient-manager`` becomes ``PatientManager``.
        role: role to replace, one of those in :data:`CLASSES`.
        folder: folder to write to; it must exist.

    Raises:
        InnovationAbmError: if the name is not valid in Python, the role is unknown (the nearest
            is named), or a file already exists; nothing is overwritten.
    """
    named = {command: member for member, (_, command) in CLASSES.items()}
    if role not in named:
        raise InnovationAbmError(f'unknown role "{role}"{_advice(role, named)}')
    title, module = _class_and_file(name, "Champion")
    member = named[role]
    base = CLASSES[member][0]
    needs = NEEDS.get(member, {})
    options = "".join(f" --set {key}={value}".lower() for key, value in needs.items())
    values = {
        "name": title,
        "file": f"{module}.py",
        "test": f"test_{module}.py",
        "module": module,
        "role": member.label,
        "base": base,
        "member": member.name,
        "method": METHODS[member],
        "needs": "".join(f", {key}={value}" for key, value in needs.items()),
        "options": options,
        "absent": ABSENT.format(body=member.label, options=options.strip()) if needs else "",
    }
    return _write(
        Path(folder),
        {values["file"]: AGENT.format(**values), values["test"]: AGENT_TEST.format(**values)},
        values["options"],
    )


def new_module(name: str, folder: str | Path = ".") -> WrittenFiles:
    """Write a file with a custom module, and a test beside it.

    Args:
        name: of the class; ``election-year`` becomes ``ElectionYear``.
        folder: folder to write to; it must exist.

    Raises:
        InnovationAbmError: if the name is not valid in Python, or a file already exists; nothing
            is overwritten.
    """
    title, module = _class_and_file(name, "Election")
    file, test = f"{module}.py", f"test_{module}.py"
    texts = {file: MODULE.format(name=title, file=file)}
    return _write(Path(folder), {**texts, test: MODULE_TEST.format(file=file, test=test)})


def _class_and_file(name: str, example: str) -> tuple[str, str]:
    """Return the name of a class, and of its module, as Python writes them.

    Raises:
        InnovationAbmError: if Python does not allow one of them, or the model has such a class.
    """
    title = "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_ ]+", name))
    if not title.isidentifier() or not title.isascii() or keyword.iskeyword(title):
        raise InnovationAbmError(
            f'"{name}" is not a valid class name: must be letters and digits, a letter first, '
            f"for instance {example}"
        )
    if title in {*(one for one, _ in CLASSES.values()), "Module", "Body"}:
        raise InnovationAbmError(
            f'"{title}" is the name of a class of the model: must be another, for instance '
            f"My{title}"
        )
    module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title).lower()
    if keyword.iskeyword(module):
        raise InnovationAbmError(f'"{module}" is a Python keyword: must be another name')
    return title, module


def _advice(name: str, names: Collection[str]) -> str:
    """Suggest the nearest name, or list all."""
    return did_you_mean(name, names, f"must be one of {', '.join(names)}")


def _write(folder: Path, texts: dict[str, str], options: str = "") -> WrittenFiles:
    """Write two files, both or neither, without overwriting."""
    first, second = paths = [folder / name for name in texts]
    for path in paths:
        if path.exists() or path.is_symlink():
            raise InnovationAbmError(f"{path}: already exists, and is not overwritten")
    written: list[Path] = []
    try:
        for path, text in zip(paths, texts.values(), strict=True):
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        where = error.filename or folder  # a full disk has no name
        raise InnovationAbmError(f"{where}: cannot be written: {error.strerror}") from None
    return WrittenFiles(first, second, options)
