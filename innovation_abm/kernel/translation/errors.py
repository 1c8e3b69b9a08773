"""What is raised where a method cannot be translated; apart, as it is light to import."""

from __future__ import annotations

from innovation_abm.errors import InnovationAbmError


class DialectError(InnovationAbmError):
    """A method uses what the compiled engine does not know."""
