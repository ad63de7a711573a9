"""Models of other texts: trained, kept in a folder, reported on and asked.

A run is a folder with a model, its tokenizer and its configuration. The article's own model needs none: it is trained
on `data/` as the first chapter, gpt.py, tells.
"""
