"""For modelers: files to begin with, and checks of their rules and agents."""
