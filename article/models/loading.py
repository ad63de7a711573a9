"""Models to ask, by what lies on the disk: a run, a checkpoint, or the article's own."""

from pathlib import Path

from article.errors import RefusalError
from article.models import own
from article.models.formats import gpt2, nanogpt, run
from article.models.model import OpenedModel

FORMATS = (run, gpt2, nanogpt)  # the first that recognises a checkpoint reads it


def open_model(checkpoint: Path | None, tokenizer: str | None = None, seed: int | None = None) -> OpenedModel:
    """The model of a checkpoint, by what it is, or the article's own.

    A file is nanoGPT's. A folder with a `config.toml` is a run of gpt.py; one with a `config.json` is of the GPT-2
    family. A `tokenizer` is a file, or tiktoken:NAME. Raises RefusalError.
    """
    if checkpoint is None:
        if tokenizer is not None:
            raise RefusalError("--tokenizer is about a model from elsewhere; name that with --checkpoint.")
        return own.own_model(seed)
    if seed is not None:
        raise RefusalError("--seed trains the article's own model, and --checkpoint takes its place; leave one out.")
    try:
        known = next((one for one in FORMATS if one.recognises(checkpoint)), None)
        if known:
            return known.read(checkpoint, tokenizer)
        if checkpoint.is_dir():
            raise ValueError(
                f"it has no {run.SETTINGS}, as a run of gpt.py has, and no {gpt2.CONFIG}, as a folder of Hugging Face "
                f"has; name the folder of a model, or nanoGPT's ckpt.pt itself"
            )
        what = "it is no file" if checkpoint.exists() else "there is no such file or folder"
        raise ValueError(f"{what}; name nanoGPT's ckpt.pt, or the folder of a model")
    except OSError as error:
        where = f"{checkpoint} cannot be read: {error.strerror or error}"
        raise RefusalError(f"{where}; name another --checkpoint.") from None
    except ValueError as error:
        raise RefusalError(f"{checkpoint} cannot be used: {error}.") from None
