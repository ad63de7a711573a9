"""Checkpoints that a test may change."""

import shutil
from pathlib import Path

import pytest

from tests.models.checkpoints import (
    save_family,
    save_nano,
)


@pytest.fixture
def nano(tmp_path: Path) -> Path:
    return save_nano(tmp_path)


@pytest.fixture(scope="module")
def saved_family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("family")
    save_family(folder)
    return folder


@pytest.fixture
def family(saved_family: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(saved_family, tmp_path / "family")
    return tmp_path / "family"
