"""The order of the modules: those that need few servers come first, since whatever runs costs all later tests CPU."""

from __future__ import annotations

import pytest

# Each of these fixtures starts more than the one before it; what no test asked for does not run yet.
_LEVELS = ("local_stack", "servers", "stack")


def _needs(item: pytest.Item) -> int:
    names = getattr(item, "fixturenames", ())
    return max((level for level, name in enumerate(_LEVELS, start=1) if name in names), default=0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs: dict[str, int] = {}
    for item in items:
        module = item.nodeid.partition("::")[0]
        needs[module] = max(needs.get(module, 0), _needs(item))
    items.sort(key=lambda item: needs[item.nodeid.partition("::")[0]])
