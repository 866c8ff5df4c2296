"""The benchmark of GPUs, without one: its arithmetic, and that it runs through on a CPU."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "bench").exists():
    pytest.skip("needs the checkout: bench/ is not in the wheel", allow_module_level=True)
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from bench import gpu, gpu_device, gpu_rows  # noqa: E402
from bench.timing import Effort  # noqa: E402


class Slow:
    """A device on which every call takes the seconds that it returns."""

    cuda = False

    def wait(self):
        pass

    def seconds(self, call, count):
        return sum(call() for _ in range(count)) / count


def test_all_candidates_are_measured_in_turns():
    found = gpu_device.in_turns(Slow(), {"a": lambda: 2.0, "b": lambda: 5.0}, Effort(3, 10.0))
    assert found == {"a": [2.0] * 3, "b": [5.0] * 3}


def test_ratios_and_shares():
    found = gpu.contest({"anypool": [1.0, 2.0, 1.0], "torch": [2.0, 4.0, 2.0]}, 600, 1000.0)
    assert found["seconds"] == {"anypool": 1.0, "torch": 2.0}
    assert found["ratio"]["torch"]["median"] == 2.0
    assert found["share_of_copy"] == 0.6


def test_the_bytes_that_must_move():
    assert gpu_rows.bytes_moved((1, 2, 4, 4), (1, 2, 2, 2), 4, 0) == 32 * 4 + 8 * 4
    assert gpu_rows.bytes_moved((1, 2, 4, 4), (1, 2, 2, 2), 2, 1) == 32 * 2 + 8 * 3


def row(**more):
    way = {"ratio": {"torch": {"median": 2.0}}, "share_of_copy": 0.8}
    return {"name": "max_pool2d", "dtype": "float32", "adaptive": False, "forward": way,
            "backward": way, "kept_bytes": {"anypool": 1, "torch": 9}, "same_bits": True,
            "input_bytes": 1 << 30} | more  # fmt: skip


def test_targets():
    found = gpu.goals([row(), row(dtype="bfloat16", adaptive=True), {"error": "lost"}])
    assert list(found.values()) == [2.0, 2.0, 2.0, 2.0, pytest.approx(1 / 9), 0.8, True]
    assert set(gpu.goals([]).values()) == {None}


def test_what_max_keeps():
    x = torch.randn(1, 2, 8, 8, requires_grad=True)
    theirs = gpu.kept(torch, torch.nn.functional.max_pool2d, x, (2,))
    assert theirs == 128 * 4 + 32 * 8


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_it_runs_through_on_a_cpu_and_keeps_everything(tmp_path, capsys):
    code = gpu.main(["--device", "cpu", "--quick", "--only", "PSPNet.*float32, first",
                     "--results", str(tmp_path)])  # fmt: skip
    [path] = tmp_path.glob("gpu-*-quick.json")
    kept = json.loads(path.read_text("utf-8"))
    assert code == 0, capsys.readouterr().out
    assert len(kept["rows"]) == 4
    assert kept["machine"]["device"] == "cpu"
    assert all(found["same_bits"] for found in kept["rows"])


def test_without_a_card_it_says_so():
    if torch.cuda.is_available():
        pytest.skip("there is a card")
    with pytest.raises(SystemExit, match="no CUDA device here"):
        gpu.measure("cuda")


def test_a_broken_row_does_not_hide_the_others(monkeypatch):
    monkeypatch.setattr(gpu, "figures", lambda *a: 1 / 0)
    found = gpu.tried(Slow(), gpu_rows.ROWS[0], "float32", "first", gpu.QUICK, 1.0)
    assert found["error"] == "ZeroDivisionError: division by zero"
    assert gpu.line(found).endswith("channels first: ZeroDivisionError: division by zero")
