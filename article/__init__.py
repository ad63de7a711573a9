"""The article and its machine: models to ask, evidence, pages, sites and commands."""

__version__ = "0.1.0"
