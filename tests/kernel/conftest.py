"""What tests of the compiled engine share."""

import pytest
from engines import keep_apart

from innovation_abm.kernel import compiling


@pytest.fixture(scope="module")
def shipped_compiled(compiled, tmp_path_factory):
    """A folder in which only the engine for the shipped rules is kept."""
    with pytest.MonkeyPatch.context() as patch:
        keep_apart(patch, tmp_path_factory.mktemp("cache"))
        yield
    compiling._built.cache_clear()
