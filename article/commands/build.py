"""Without a command: trains, builds the scenes, and publishes a site."""

import argparse

from article import paths
from article.commands.shared.options import add, described
from article.errors import RefusalError
from article.models.settings import FIELDS
from article.web.folder import refuse_to_replace


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds the options of a run on another text, which are its settings, too."""
    own = parser.add_argument_group(
        "a text of your own", "These need --data. All but the first four can stand in the TOML file, too."
    )
    add(own, described("build")["own"])
    for name, setting in FIELDS.items():
        if name != "seed":
            own.add_argument(
                f"--{name.replace('_', '-')}",
                type=type(setting.default),
                metavar="N" if isinstance(setting.default, int | float) else "NAME",
                help=setting.metadata["words"].replace("%", "%%"),
            )


def run(options: argparse.Namespace) -> None:
    """Builds the site and puts it in place; prints the summary. Raises RefusalError and FalsehoodError."""
    refuse_what_does_not_fit(options)
    article = "draft" if options.draft else "article"
    kind = "run" if options.data is not None else "checkpoint" if options.checkpoint is not None else article
    out = options.out or paths.DOCS
    if not options.single_file and (options.out or kind == article):
        refuse_to_replace(out.resolve(), kind)  # before seconds of imports
    if options.data is not None:
        from article.sites import run

        run.publish(options)
    elif options.checkpoint is not None:
        from article.sites import checkpoint

        checkpoint.publish(options)
    else:
        from article.sites import article

        article.publish(options)


def refuse_what_does_not_fit(options: argparse.Namespace) -> None:
    """Raises RefusalError for options that are about another kind of site."""
    if options.data is not None and options.checkpoint is not None:
        raise RefusalError("--data trains a model, and --checkpoint opens one; leave one of them out.")
    if options.data is not None or options.checkpoint is not None:
        option, what = ("--data", "text") if options.data is not None else ("--checkpoint", "checkpoint")
        if options.out is None:
            raise RefusalError(f"{option} needs a place for the site; name a folder with --out.")
        if options.single_file:
            where = f"the site of a {what} is a folder, which --out names"
            raise RefusalError(f"--single-file is for the article; {where}.")
    if options.draft and (options.data or options.checkpoint or options.single_file):
        raise RefusalError("--draft is for the article, in a folder; leave it out.")
    if options.data is not None:
        return
    of_checkpoint = {"prompt", "tokenizer"} if options.checkpoint is not None else set()
    for name in ("config", "prompt", "ladder", *FIELDS):
        given = getattr(options, name)
        if name not in ("seed", *of_checkpoint) and given is not None and given is not False:
            raise RefusalError(f"--{name.replace('_', '-')} is about a text of your own; name its folder with --data.")
