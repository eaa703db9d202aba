"""A real nginx in front of a server, as people put one there, started and cut from a test."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.writing import unused_port

PROGRAM = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
needs_nginx = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")

_CONFIGURATION = """
daemon off;
error_log stderr crit;
pid {folder}/pid;
{user}
worker_processes 1;
worker_shutdown_timeout 100ms;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    default_type text/html;
    location / {{
      if (-f {folder}/sign-in) {{ return 200 "<!doctype html><h1>Please sign in</h1>"; }}
      proxy_pass http://127.0.0.1:{target};
      {directives}
    }}
  }}
}}
"""


class Nginx:
    """A running nginx."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.port = port
        self._process = process
        self._sign_in = folder / "sign-in"

    def cut(self) -> None:
        """Load the configuration anew, by which all connections are broken off."""
        self._process.send_signal(signal.SIGHUP)

    def ask_to_sign_in(self, is_on: bool) -> None:
        """Answer everything with a page, as a proxy does whose session has run out."""
        if is_on:
            self._sign_in.touch()
        else:
            self._sign_in.unlink()


@contextmanager
def nginx(folder: Path, target_port: int, directives: str = "") -> Iterator[Nginx]:
    """Pass on to a port of 127.0.0.1; `directives` stand in the one location."""
    assert PROGRAM is not None
    folder.mkdir()
    port = unused_port()
    text = _CONFIGURATION.format(
        folder=folder,
        port=port,
        target=target_port,
        directives=directives,
        user="user root;" if os.geteuid() == 0 else "",  # else it may not look into the folder
    )
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen(
        [PROGRAM, "-p", str(folder), "-c", str(folder / "nginx.conf")],
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up_at = time.monotonic() + 10
        while not (folder / "pid").exists() or not (folder / "pid").read_text():
            assert process.poll() is None and time.monotonic() < give_up_at, "nginx does not start"
            time.sleep(0.01)
        yield Nginx(process, port, folder)
    finally:
        process.terminate()
        process.wait(timeout=10)
