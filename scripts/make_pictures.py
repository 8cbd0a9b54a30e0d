"""Make the pictures in the docs: open affekt's pages in headless Chromium, take a screenshot.

    .venv/bin/python scripts/make_pictures.py [--model NAME]   docs/report.png: the demo's report
    .venv/bin/python scripts/make_pictures.py --corpus DIR     docs/inspection.png: what a corpus holds

Needs Chromium. The picture in the docs is of `affekt synthesize DIR --pairs 32 --seconds 161 --seed 2021`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import affekt

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "examples" / "demo.mp4"
MOMENT = 5.2
"""Seconds into the demo at which the page is shown."""
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
]


def screenshot(page: str, picture: Path, width: int, height: int) -> None:
    """Take a picture of a page as a window of that size shows it."""
    browser = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
    if browser is None:
        raise SystemExit("there is no Chromium here; install it and run again")
    with tempfile.TemporaryDirectory() as profile:
        options = [
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            "--virtual-time-budget=4000",
        ]
        subprocess.run(
            [browser, *QUIET, *options, f"--screenshot={picture}", page], check=True, capture_output=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="default")
    parser.add_argument("--corpus", type=Path, metavar="DIR")
    given = parser.parse_args()
    picture = ROOT / "docs" / ("inspection.png" if given.corpus else "report.png")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        if given.corpus:
            corpus = given.corpus.resolve()
            inspect = [sys.executable, "-m", "affekt", "corpus", "inspect", corpus.name, "--page", page]
            subprocess.run(inspect, check=True, cwd=corpus.parent)
            screenshot(page.as_uri(), picture, 1200, 1500)
        else:
            save_report(given.model, page)
            screenshot(f"{page.as_uri()}#t={MOMENT}", picture, 1280, 2080)
    print(f"wrote {picture}")


def save_report(model: str, page: Path) -> None:
    prediction = affekt.load_model(model).predict(DEMO)
    # Without a film to load, the page shows its stills, and the picture does not depend on a video decoder.
    prediction.info["source"] = None
    prediction.save_report(page)


if __name__ == "__main__":
    main()
