"""What files of rules and agents import: the one face of the package for extensions.

The names in ``extension.pyi`` keep their meaning for as long as :data:`VERSION` stays what it is;
what is elsewhere in the package may move or change with any release. Each name is loaded when it
is first used: rules alone do not need Mesa, which is slow to load.
"""

from __future__ import annotations

from typing import Final

import lazy_loader

VERSION: Final = 1
"""Version of this face: one more where a name goes or changes its meaning."""

__getattr__, __dir__, __all__ = lazy_loader.attach_stub("innovation_abm", __file__)
__all__ += ["VERSION"]
