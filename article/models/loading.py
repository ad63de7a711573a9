"""Models to ask, by what lies on the disk: a run, a checkpoint, or the article's own."""

from pathlib import Path

from article.errors import RefusalError
from article.models.formats.run import SETTINGS, load, refused
from article.models.model import Run
from article.models.own import own

FAMILY = "config.json"  # what a folder of Hugging Face has


def ask(checkpoint: Path | None, tokenizer: str | None = None, seed: int | None = None) -> Run:
    """The run of a checkpoint, by what it is, or the article's own model.

    A file is nanoGPT's. A folder with a `config.toml` is a run of gpt.py; one with a `config.json` is of the GPT-2
    family. A `tokenizer` is a file, or tiktoken:NAME. Raises RefusalError.
    """
    if checkpoint is None:
        if tokenizer is not None:
            raise RefusalError("--tokenizer is about a model from elsewhere; name that with --checkpoint.")
        return own(seed)
    if seed is not None:
        raise RefusalError("--seed trains the article's own model, and --checkpoint takes its place; leave one out.")
    from article.models.formats import gpt2, nanogpt

    with refused(checkpoint):
        if checkpoint.is_file():
            return nanogpt.of_file(checkpoint, tokenizer)
        if not checkpoint.is_dir():
            what = "it is no file" if checkpoint.exists() else "there is no such file or folder"
            raise ValueError(f"{what}; name nanoGPT's ckpt.pt, or the folder of a model")
        if (checkpoint / SETTINGS).is_file():
            if tokenizer is not None:
                raise ValueError("a run of gpt.py has its own tokenizer; leave --tokenizer out")
            return load(checkpoint)
        if (checkpoint / FAMILY).is_file():
            return gpt2.of_folder(checkpoint, tokenizer)
        raise ValueError(
            f"it has no {SETTINGS}, as a run of gpt.py has, and no {FAMILY}, as a folder of Hugging Face has; name the "
            f"folder of a model, or nanoGPT's ckpt.pt itself"
        )
