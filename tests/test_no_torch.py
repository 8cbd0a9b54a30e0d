"""Predicting needs neither PyTorch nor a network, and unpickles nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import affekt

EXAMPLES = Path(__file__).parents[1] / "examples"

BARE = """
    import sys

    EXTRAS = ["torch", "transformers", "onnx", "lightning_fabric", "scipy", "PIL", "pyarrow", "matplotlib"]

    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in EXTRAS:
                raise ImportError(f"{name} is not installed")

    def watch(event, arguments):
        if event.partition(".")[0] in ("socket", "urllib", "http", "ftplib", "smtplib"):
            raise RuntimeError(f"{event} {arguments}")
        if event == "pickle.find_class":
            raise RuntimeError(f"unpickled: {arguments}")

    sys.meta_path.insert(0, Blocker())
    sys.addaudithook(watch)

    from affekt.cli import affekt

    affekt(sys.argv[1:], standalone_mode=False)
    print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def predict_bare(folder: Path, model_folder: Path, formats: str) -> set[str]:
    """Predict the demo where extras and sockets are blocked; the packages that were loaded."""
    home = folder / "home"
    home.mkdir()
    # Without ORT_…, which affekt sets by itself, and with no home but an empty one.
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "XDG_", "TORCH", "ORT_", "CI", "GITHUB_"))
    }
    words = [EXAMPLES / "demo.mp4", "--model", model_folder.absolute(), "--format", formats, "--threads", "1"]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BARE), *map(str, words)],
        cwd=folder,
        env={**env, "HOME": str(home), "PYTHONPATH": str(Path(affekt.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert (done.returncode, done.stderr) == (0, "")
    # ONNX Runtime's telemetry would keep an identifier and its unsent events here, as would a download.
    assert list(home.rglob("*")) == []
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_predict_without_torch_and_network(model_folder: Path, tmp_path: Path) -> None:
    loaded = predict_bare(tmp_path, model_folder, "csv")
    assert (tmp_path / "affekt-out" / "demo.csv").is_file()
    assert {"av", "onnxruntime", "numpy"} <= loaded
    # pandas and rich are installed, but would take longer to load than the rest together.
    assert not loaded & {"torch", "transformers", "onnx", "pandas", "rich", "pyarrow", "huggingface_hub"}


def test_reports_without_torch_and_network(model_folder: Path, tmp_path: Path) -> None:
    loaded = predict_bare(tmp_path, model_folder, "json,html")
    assert (tmp_path / "affekt-out" / "demo.html").stat().st_size > 50_000
    assert not loaded & {"torch", "transformers", "onnx"}


def test_telemetry_is_off_even_if_onnxruntime_came_first() -> None:
    script = """
import onnxruntime, os
calls = []
onnxruntime.disable_telemetry_events = lambda: calls.append(1)
import affekt
assert calls == [1] and os.environ["ORT_DISABLE_TELEMETRY"] == "1"
"""
    env = {**os.environ, "PYTHONPATH": str(Path(affekt.__file__).parents[1]), "ORT_DISABLE_TELEMETRY": "1"}
    subprocess.run([sys.executable, "-c", script], env=env, check=True, timeout=250)
