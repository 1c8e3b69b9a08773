"""A lever of a user's own, as a file holds it."""

COFFEE = """
[[lever]]
key = "coffee_corner"
title = { en = "A coffee corner", fr = "Un coin café" }
kind = "strategy"
source = "our own"
time = "00:00:00"
determinants = ["normality"]
level = "organisation"
moves = [{ parameter = "doubt", times = 0.5 }]
sentence = { en = "People talk.", fr = "On se parle." }
question = { en = "Does talk help?", fr = "Parler aide-t-il ?" }
"""
