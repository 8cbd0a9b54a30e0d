"""No code of affekt unpickles: not by itself, and not through NumPy, pandas or PyTorch."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT

MODULES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve"}
FOLDERS = ("src", "scripts", "benchmarks")


def _is(value: ast.expr | None, wanted: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is wanted


def unpickling(source: str) -> Iterator[int]:
    """Lines that unpickle, or might."""
    for node in ast.walk(ast.parse(source)):
        imported: list[str] = []
        if isinstance(node, ast.Import):
            imported = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [node.module or ""]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            careless = (owner, node.func.attr) == ("torch", "load") and not _is(
                given.get("weights_only"), True
            )
            allowed = "allow_pickle" in given and not _is(given["allow_pickle"], False)
            if careless or allowed or node.func.attr == "read_pickle":
                yield node.lineno
        if any(name.split(".")[0] in MODULES for name in imported):
            yield node.lineno


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "np.load(f, allow_pickle=True)",
        "pd.read_pickle(f)",
    ],
)
def test_it_is_seen(source: str) -> None:
    assert list(unpickling(source)) == [1]


@pytest.mark.parametrize(
    "source", ["import json", "torch.load(f, weights_only=True)", "np.load(f)", "json.load(f)"]
)
def test_what_is_safe_is_let_through(source: str) -> None:
    assert not list(unpickling(source))


def test_none_of_ours_does() -> None:
    files = [path for folder in FOLDERS for path in sorted(Path(ROOT, folder).rglob("*.py"))]
    found = [f"{path}:{line}" for path in files for line in unpickling(path.read_text(encoding="utf-8"))]
    assert files
    assert not found
