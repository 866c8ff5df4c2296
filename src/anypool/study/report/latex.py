"""The numbers as LaTeX tables, for a paper."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..records import Comparison, Plan, Verdict
from ..summary import Arm
from ..units import MISSING, chance, count, percent, points, seconds, span

_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "`": r"\textasciigrave{}",
        "−": "$-$",
        "±": r"$\pm$",
        "×": r"$\times$",
        "–": "--",
        "…": r"\ldots{}",
        "\N{NARROW NO-BREAK SPACE}": r"\,",
        "\N{NO-BREAK SPACE}": "~",
    }
)
_HEAD = (
    "% needs \\usepackage{booktabs}, and \\usepackage[T1]{fontenc} with pdflatex;\n"
    "% names in letters that are not Latin need lualatex or xelatex and a font that has them\n"
)


def escaped(text: str) -> str:
    r"""The text as LaTeX prints it; control characters are left out.

    >>> escaped("50 % of A_1")
    '50 \\% of A\\_1'
    """
    flat = " ".join(text.split(" ")) if text.isprintable() else _printable(text)
    return flat.translate(_SPECIAL)


def _printable(text: str) -> str:
    words = " ".join(text.split())
    return "".join(c for c in words if c.isprintable() or c == "\N{NO-BREAK SPACE}")


def table(plan: Plan, arms: Sequence[Arm], verdict: Verdict) -> str:
    """Two booktabs tables: the arms, and the comparisons of the verdict."""
    pairs = [*verdict.across, *verdict.comparisons]
    tables = [_arms(plan, arms), *([_comparisons(verdict, pairs)] if pairs else [])]
    return _HEAD + "\n".join(tables)


def _arms(plan: Plan, arms: Sequence[Arm]) -> str:
    caption = (
        f"{plan.name}: test accuracy of every pooling, mean ± standard deviation over the seeds; "
        f"network {plan.network}, pooling at the {plan.place}."
    )
    head = ["Data", "Pooling", "Accuracy (%)", "Seeds", "Parameters", "CPU time"]
    return _table(caption, "arms", "llrrrr", head, [_arm(arm) for arm in arms])


def _arm(arm: Arm) -> list[str]:
    mean = percent(arm.accuracy).removesuffix(" %")
    sd = f" ± {100 * arm.sd:.2f}" if math.isfinite(arm.sd) else ""
    cost = [count(arm.means.get("parameters")), seconds(arm.means.get("cpu_seconds"))]
    return [arm.data, arm.name, mean + sd, str(len(arm.seeds)), *cost]


def _comparisons(verdict: Verdict, pairs: Sequence[Comparison]) -> str:
    caption = (
        "Paired differences in test accuracy, in points (first minus second), with 95 % intervals "
        "for new data like this (seeds and test examples crossed); p, the larger of joint "
        "sign flips and a corrected t, "
        "adjusted over all pairs of a data set; margin ± "
        f"{points(verdict.margin).lstrip('+')} points."
    )
    head = ["Data", "First", "Second", "Difference", "95 % interval", "p", "Seeds", "Verdict"]
    return _table(caption, "comparisons", "lllrrrrl", head, [_pair(pair) for pair in pairs])


def _pair(c: Comparison) -> list[str]:
    interval = span(c.low, c.high)
    won = [chance(c.p), str(len(c.seeds)) if c.seeds else MISSING, c.word]
    return [c.data, c.a, c.b, points(c.difference), interval, *won]


def _table(
    caption: str, label: str, columns: str, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> str:
    body = "\n".join(_row(row) for row in rows)
    return (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{escaped(caption)}}}\n\\label{{tab:anypool-{label}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{_row(head)}\n\\midrule\n"
        f"{body}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )


def _row(cells: Sequence[str]) -> str:
    # a row that begins with [ would be read as an argument of the \\ before it
    return "{}" + " & ".join(escaped(cell) for cell in cells) + r" \\"
