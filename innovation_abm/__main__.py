"""`python -m innovation_abm`: the same as the command `innovation-abm`."""

import sys
from importlib.util import find_spec

# In a checkout that was not installed, Python finds this folder first, but not the folders beside
# it that belong to the same package (see `[tool.setuptools.package-dir]` in pyproject.toml).
_BARE_CHECKOUT = """\
innovation-abm: this checkout is not installed, so only a part of the package is found here.
Install it, in the folder that holds pyproject.toml:

    python -m pip install -e ".[dashboard,studies]"

or, if innovation-abm is installed already, run the command from another folder."""


def main() -> None:
    """Run the command line; exit with status 2 where the package is not whole."""
    if find_spec("innovation_abm.agents") is None:
        print(_BARE_CHECKOUT, file=sys.stderr)
        sys.exit(2)

    from innovation_abm.commands.cli import main as command_line

    sys.exit(command_line())


if __name__ == "__main__":
    main()
