"""Make the README's picture: predict the demo, open its report in headless Chromium, take a screenshot.

    .venv/bin/python scripts/make_pictures.py [--model NAME]

Needs Chromium. Writes docs/report.png.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
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
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "report.png")
    given = parser.parse_args()
    prediction = affekt.load_model(given.model).predict(DEMO)
    # Without a film to load, the page shows its stills, and the picture does not depend on a video decoder.
    prediction.info["source"] = None
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "demo.html"
        prediction.save_report(page)
        screenshot(f"{page.as_uri()}#t={MOMENT}", given.out, 1280, 2080)
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()
