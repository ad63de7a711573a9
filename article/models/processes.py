"""Data parallel: processes that share the batches of a training, and threads."""

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from article.models.settings import Settings
from article.parallel import processors

SMALL = 2**16  # numbers in a layer's output up to which one thread is the fastest


class Team(NamedTuple):
    """The processes that train one model together, as torchrun starts them; alone, one."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    @contextlib.contextmanager
    def gather(cls) -> Iterator["Team"]:
        """The team of this process, for as long as it is needed. Each has a GPU, if there is one at all."""
        size, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
        gpus = torch.cuda.device_count()
        device = torch.device("cuda", local % gpus) if gpus else torch.device("cpu")
        if gpus:
            torch.cuda.set_device(device)
        if size == 1:
            yield cls(0, 1, device)
            return
        dist.init_process_group("nccl" if gpus >= neighbours() else "gloo")  # nccl wants a GPU for each process
        try:
            yield cls(dist.get_rank(), size, device)
        finally:
            dist.destroy_process_group()

    def sum(self, number: float) -> float:
        """The sum of the numbers that the processes have, the same for all of them."""
        if self.size == 1:
            return number
        total = torch.tensor(number, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return float(total)

    def add_gradients(self, model: nn.Module) -> None:
        """Has each process hold the sums of the gradients that all of them have."""
        if self.size == 1:
            return
        gradients = [cast(Tensor, weight.grad) for weight in model.parameters()]
        total = nn.utils.parameters_to_vector(gradients)
        dist.all_reduce(total)
        for gradient, summed in zip(gradients, total.split([one.numel() for one in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))

    def tell(self, data: bytes | None) -> bytes | None:
        """What the first process has, for all of them."""
        told = [data]
        if self.size > 1:
            dist.broadcast_object_list(told)
        return told[0]


ALONE = Team(0, 1, torch.device("cpu"))


def neighbours() -> int:
    """How many processes of the team are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def threads(settings: Settings, n: int) -> int:
    """How many threads make a step of n examples fastest: one for a model that is too small to share."""
    numbers = 4 * settings.n_embd * (settings.n_context or 1) * n
    return 1 if numbers < SMALL else max(1, processors() // neighbours())
