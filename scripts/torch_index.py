"""Print the pip option that keeps CUDA away: torch's own index of CPU wheels, if it answers.

On Linux the wheel of the common registry brings gigabytes of CUDA libraries, and no test needs
them. Where the index cannot be reached pip takes torch from the registries it knows.
"""

import sys
import urllib.request

INDEX = "https://download.pytorch.org/whl/cpu"


def answers(url: str) -> bool:
    """Whether the index can be reached within a few seconds."""
    try:
        with urllib.request.urlopen(f"{url}/torch/", timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


if __name__ == "__main__":
    if sys.platform == "linux" and answers(INDEX):
        print(f"--extra-index-url={INDEX}")
