"""Images of the data sets as PNG, and the labels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest

from submissions.images.idx_files import TEST_IMAGES, labels
from submissions.images.png import png, strip
from workers.datasets import store


@pytest.fixture
def digits(digits_home, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    return store.load("digits")


def decode(file: bytes) -> np.ndarray:
    """Pixels of a PNG without filters, `(height, width, channels) uint8`; checks its checksums."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    chunks = dict(chunks_of(file[8:]))
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    channels = {0: 1, 4: 2}[kind]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + width * channels)
    assert depth == 8
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, channels)


def chunks_of(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    while file:
        (length,) = struct.unpack(">I", file[:4])
        name, data = file[4:8], file[8 : 8 + length]
        assert struct.unpack(">I", file[8 + length : 12 + length])[0] == zlib.crc32(name + data)
        yield name, data
        file = file[12 + length :]


def test_the_url_of_an_image_serves_that_image_scaled_from_black_to_white(client, digits):
    response = client.get("/images/digits/test/7.png")

    assert response["Content-Type"] == "image/png"
    assert (decode(response.content)[:, :, 0] == np.asarray(digits.test_images[7], int) * 255 // 16).all()
    assert decode(client.get("/images/digits/train/1436.png").content).shape == (8, 8, 1)


def test_an_image_may_be_cached_forever(client, digits):
    assert client.get("/images/digits/test/0.png")["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path", ["digits/test/360.png", "digits/test/99999999999999999999.png", "digits/secret/1.png", "mnist-2/test/1.png"]
)
def test_an_image_that_does_not_exist_is_not_found(client, digits, path):
    response = client.get(f"/images/{path}")

    assert response.status_code == 404
    assert "immutable" not in response.get("Cache-Control", "")


def test_without_its_files_a_data_set_has_neither_images_nor_labels(client, tmp_path, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path))

    assert client.get("/images/mnist/test/0.png").status_code == 404
    assert labels("mnist") is None


def test_no_image_is_served_from_a_truncated_file(client, digits, tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    whole = (store.data_home() / "digits" / TEST_IMAGES).read_bytes()
    (tmp_path / "digits" / TEST_IMAGES).write_bytes(whole[:-1])
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path))

    assert client.get("/images/digits/test/0.png").status_code == 404


def test_the_labels_equal_those_used_for_scoring(digits):
    assert list(labels("digits") or b"") == digits.test_labels.tolist()
    assert list(labels("digits", "train") or b"") == digits.train_labels.tolist()


def test_a_png_holds_the_pixels_that_were_given():
    assert decode(png(bytes(range(6)), 3, 2))[:, :, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_strip_has_its_images_side_by_side_with_transparent_gaps():
    grey_and_alpha = decode(strip([bytes([9, 8]), bytes([7, 6])], 1, 2, gap=1))

    assert grey_and_alpha[:, :, 0].tolist() == [[9, 0, 7], [8, 0, 6]]
    assert grey_and_alpha[:, :, 1].tolist() == [[255, 0, 255], [255, 0, 255]]
