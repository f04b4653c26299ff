from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stack import running_stack
from tools.stack.stack import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One real stack for all tests of a file; each creates its own sessions."""
    with running_stack(tmp_path_factory.mktemp("stack"), speed=60) as running:
        yield running
