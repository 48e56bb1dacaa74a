"""Write the dashboards' JSON: ``python -m stock_dashboards [FOLDER]`` (default: ``../dashboards``)."""

from __future__ import annotations

import sys
from pathlib import Path

from stock_dashboards.render import FOLDER, rendered


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    texts = rendered()
    for stale in set(folder.glob("*.json")) - {folder / name for name in texts}:
        stale.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
