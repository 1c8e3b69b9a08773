"""What a study found, for people: its report, and pictures for a paper."""
