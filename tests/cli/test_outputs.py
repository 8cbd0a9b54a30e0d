"""Which files are read, and what the outputs are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affekt.cli.outputs import find_inputs, name_outputs, output_folder, spare_inputs
from affekt.errors import MediaError, OutputError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_of_a_folder_recordings_and_lone_transcripts_are_taken(tmp_path: Path) -> None:
    touch(tmp_path, "b.MP4", "a.wav", "b.srt", "alone.vtt", "notes.txt", ".hidden.mp4", "deeper/c.mp4")
    assert [path.name for path in find_inputs([tmp_path])] == ["a.wav", "b.MP4", "alone.vtt"]


def test_what_is_named_is_taken_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "b.mp4", "a.mp4")
    monkeypatch.chdir(tmp_path)
    named = [Path("b.mp4"), Path("no-such.xyz"), Path("a.mp4"), Path("b.mp4").absolute()]
    found = find_inputs([*named, Path()])
    assert [path.name for path in found] == ["b.mp4", "no-such.xyz", "a.mp4"]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(MediaError, match="no recording in this folder"):
        find_inputs([tmp_path])


def test_a_folder_that_cannot_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def iterdir(path: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(MediaError, match=r"cannot be looked into \(Permission denied\)"):
        find_inputs([tmp_path])


def test_a_name_too_long_for_the_system_is_left_to_the_reader() -> None:
    path = Path("x" * 5000)
    assert find_inputs([path]) == [path]


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        (["talk.mp4"], ["talk"]),
        (["a/talk.mp4", "a/other.wav"], ["talk", "other"]),
        (["talk.mp4", "talk.wav", "other.wav"], ["talk.mp4", "talk.wav", "other"]),
        (["a/talk.mp4", "b/talk.mp4"], ["a_talk.mp4", "b_talk.mp4"]),
        (["a/talk.mp4", "b/talk.wav"], ["talk.mp4", "talk.wav"]),
        (["Talk.mp4", "talk.wav"], ["Talk.mp4", "talk.wav"]),
        (["x/a/talk.mp4", "y/a/talk.mp4"], ["a_talk.mp4", "a_talk.mp4_2"]),
        (["a/Talk.mp4", "a/talk.mp4"], ["a_Talk.mp4", "a_talk.mp4_2"]),
        # The third one's stem is the first one's name.
        (["a/talk.mp4", "a/talk.wav", "a/talk.mp4.mov"], ["a_talk.mp4", "talk.wav", "a_talk.mp4.mov"]),
    ],
)
def test_names(inputs: list[str], names: list[str]) -> None:
    assert list(name_outputs([Path(one) for one in inputs]).values()) == names


PART = st.text("aAbB.", min_size=1, max_size=3).filter(lambda text: text not in (".", ".."))


@given(st.lists(st.builds("{}/{}.{}".format, PART, PART, st.sampled_from(["mp4", "wav"])), unique=True))
def test_names_never_clash(inputs: list[str]) -> None:
    paths = list(dict.fromkeys(map(Path, inputs)))
    names = name_outputs(paths)
    assert list(names) == paths
    assert len({name.casefold() for name in names.values()}) == len(paths)
    assert not any("/" in name for name in names.values())


def test_inputs_and_found_transcripts_are_spared(tmp_path: Path) -> None:
    touch(tmp_path, "talk.mp4", "plain.mp4")
    (tmp_path / "talk.json").write_text('{"segments": [{"start": 0, "end": 1, "text": "hello"}]}')
    (tmp_path / "plain.json").write_text('{"format": "affekt-prediction-1"}')
    for name in ("talk", "plain"):
        spare_inputs([tmp_path / f"{name}.mp4"], [tmp_path / f"{name}.csv"])
    plain, talk = (tmp_path / f"{name}.mp4" for name in ("plain", "talk"))
    spare_inputs([plain], [tmp_path / "plain.json"])
    with pytest.raises(OutputError, match=r"talk\.json: would take the place of what is read"):
        spare_inputs([talk], [tmp_path / "talk.json"])
    os.symlink(tmp_path, tmp_path / "other")
    with pytest.raises(OutputError, match="would take the place"):
        spare_inputs([tmp_path / "said.csv"], [tmp_path / "other" / "said.csv"])


def test_nothing_is_written_into_a_folder_that_is_read(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    touch(corpus, "labels/Train_01.csv")
    for name in ("corpus/labels/Train_01.csv", "corpus/new.html", "corpus/new/deeper.csv", "corpus"):
        with pytest.raises(OutputError, match=r"lies in .*corpus, which is read; give a name outside of it"):
            spare_inputs([corpus], [tmp_path / name])
    spare_inputs([corpus], [tmp_path / "corpus.html", tmp_path / "corpus 2" / "a.csv"])


def test_a_folder_that_stays_empty_is_taken_away(tmp_path: Path) -> None:
    with output_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_or_is_filled_stays(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with output_folder(tmp_path / "old"):
        pass
    with output_folder(tmp_path / "new"):
        touch(tmp_path, "new/talk.csv")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["new", "old"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["talk.csv"]


@pytest.mark.parametrize("name", ["file", "file/deeper"])
def test_a_file_is_no_folder(name: str, tmp_path: Path) -> None:
    touch(tmp_path, "file")
    with pytest.raises(OutputError, match=f"{name}: cannot be made .*--out"), output_folder(tmp_path / name):
        pass
    assert (tmp_path / "file").is_file()


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("affekt.timeline.files.os.open", refuse)
    with pytest.raises(OutputError, match="Permission denied"), output_folder(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []
