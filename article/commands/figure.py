"""`figure`: a mesh as a figure for a page of one's own."""

import argparse


def run(options: argparse.Namespace) -> None:
    """Writes the folder. Raises RefusalError."""
    from article.sites import figure

    figure.publish(options)
