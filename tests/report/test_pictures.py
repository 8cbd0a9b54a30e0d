"""Pictures as data URIs."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affekt.report.pictures import data_uri, png


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_png_keeps_every_pixel(height: int, width: int, seed: int) -> None:
    image = pytest.importorskip("PIL.Image")
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(image.open(io.BytesIO(png(picture)))), picture)


def test_png_refuses_what_is_no_picture() -> None:
    with pytest.raises(ValueError, match=r"must be \(H, W, 3\) uint8"):
        png(np.zeros((4, 4, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="must be"):
        png(np.zeros((4, 4, 4), dtype=np.uint8))


def test_data_uri_tells_png_from_jpeg() -> None:
    picture = png(np.zeros((2, 2, 3), dtype=np.uint8))
    assert data_uri(picture).startswith("data:image/png;base64,")
    assert base64.b64decode(data_uri(picture).split(",")[1]) == picture
    assert data_uri(b"\xff\xd8\xff\xd9") == "data:image/jpeg;base64,/9j/2Q=="
