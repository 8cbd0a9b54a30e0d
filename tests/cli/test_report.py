"""`affekt report NAME.json`: the page of a saved prediction again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from cli.conftest import Run, write_sound


def test_the_page_again_is_the_same_page(run: Run, sound: Path) -> None:
    assert run(sound, "--format", "json,html").exit_code == 0
    page = Path("affekt-out/talk.html")
    first = page.read_text(encoding="utf-8")
    pages = []
    for _ in range(2):
        page.unlink()
        result = run("report", "affekt-out/talk.json")
        assert (result.exit_code, result.stdout) == (0, f"wrote {page}\n")
        pages.append(page.read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    # JSON rounds to six decimals, so the curves, and they alone, may differ by a hair.
    assert without_curves(pages[0]) == without_curves(first)


def without_curves(page: str) -> str:
    return re.sub(
        r'(<script type="application/json" id="data">).*?(</script>)', r"\1\2", page, flags=re.DOTALL
    )


def test_the_recording_is_linked_wherever_both_move(run: Run, sound: Path, tmp_path: Path) -> None:
    assert run(sound, "--format", "json").exit_code == 0
    shutil.move(tmp_path, moved := tmp_path.with_name(f"{tmp_path.name}-moved"))
    try:
        assert run("report", moved / "affekt-out" / "talk.json").exit_code == 0
        assert 'href="./../talk.wav"' in (moved / "affekt-out" / "talk.html").read_text(encoding="utf-8")
        (moved / "talk.wav").unlink()
        assert run("report", moved / "affekt-out" / "talk.json").exit_code == 0
        assert "talk.wav</a>" not in (moved / "affekt-out" / "talk.html").read_text(encoding="utf-8")
    finally:
        shutil.move(moved, tmp_path)


def test_out_and_clashing_names(run: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        sound = write_sound(tmp_path / folder / "talk.wav", 0.3)
        run(sound, "--format", "json", "--out", folder)
    assert run("report", "a/talk.json", "b/talk.json", "--out", "pages").exit_code == 0
    names = sorted(path.name for path in Path("pages").iterdir())
    assert names == ["a_talk.json.html", "b_talk.json.html"]


def test_a_bad_one_alone_and_among_others(run: Run, sound: Path) -> None:
    run(sound, "--format", "json", "--out", ".")
    Path("bad.json").write_text('{"format": "something else"}')
    result = run("report", "bad.json", "--out", "pages")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and "bad.json" in result.stderr
    assert not Path("pages").exists()
    result = run("report", "bad.json", "no-such.json", "talk.json", "--out", "pages")
    assert result.exit_code == 1 and "2 of 3 files failed:" in result.stderr
    assert [path.name for path in Path("pages").iterdir()] == ["talk.html"]
