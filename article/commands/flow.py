"""`flow`: every number of a prompt on a page."""

import argparse


def run(options: argparse.Namespace) -> None:
    """Writes a site of one page, the full flow of a prompt. Raises RefusalError."""
    from article.sites import flow

    flow.publish(options)
