"""Draw docs/up.svg from what `runner up` printed: `python docs/picture.py up.txt`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

STYLES = {
    "ok": "green",
    "start": "cyan",
    "next": "dim",
    "FAILED": "bold red",
    "reload": "green",
    "stopped": "bold",
    "install": "green",
    "enable": "cyan",
    "update": "yellow",
}


def main(source: str) -> None:
    """One picture, in the terminal's colours."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=104, file=nowhere)
        for line in Path(source).read_text().splitlines():
            # One style a line: viewers differ in how they keep the blanks between two styles.
            style = next((STYLES[word] for word in line.split()[:2] if word in STYLES), "")
            console.print(Text(line, style=style))
        picture = console.export_svg(title="runner up")
        local = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # fetches nothing
        Path(__file__).with_name("up.svg").write_text(local)


if __name__ == "__main__":
    main(sys.argv[1])
