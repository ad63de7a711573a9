"""The words of the corpus that are linked: each animal, and its home."""

ANIMALS = ("bird", "bee", "fox", "spider")
HOMES = ("nest", "hive", "den", "web")
