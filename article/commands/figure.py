"""`figure`: a mesh as a figure for a page of one's own."""

import argparse

from article import paths
from article.commands.shared.options import Parser, folder

USAGE, WHAT = "MESH --out DIR", "makes a figure of a mesh, and the lines that show it"
SITE = "figure"


def parser() -> argparse.ArgumentParser:
    """The options of `figure`."""
    result = Parser(
        prog=f"{paths.COMMAND} figure",
        description="Writes a folder with a figure of a mesh: its .glb, a still, a page, the viewer, and the lines that"
        " show it in plain HTML, Quarto, Jekyll, Hugo, MkDocs, MyST and Notion, which are printed, too.",
        allow_abbrev=False,
    )
    what = "a .vtp, .vtu, .vtk, .ply, .stl, .obj or .glb, or a .py with build(), which gives a mesh or a plotter"
    result.add_argument("thing", type=folder, metavar="MESH", help=what)
    result.add_argument("--out", type=folder, required=True, metavar="DIR", help="write the figure there")
    result.add_argument("--scalars", metavar="NAME", help="colour it by this array of its points or cells")
    result.add_argument("--cmap", metavar="NAME", help="with this colour map of matplotlib")
    result.add_argument("--clim", type=float, nargs=2, metavar=("LOW", "HIGH"), help="from and to these values")
    result.add_argument("--alt", default="", metavar="TEXT", help="what it shows, for who cannot see it")
    return result


def run(options: argparse.Namespace) -> None:
    """Writes the folder. Raises RefusalError."""
    from article.sites import figure

    figure.publish(options)
