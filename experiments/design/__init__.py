"""What a study asks: its file, the factors that it varies, and the points of its design."""
