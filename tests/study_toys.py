"""Small real material for the tests of the study: images of seconds, a network to import."""

import numpy as np
from torch import nn

from anypool.study import from_arrays


def shapes(name="shapes", n=240, size=12):
    """Three kinds of bright shapes on noise: a dot, a bar across, a bar upright."""
    draw = np.random.default_rng(0)
    kinds = np.arange(n) % 3
    images = draw.integers(0, 60, (n, size, size))
    for image, kind in zip(images, kinds, strict=True):
        row, column = draw.integers(2, size - 5, 2)
        image[row : row + (1, 1, 4)[kind], column : column + (1, 4, 1)[kind]] = 250
    images = images.astype(np.uint8)
    half = n // 2
    return from_arrays(name, images[:half], kinds[:half], images[half:], kinds[half:])


def tiny(pool, channels, classes):
    """A network with a slot for the head."""
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3), nn.ReLU(), nn.Conv2d(8, classes, 1), pool(classes, (10, 10))
    )


def filters(pool, channels, classes):
    """Two convolutions that keep the size, class maps, one pooling: what the made sets are for."""
    layers = []
    for before in (channels, 12):
        layers += [nn.Conv2d(before, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(12, classes, 1), pool(classes, (20, 20)))
