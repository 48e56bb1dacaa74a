"""The running local profile, started once per test run on free ports with its data in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stock_local.testing import LocalStack, stack_environment


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A supervisor without any service yet: ``local_stack.require("kafka", "clickhouse")`` starts what a test needs."""
    stack = LocalStack(stack_environment(tmp_path_factory.mktemp("stack")))
    yield stack
    stack.close()


@pytest.fixture(scope="session")
def servers(local_stack: LocalStack) -> LocalStack:
    """The stack with its databases, broker and S3 running, but none of our services."""
    local_stack.require_servers()
    return local_stack


@pytest.fixture(scope="session")
def stack(local_stack: LocalStack) -> LocalStack:
    """The stack with everything running."""
    local_stack.require()
    return local_stack


@pytest.fixture(scope="session")
def sample_loaded(stack: LocalStack) -> None:
    """The sample's prices are in the warehouse, loaded by a flow run."""
    done = stack.cli("etl", "--source", "sample")
    assert done.returncode == 0, done.stdout + done.stderr
