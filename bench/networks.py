"""Networks to train: the convnet of the tutorials, and a ResNet-50 written out, random weights."""

from __future__ import annotations

from typing import Any

from bench import peers


def tutorial(nn: Any) -> Any:
    """Conv 1-8-8, pool, 8-16-16, pool, 16-32-32, pool, 1x1 to 10 classes, global average."""
    layers: list[Any] = []
    for before, after in ((1, 8), (8, 16), (16, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(after, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Conv2d(32, 10, 1), nn.AvgPool2d(3), nn.Flatten())


def resnet50(nn: Any) -> Any:
    """He et al. 2015 (arXiv:1512.03385), table 1: stem, max pooling, 3-4-6-3 blocks, average."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
            nn.MaxPool2d(3, 2, 1)]  # fmt: skip
    blocks, before = [], 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(count):
            blocks.append(_block(nn, before, width, stride if number == 0 else 1))
            before = 4 * width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1000)]
    return nn.Sequential(*stem, *blocks, *head)


def _block(nn: Any, before: int, width: int, stride: int) -> Any:
    after = 4 * width
    body = nn.Sequential(
        nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Conv2d(width, after, 1, bias=False), nn.BatchNorm2d(after),
    )  # fmt: skip
    way = nn.Identity()
    if stride > 1 or before != after:
        way = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.way = body, way

        def forward(self, x: Any) -> Any:
            return (self.body(x) + self.way(x)).relu()

    return Block()


def step(model: Any, x: Any, labels: Any) -> Any:
    """One step of training without the optimizer: loss, and the derivative by every weight."""
    torch = peers.load("torch")
    loss = torch.nn.functional.cross_entropy(model(x), labels)
    model.zero_grad(set_to_none=True)
    loss.backward()
    return loss.detach()
