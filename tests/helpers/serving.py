"""A dashboard with assets of its own, which tests attack."""

import hashlib
import http.client
import re
import shutil
import socket
import threading
import uuid

from websockets.sync.client import connect

from innovation_abm.dashboards import assets


def digest(folder):
    """Fingerprint all names and contents below a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path.relative_to(folder)} {path.is_dir()}".encode())
        found.update(b"" if path.is_dir() else path.read_bytes())
    return found.hexdigest()


def copied_assets(place):
    """Copy the assets that the page loads, and put something beside them."""
    folder, copy = assets.assets_folder(), place / "cdn"
    for package in ("requirejs@2.3.6", "font-awesome@4.5.0", "@widgetti/solara-vuetify-app@10.1.1"):
        ignored = shutil.ignore_patterns("*.map", "*7.min.js", "*7.js", "*app8.js")
        shutil.copytree(folder / package, copy / package, ignore=ignored)
    (copy / "evil@1.0.0").mkdir()
    (copy / "evil@1.0.0" / "page.html").write_text("<script>alert(1)</script>")
    (place / "secret.js").write_text("secret")
    (copy / "requirejs@2.3.6" / "link.js").symlink_to(place / "secret.js")
    return copy


class Served:
    """A dashboard that runs, and what it said."""

    def __init__(self, process, url, folder):
        self.process, self.url, self.folder = process, url, folder
        self.port = int(re.search(r":(\d+)/", url)[1])
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        self.lines.extend(self.process.stdout)

    def ask(self, method, path, **headers):
        """Return status, headers and content; the path is sent as it is."""
        lines = {"Host": f"localhost:{self.port}", "Connection": "close"}
        lines |= {name.replace("_", "-"): text for name, text in headers.items()}
        request = [
            f"{method} {path} HTTP/1.1",
            *(f"{name}: {text}" for name, text in lines.items()),
        ]
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
            connection.sendall("\r\n".join([*request, "", ""]).encode("latin-1"))
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def connect(self, kernel=None, tab="tab", session="session", origin=None):
        kernel = uuid.uuid4() if kernel is None else kernel
        return connect(
            f"ws://localhost:{self.port}/jupyter/api/kernels/{kernel}/channels?session_id={tab}",
            origin=f"http://localhost:{self.port}" if origin is None else origin or None,
            additional_headers={"Cookie": f"solara-session-id={session}"},
            max_size=None,
        )
