"""What is known of a run: its tables, survival, measures, stories, files.

Its public names are listed in ``__init__.pyi``; each is loaded when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
