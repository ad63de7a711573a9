"""Ways to cut a text into tokens. gpt.py has the simplest, words; the others here take its place."""
