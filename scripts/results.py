"""Write the kept results of real studies (docs/results/*/verdict.json) into docs/study.md.

`python scripts/results.py` after `anypool study report --out docs/results/NAME`; of that folder
report.html and verdict.json are kept.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE, FOLDER = ROOT / "docs" / "study.md", ROOT / "docs" / "results"
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
HEAD = ("pooling", "test accuracy", "after a shift", "parameters", "CPU s a trial")


def section(folder: Path) -> str:
    """What the page says of one study."""
    told = json.loads((folder / "verdict.json").read_text("utf-8"))
    machine, plan = told["provenance"]["machine"], told["plan"]
    rows = [_row(arm) for arm in told["arms"]]
    lines = [f"**{told['verdict']['sentence']}**", ""]
    lines += [f"- {pair['sentence']}" for pair in told["verdict"]["comparisons"]]
    lines += ["", _cells(HEAD), _cells(["---"] * len(HEAD)), *rows, ""]
    commands = dict.fromkeys(told["provenance"]["command"])
    lines += [_circumstances(plan, machine, folder.name), "", "```", *commands, "```"]
    return "\n".join(lines)


def _circumstances(plan: dict[str, Any], machine: dict[str, Any], name: str) -> str:
    recipe, seeds = plan["recipe"], ", ".join(map(str, plan["seeds"]))
    return (
        f"Network {plan['network']}, recipe {recipe['name']}, {recipe['epochs']} epochs, "
        f"{plan['precision']}, seeds {seeds}; {machine['processor']}, {machine['cores']} cores, "
        f"torch {machine['torch']}, one thread a trial. [Report](results/{name}/report.html), "
        f"[numbers](results/{name}/verdict.json). The command:"
    )


def _row(arm: dict[str, Any]) -> str:
    means = arm["means"]
    return _cells([
        arm["name"],
        f"{100 * arm['accuracy']:.2f} ± {100 * (arm['sd'] or 0):.2f} %",
        f"{100 * means['shift_consistency']:.1f} %",
        f"{means['parameters']:,.0f}".replace(",", " "),
        f"{means['cpu_seconds']:.0f}",
    ])  # fmt: skip


def _cells(words: Any) -> str:
    return f"| {' | '.join(words)} |"


def page(text: str) -> str:
    """The page with its results made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    found = sorted(p.parent for p in FOLDER.glob("*/verdict.json"))
    parts = [f"### {folder.name}\n\n{section(folder)}" for folder in found]
    told = "\n\n".join([*parts, *speed(FOLDER / "speed.json")])
    return f"{before}{BEGIN}\n{told}\n{END}{after}"


def speed(file: Path) -> list[str]:
    """What `python -m bench.study` measured, if it was kept."""
    if not file.exists():
        return []
    told = json.loads(file.read_text("utf-8"))
    ours, theirs = (told["epochs_a_minute"][way] for way in ("study", "tutorial"))
    return [
        (
            "### speed\n\nThe tutorial's recipe in float32 on the whole machine: "
            f"**{ours:.2f} epochs a minute**, the tutorial's own way {theirs:.2f}: {told['ratio']} "
            f"times as many ({told['from']} to {told['to']} in {len(told['turns'])} turns; "
            f"{told['expected']:g} was the aim). {told['machine']}; `python -m bench.study`."
        )
    ]


def main() -> int:
    """Write the page; it is the same again where nothing changed."""
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
