"""`verify`: the numbers of scenes, read back out of them."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from article.commands.shared.options import add_checkpoint, seed
from article.errors import FalsehoodError, RefusalError
from article.escaping import say

USAGE, WHAT = "FILE.glb ...", "reads the numbers back out of scenes"


def parser() -> argparse.ArgumentParser:
    """The options of `verify`."""
    result = argparse.ArgumentParser(
        prog="gpt.py verify",
        description="Decodes the numbers in scenes from their geometry and compares them with what the files state and "
        "with a fresh trace of the sentence that they show. Exits 1 and names the node where they disagree.",
    )
    result.add_argument("files", nargs="+", type=Path, metavar="FILE.glb")
    result.add_argument("--seed", type=seed, metavar="N", help="the seed that the model of the files was trained with")
    add_checkpoint(result)
    result.add_argument(
        "--beside", metavar="B", help="of scenes of two, the other one: the path of a checkpoint, or a seed"
    )
    return result


def run(options: argparse.Namespace) -> int:
    """Compares scenes with what they state and with a fresh trace. Raises RefusalError and FalsehoodError."""
    import gpt
    from article.models import loading, model
    from article.sites.article import train
    from article.web.figures import scene_module
    from scenes.export import readback

    contents = {}
    for path in options.files:
        try:
            glb = path.read_bytes()
            extras = readback.header(glb)["asset"]["extras"]
            contents[path] = glb, extras, str(extras.get("scene"))
        except OSError as error:
            raise RefusalError(f"{path} cannot be read: {error.strerror}; name a .glb that gpt.py has made.") from None
        except ValueError as error:
            raise RefusalError(f"{path} cannot be used: {error}; name a .glb that gpt.py has made.") from None
    asked = options.checkpoint, options.tokenizer, options.seed
    known = train(options.seed)[0] if asked[:2] == (None, None) else loading.open_model(*asked)
    wrong = 0
    for path, (glb, extras, scene) in contents.items():
        shows, sentence = getattr(scene_module(scene), "SHOWS", "trace"), extras["sentence"]
        try:
            n = len(known.tokenizer.encode(sentence))
            if not 1 <= n <= known.config.n_context:
                raise ValueError(f"it reads 1 to {known.config.n_context} tokens, and the sentence has {n}")
            if shows == "comparison":
                from article.sites import comparison

                fresh = comparison.fresh(known, options.beside, extras)
            elif isinstance(known, model.OpenedModel):
                from article.sites.model import Shown

                fresh = Shown(gpt.trace(known.model, known.tokenizer, sentence), extras.get("block", 0)).view(shows)
            else:
                same = sentence == known.trace.sentence
                evidence = known if same else replace(known, trace=gpt.trace(known.model, known.tokenizer, sentence))
                fresh = evidence.view(shows)
        except ValueError as error:
            raise RefusalError(f"{path} shows what this model cannot: {error}.") from None
        try:
            problems = readback.disagreements(glb, fresh)
        except ValueError as error:
            problems = [str(error)]
        wrong += len(problems)
        for problem in problems:
            say(f"{path}: {problem}", sys.stderr)
        if not problems:
            marks = readback.marks(glb).values()
            say(f"{path}: {sum(mark.stated.size for mark in marks)} numbers agree, in {len(marks)} nodes")
    if wrong:
        raise FalsehoodError(f"{wrong} nodes do not show what they should; rebuild the scenes, or name their --seed.")
    return 0
