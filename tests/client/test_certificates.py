"""The notebook client where a university has certificates of its own: a real TLS server, a real certificate."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mnist_quest import CannotReach, Quest

pytestmark = pytest.mark.slow


class EmptyFeed(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"results": [], "next": null}')

    def log_message(self, *about: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not installed")
    path = tmp_path / "ca.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key.pem", "-out", path]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return path


@pytest.fixture
def service(certificate) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), EmptyFeed)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.parent / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_certificate_of_an_unknown_authority_is_refused_with_advice(service):
    with pytest.raises(CannotReach, match=r"not trusted here.*verify='ca\.pem'"):
        Quest(service).feed()


def test_a_universitys_own_authority_is_trusted_by_its_file(service, certificate, monkeypatch):
    assert Quest(service, verify=certificate).feed() == []

    monkeypatch.setenv("QUEST_CA", str(certificate))
    assert Quest(service).feed() == []


def test_a_file_that_holds_no_certificate_is_named(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")

    with pytest.raises(CannotReach, match=r"ca\.pem cannot be read as PEM certificates"):
        Quest("https://localhost", verify=tmp_path / "ca.pem")
