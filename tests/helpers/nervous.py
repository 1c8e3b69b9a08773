"""Rules that fail in the middle of a game, and the same file once it is corrected."""

from innovation_abm.rules.files import load_rules

AGENTS = """
from innovation_abm import Role
from innovation_abm.agents import MiddleManager


class Nervous(MiddleManager):
    def {method}(self):
        if {when}:
            raise ValueError("too nervous")
        return super().{method}()


ROLES = {{Role.MIDDLE_MANAGER: Nervous}}
"""
IN_A_WEEK = "self.model.week == 9"
"""When it fails: in a week, whatever was decided."""
ONCE_DECIDED = "any(week == self.model.week for week, *_ in self.model.verdicts)"
"""When it fails: in a week for which something was decided, which nobody can see before."""
CORRECTED = "False"


def nervous(folder, when, method="own_weight"):
    """Return rules from a file of that folder, which fail then."""
    file = folder / "nervous.py"
    file.write_text(AGENTS.format(when=when, method=method), encoding="utf-8")
    return load_rules(file)
