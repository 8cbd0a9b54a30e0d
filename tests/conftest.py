"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import affekt

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and clips that lies beside the checkout; tests are skipped where it is absent."""
    folder = Path(os.environ.get("AFFEKT_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        message = f"{folder} is not there: set AFFEKT_SHARED to the folder with clips/ and data/"
        if os.environ.get("AFFEKT_REQUIRE_SHARED") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The default bundle; AFFEKT_TEST_MODEL names another bundle to test."""
    from affekt.runtime.bundle import installed

    other = os.environ.get("AFFEKT_TEST_MODEL")
    return Path(other) if other else installed()["default"]


@pytest.fixture(scope="session")
def model(model_folder: Path) -> affekt.Model:
    """The bundle, loaded once for all tests."""
    return affekt.load_model(model_folder, threads=1)


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A synthetic corpus and what it was prepared into, made once; nobody writes into the former."""
    from prepared import make

    return make(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def small_prepared(small_corpus: tuple[Path, Path]) -> Path:
    """The prepared clips of `small_corpus`."""
    return small_corpus[1]
