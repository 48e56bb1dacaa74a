"""What the gate said of a version, for people."""

from __future__ import annotations

from typing import Any


def verdict_lines(result: dict[str, Any]) -> list[str]:
    """Of a finished training: whether its version serves, else what speaks against it."""
    alias, verdict = result.get("alias"), result.get("verdict")
    if verdict is None:
        return []
    name = f"{result['registered_name']} version {result['version']}"
    if alias == "champion":
        against = "the first of its name" if verdict["champion"] is None else f"in place of {verdict['champion']}"
        return [f"[green]{name} serves as the champion, {against}.[/green]"]
    if alias is None:
        return [f"[yellow]{name} does not serve: its model was deleted meanwhile.[/yellow]"]
    lines = [f"[red]{name} does not serve. The gate refused it; it is kept as the challenger:[/red]"]
    failed = [check for check in verdict["checks"] if not check["passed"]]
    if verdict["passed"]:
        return [*lines, "  another version became the champion while it was judged; train again"]
    return [*lines, *(f"  {check['name']}: expected {check['expected']}, got {check['got']}" for check in failed)]
