"""What the README and the documents for facilitators and analysts show, run from the wheel."""

import pytest
from page_runs import OF_ADVICE, TO_RUN, run_page


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in TO_RUN if page.name in OF_ADVICE], ids=lambda page: page.name
)
def test_a_page_runs_from_the_wheel(page, activated, tmp_path):
    run_page(page, activated, tmp_path)
