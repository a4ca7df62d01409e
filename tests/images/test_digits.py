"""The data sets' images, as pages show them."""

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


def opened(file: bytes) -> np.ndarray:
    """The values of a picture with unfiltered rows, height × width × channels; its checksums must be right."""
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


def test_an_image_is_the_one_of_that_number_from_black_to_white(client, digits):
    response = client.get("/images/digits/test/7.png")

    assert response["Content-Type"] == "image/png"
    assert (opened(response.content)[:, :, 0] == np.asarray(digits.test_images[7], int) * 255 // 16).all()
    assert opened(client.get("/images/digits/train/1436.png").content).shape == (8, 8, 1)


def test_an_image_may_be_kept_for_ever(client, digits):
    assert client.get("/images/digits/test/0.png")["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path", ["digits/test/360.png", "digits/test/99999999999999999999.png", "digits/secret/1.png", "mnist-2/test/1.png"]
)
def test_what_is_not_there_is_not_found(client, digits, path):
    response = client.get(f"/images/{path}")

    assert response.status_code == 404
    assert "immutable" not in response.get("Cache-Control", "")


def test_without_its_files_a_data_set_has_neither_images_nor_labels(client, tmp_path, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path))

    assert client.get("/images/mnist/test/0.png").status_code == 404
    assert labels("mnist") is None


def test_a_file_cut_short_has_no_images(client, digits, tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    whole = (store.data_home() / "digits" / TEST_IMAGES).read_bytes()
    (tmp_path / "digits" / TEST_IMAGES).write_bytes(whole[:-1])
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path))

    assert client.get("/images/digits/test/0.png").status_code == 404


def test_the_labels_are_those_that_models_are_scored_by(digits):
    assert list(labels("digits") or b"") == digits.test_labels.tolist()
    assert list(labels("digits", "train") or b"") == digits.train_labels.tolist()


def test_a_picture_holds_what_was_drawn():
    assert opened(png(bytes(range(6)), 3, 2))[:, :, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_strip_has_its_pictures_side_by_side_and_gaps_that_show_nothing():
    grey_and_alpha = opened(strip([bytes([9, 8]), bytes([7, 6])], 1, 2, gap=1))

    assert grey_and_alpha[:, :, 0].tolist() == [[9, 0, 7], [8, 0, 6]]
    assert grey_and_alpha[:, :, 1].tolist() == [[255, 0, 255], [255, 0, 255]]
