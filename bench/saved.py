"""What a pooling keeps for its derivative, in bytes for each output: ours and PyTorch's."""

from __future__ import annotations

from typing import Any

from bench import peers

SHAPE = (8, 64, 56, 56)
CALLS = (
    ("max_pool2d", (2, 2)), ("max_pool2d", (3, 2, 1)), ("adaptive_max_pool2d", (7,)),
    ("avg_pool2d", (2, 2)), ("lp_pool2d", (2, 2)),
)  # fmt: skip


def everything() -> list[dict[str, Any]]:
    """One result for each call; nothing without torch."""
    torch = peers.load("torch")
    if torch is None:
        return []
    import anypool.torch.functional as ours

    both = (("anypool", ours), ("torch", torch.nn.functional))
    return [
        {"call": f"{name}{args}"}
        | {who: round(kept(torch, getattr(room, name), args), 3) for who, room in both}
        for name, args in CALLS
    ]


def kept(torch: Any, function: Any, args: tuple[Any, ...]) -> float:
    """Bytes of all tensors that autograd keeps, for each output of float32 on SHAPE."""
    x, bytes_kept = torch.randn(SHAPE, requires_grad=True), []

    def pack(tensor: Any) -> Any:
        bytes_kept.append(tensor.numel() * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = function(x, *args)
    return sum(bytes_kept) / y.numel()
