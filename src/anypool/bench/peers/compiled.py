"""torch.compile, by Inductor, which needs a C++ compiler."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch

from ..job import Job
from . import Ready, eager, only

FUSED = 25  # larger windows Inductor hands to the very loops of plain torch
COMPILERS = ("c++", "g++", "clang++")


def start(threads: int) -> None:
    eager.start(threads)
    import torch._inductor.config as inductor

    inductor.compile_threads = 1  # or its helpers stay and take the time of others


def make(job: Job) -> Ready:
    """What the plain function becomes when Inductor has compiled it."""
    found = os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), None)
    only(found is not None, "torch.compile needs a C++ compiler, and none is installed")
    window = job.taps // max(job.results, 1)
    only(window <= FUSED or job.kind == "whole", "it calls plain torch for windows of more than 25")
    torch.compiler.reset()  # or after some jobs Dynamo gives up
    return eager.make(job, _compiled)


def _compiled(function: Callable[..., Any]) -> Any:
    def wrapped(*args: Any) -> Any:  # Dynamo passes over PyTorch's own functions
        return function(*args)

    return torch.compile(wrapped, dynamic=False)
