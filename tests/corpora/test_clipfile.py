"""The file of a prepared clip: what safetensors reads too, the same bytes each time, and damage is seen."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from affekt.corpora.prepared.clipfile import ClipWriter, open_clip
from affekt.errors import AffektError, CorpusError, OutputError

ROWS = np.arange(24, dtype=np.float32).reshape(6, 4)


def write(path: Path, cut: int = 6) -> Path:
    """A small file, its rows added in pieces of `cut`."""
    with ClipWriter(path.parent) as writer:
        for start in range(0, 6, cut):
            part = slice(start, start + cut)
            writer.add(a=ROWS[part], b=np.arange(6)[part] % 2 == 0, c=np.arange(6)[part])
        writer.save(path, {"name": "Größe", "frames": 6})
    return path


def test_others_read_it_too(tmp_path: Path) -> None:
    with safe_open(write(tmp_path / "x.safetensors"), "numpy") as file:
        np.testing.assert_array_equal(file.get_tensor("a"), ROWS)
        assert file.get_tensor("b").tolist() == [True, False] * 3
        assert file.get_tensor("c").tolist() == [0, 1, 2, 3, 4, 5]
        assert "Größe" in file.metadata()["affekt"]


def test_rows(tmp_path: Path) -> None:
    file = open_clip(write(tmp_path / "x"))
    assert file.about["name"] == "Größe"
    np.testing.assert_array_equal(file.rows("a"), ROWS)
    np.testing.assert_array_equal(file.rows("a", 2, 3), ROWS[2:5])
    assert file.rows("c", 4, 9).tolist() == [4, 5]
    assert file.rows("a", 9, 2).shape == (0, 4)
    file.verify()


@pytest.mark.parametrize("cut", [1, 4, 6])
def test_the_same_bytes_however_they_came(tmp_path: Path, cut: int) -> None:
    assert write(tmp_path / "x", cut).read_bytes() == write(tmp_path / "y").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["x", "y"]


def test_rows_of_another_kind_are_a_mistake(tmp_path: Path) -> None:
    with ClipWriter(tmp_path) as writer:
        writer.add(a=ROWS)
        with pytest.raises(ValueError, match="after <f4"):
            writer.add(a=ROWS.astype(np.int64))


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "gone") as writer, pytest.raises(OutputError, match="cannot be written"):
        writer.add(a=ROWS)


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path / "x")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorpusError, match="is damaged"):
        open_clip(path).verify()


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_damage_ends_in_one_line_or_in_nothing(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("damage") / "x")
    content = bytearray(path.read_bytes())
    kind = data.draw(st.sampled_from(["cut", "byte", "grown"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if kind == "cut":
        del content[place:]
    elif kind == "byte":
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        content[place:place] = data.draw(st.binary(min_size=1, max_size=9))
    path.write_bytes(content)
    try:
        file = open_clip(path)
        file.verify()
        assert all(len(file.rows(name)) == shape[0] for name, (_, shape, _) in file.arrays.items())
    except AffektError as error:
        assert str(path) in str(error) and "\n" not in str(error)
