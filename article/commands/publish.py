"""`publish`: an article of a folder of one's own."""

import argparse


def run(options: argparse.Namespace) -> None:
    """Writes the site. Raises RefusalError and FalsehoodError."""
    from article.sites import publication

    publication.publish(options)
