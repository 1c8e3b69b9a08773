"""The command line: a file for each group of commands, and the pages that they print."""
