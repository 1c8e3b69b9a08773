"""Design of a study: its file, the factors that it varies, and the points."""
