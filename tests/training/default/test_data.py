"""What the recipe needs is looked for before it trains for hours."""

from __future__ import annotations

from pathlib import Path

import pytest

from affekt.errors import CorpusError
from affekt.training.default import recipe
from affekt.training.default.data import NEEDED, look_over


def test_all_is_there(shared: Path) -> None:
    look_over(shared / "data")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in NEEDED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "speech.csv").write_text("path,corpus\na.flac,emodb\nb.flac,emodb\n")
    (tmp_path / "a.flac").touch()
    return tmp_path


def test_what_is_missing_is_named(data: Path) -> None:
    with pytest.raises(CorpusError, match=r"lacks b\.flac; docs/default\.md says what it has to hold$"):
        look_over(data)
    (data / "b.flac").touch()
    look_over(data)
    for name in ("ferplus/train.zip", "emobank/dev.csv", "speech.csv", "speech_coordinates.csv"):
        (data / name).unlink()
    said = r"lacks ferplus/train\.zip, emobank/dev\.csv, speech\.csv and 1 more; docs"
    with pytest.raises(CorpusError, match=said):
        look_over(data)


def test_nothing_is_trained_before_the_last_stage_has_its_data(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "b.flac").touch()
    for name in recipe.STAGES:
        monkeypatch.setitem(recipe.STAGES, name, lambda *_: pytest.fail("trained"))
    with pytest.raises(CorpusError, match="holds no action units"):
        recipe.run_stages(data, data / "run")
