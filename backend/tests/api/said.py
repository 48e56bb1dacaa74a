"""What the service says in English, read from its source: each sentence with ``{}`` in the place of a value."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path

_BACKEND = Path(__file__).parents[2]
# Errors and outcomes of loads and of the closed loop, whose words come to people.
_WORDS = ("SourceError", "YahooError", "TransitionError", "Fetched", "TickerReport", "Move")
_CHECKED = ("api/schemas/", "forecasting/spec.py", "simulation/plan.py", "stock_mlops/instruments.py")
"""Where a ValueError is what a form is answered with."""
_PRICES = "stock_mlops/prices/"
"""Where reasons of refused rows and notes on a file are put together."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Texts = Mapping[str, list[ast.expr]]


@cache
def sentences() -> dict[str, str]:
    """What people of the page may come to read, with the file that says it."""
    errors = {*_WORDS, *_problems(_trees().values())}
    found: dict[str, str] = {}
    for place, tree in _trees().items():
        speakers = {*errors, "ValueError"} if any(part in place for part in _CHECKED) else {*errors}
        if _PRICES in place:
            speakers |= {"lit", "format", "append", "_complaint"}
        constants = _assigned(tree.body)
        for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
            nodes = list(ast.walk(function))
            known = {**constants, **_assigned(nodes)}
            for said in _said_among(nodes, speakers):
                found.update((text, place) for text in _templates(said, known) if _is_sentence(text))
    return found


def all_texts() -> set[str]:
    """Every text of the source, whoever it is for."""
    nodes = (node for tree in _trees().values() for node in ast.walk(tree))
    texts = (node for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp))
    return {text for node in texts for text in _templates(node, {})}


@cache
def _trees() -> Mapping[str, ast.Module]:
    """Without the twins that stand in for stores in tests, and the command line, which speaks to who types there."""
    folders = (_BACKEND / "api", _BACKEND / "src/stock_mlops")
    files = (path for folder in folders for path in folder.rglob("*.py"))
    return {
        path.relative_to(_BACKEND).as_posix(): ast.parse(path.read_text())
        for path in files
        if not path.stem.endswith("_twins") and "cli" not in path.parts
    }


def _problems(trees: Iterable[ast.Module]) -> set[str]:
    """Names of the errors that are answered as problems."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    names: set[str] = {"StockMlopsError"}
    while True:
        more = {item.name for item in classes if names & {base.id for base in item.bases if isinstance(base, ast.Name)}}
        if more <= names:
            return names
        names |= more


def _said_among(nodes: Iterable[ast.AST], speakers: set[str]) -> Iterator[ast.expr]:
    for node in nodes:
        match node:
            # A text is the first thing that an error is made of; the reason of an outage is the second.
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in {*speakers, "__init__"}:
                yield from node.args[:2]
                yield from (item.value for item in node.keywords if item.arg == "error")


def _assigned(nodes: Iterable[ast.AST]) -> Texts:
    """What names stand for, where that is written among ``nodes``."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _templates(node: ast.expr, known: Texts) -> list[str]:
    """The texts that an expression may be; none where it is written elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return _joined([_part(part, known) for part in parts])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined([_templates(left, known) or ["{}"], _templates(right, known) or ["{}"]])
        case ast.IfExp(body=body, orelse=orelse):
            return _templates(body, known) + _templates(orelse, known)
        case ast.Name(id=name) if name in known:
            return [text for value in known[name] for text in _templates(value, {})]
    return []


def _part(part: ast.expr, known: Texts) -> list[str]:
    """A value in a text: one of several texts where it chooses between them, else any."""
    if isinstance(part, ast.FormattedValue):
        return (isinstance(part.value, ast.IfExp) and _templates(part.value, known)) or ["{}"]
    return _templates(part, known)


def _joined(parts: list[list[str]]) -> list[str]:
    return ["".join(chosen) for chosen in product(*parts)]


def _is_sentence(text: str) -> bool:
    words = text.replace("{}", "")
    return " " in words.strip() and any(letter.islower() for letter in words)
