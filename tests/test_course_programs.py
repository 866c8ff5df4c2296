"""Programs like the tutorials', written for torch.nn, run with only their imports changed."""

import re

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

# PyTorch's import -> ours; the rest of a program stays as it is
IMPORTS = {
    "import torch.nn as nn": "import anypool.torch as nn",
    "import torch.nn.functional as F": "import anypool.torch.functional as F",
    "from torch import nn": "from anypool import torch as nn",
    "from torch.nn import": "from anypool.torch import",
    "from torch.nn.functional import": "from anypool.torch.functional import",
}
# each leaves `result`: a tensor or a list of tensors
PROGRAMS = {
    "any size becomes 7x7": """
import torch
import torch.nn as nn

class Fixed(nn.Module):
    def __init__(self, output_size):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(output_size)

    def forward(self, x):
        return self.pool(x)

result = [Fixed((7, 7))(torch.randn(1, 3, 224, 224))]
result += [Fixed(7)(torch.randn(2, 3, h, w)) for h, w in ((7, 7), (31, 64), (5, 9))]
assert result[0].shape == (1, 3, 7, 7)
""",
    "adaptive pooling by hand, which crops": """
import torch
import torch.nn.functional as F

def by_hand(x, size):
    step = x.shape[-1] // size
    spare = (size * step - x.shape[-1]) // 2  # negative where the size does not divide
    return F.avg_pool2d(F.pad(x, [spare] * 4), step, step)

x = torch.randn(1, 2, 12, 12)
result = [by_hand(x, 4), F.adaptive_avg_pool2d(x, 4), by_hand(x, 5), F.adaptive_avg_pool2d(x, 5)]
assert torch.allclose(result[0], result[1])
assert result[2].shape == result[3].shape and not torch.allclose(result[2], result[3], atol=0.1)
""",
    "sequences, images and videos": """
import torch
from torch.nn import AdaptiveAvgPool1d, AdaptiveAvgPool3d, AdaptiveMaxPool2d, AdaptiveMaxPool3d

result = [
    AdaptiveAvgPool1d(10)(torch.randn(2, 4, 57)),
    AdaptiveMaxPool2d((5, None))(torch.randn(2, 4, 11, 6)),
    AdaptiveAvgPool3d((2, 3, 4))(torch.randn(1, 2, 9, 10, 11)),
    AdaptiveMaxPool3d(2)(torch.randn(1, 2, 5, 6, 7)),
]
""",
    "global average, global max, and a convolution with a stride": """
import torch
from torch import nn

x = torch.randn(2, 8, 14, 14)
ways = [nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1), nn.Conv2d(8, 8, 2, stride=2)]
result = [way(x) for way in ways]
assert [sum(p.numel() for p in way.parameters()) for way in ways] == [0, 0, 8 * 8 * 4 + 8]
""",
    "two photographs, pooled by 2x2, and their difference": """
import numpy as np
import torch
from torch.nn.functional import avg_pool2d, max_pool2d

draw = np.random.default_rng(0)
photos = [draw.integers(0, 256, (321, 481, 3), np.uint8) for _ in range(2)]
batch = torch.stack([torch.from_numpy(p).permute(2, 0, 1).float() / 255 for p in photos])
largest, mean = max_pool2d(batch, 2), avg_pool2d(batch, kernel_size=2)
result = [largest, mean, (mean - largest).abs()]
assert batch.shape == (2, 3, 321, 481) and largest.shape == (2, 3, 160, 240)
""",
    "two pictures of four by four": """
import torch
import torch.nn as nn

x = torch.tensor([[6.0, 9, 9, 2], [6, 9, 6, 0], [8, 3, 4, 5], [9, 2, 3, 5]])[None, None]
y = torch.arange(1.0, 17).view(1, 1, 4, 4)
result = [f(z) for f in (nn.MaxPool2d(2), nn.AvgPool2d(2, stride=2)) for z in (x, y)]
assert result[0].flatten().tolist() == [9, 9, 9, 5]
assert result[2].flatten().tolist() == [7.5, 4.25, 5.5, 4.25]
assert [nn.AvgPool2d(4)(y).item(), nn.MaxPool2d(4)(y).item()] == [8.5, 16]
""",
    "the network with global pooling: trained, asked, and looked into": """
import torch
import torch.nn as nn
import torch.nn.functional as F

def stage(before, after):
    a, b = (nn.Conv2d(n, after, 3, padding=1) for n in (before, after))
    return [a, nn.ReLU(), b, nn.ReLU(), nn.MaxPool2d(2)]

def network(last):
    return nn.Sequential(
        *stage(1, 8), *stage(8, 16), *stage(16, 32),
        nn.Conv2d(32, 10, 1), last(3), nn.Flatten(), nn.Sigmoid(),
    )

def start(module):
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)
        nn.init.constant_(module.bias, 0.01)

def predict(model, images):
    model.eval()
    with torch.no_grad():
        return model(images).argmax(1)

images, labels, result = torch.rand(128, 1, 28, 28), torch.arange(128) % 10, []
for last in (nn.AvgPool2d, nn.MaxPool2d):
    model = network(last).apply(start)
    optimiser = torch.optim.Adam(model.parameters(), 3e-4)
    for x, y in zip(images.split(64), labels.split(64)):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        result.append(loss.detach())
    maps = model[:16](images[2:3]).detach()  # what enters the global pool
    assert maps.shape == (1, 10, 3, 3)
    result += [maps, predict(model, images).float(), *(p.detach() for p in model.parameters())]
""",
    "the classical head": """
import torch
from torch import nn

net = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(8 * 14 * 14, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10),
)
result = net(torch.rand(4, 1, 28, 28))
""",
    "eight maps become a vector of four": """
import torch
import torch.nn as nn

x = torch.rand(1, 8, 3, 3)
scores = nn.Sequential(nn.Conv2d(8, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
result = scores(x)
assert result.shape == (1, 4)
""",
}


def ours(program):
    """The program with its imports changed."""
    for theirs, new in IMPORTS.items():
        program = re.sub(rf"^{re.escape(theirs)}\b", new, program, flags=re.MULTILINE)
    return program


def result_of(program):
    """What the program leaves, as a list."""
    torch.manual_seed(0)
    names = {"__name__": "program"}
    exec(compile(program, "program", "exec"), names)
    found = names["result"]
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", PROGRAMS)
def test_only_the_imports_change(name):
    program = PROGRAMS[name]
    changed = ours(program)
    lines = zip(program.splitlines(), changed.splitlines(), strict=True)
    differing = [line for line, new in lines if line != new]
    assert differing
    assert all(line.startswith(("import torch.nn", "from torch")) for line in differing)
    for theirs, mine in zip(result_of(program), result_of(changed), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_a_pooling_that_gives_something_else_is_noticed(monkeypatch):
    import anypool.torch as at

    monkeypatch.setattr(at, "AdaptiveAvgPool2d", at.AdaptiveMaxPool2d)
    with pytest.raises(AssertionError, match="not close"):
        test_only_the_imports_change("any size becomes 7x7")


@pytest.mark.parametrize(
    ("module", "theirs"),
    [("anypool.torch", torch.nn), ("anypool.torch.functional", torch.nn.functional)],
)
def test_every_name_of_pytorch_is_there(module, theirs):
    """Poolings are ours; everything else is PyTorch's own object."""
    own = pytest.importorskip(module, reason="torch is not installed")
    public = [name for name in dir(theirs) if not name.startswith("_")]
    foreign = {name for name in public if getattr(own, name) is not getattr(theirs, name)}
    assert len(public) - len(foreign) > 90
    assert all(re.search("pool|functional", name, re.IGNORECASE) for name in foreign), foreign
    with pytest.raises(AttributeError, match="has 'Nonsense'"):
        own.Nonsense  # noqa: B018
