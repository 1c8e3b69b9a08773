"""What is read from outside: text, TOML, spreadsheet cells, numbers of other libraries."""
