"""Errors that a user of the model can cause and mend."""


class InnovationAbmError(ValueError):
    """Something the user gave is wrong.

    The message says what was wrong, where (file, row or key), and what would be right. The command
    line prints it without a traceback and exits with status 2.
    """
