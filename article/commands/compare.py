"""`compare`: two models or prompts, side by side."""

import argparse


def run(options: argparse.Namespace) -> None:
    """Writes a site of two, side by side. Raises RefusalError and FalsehoodError."""
    from article.sites import comparison

    comparison.publish(options)
