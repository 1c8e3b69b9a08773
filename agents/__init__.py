"""Who acts: staff, middle managers, leaders, a panel, and the central agency.

Its public names are listed in ``__init__.pyi``; each is loaded when it is first used, and Mesa
with it.
"""

import lazy_loader

from innovation_abm.entities.terms import Provision

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["Provision"]
