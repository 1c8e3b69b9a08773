"""How the page is reached: its names and path, a real proxy, frames, and what a check is told."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browsing import Tabs, chromium, running, shown
from places import ROOT
from serving import Served

from innovation_abm import __version__
from innovation_abm.dashboards.hosting import hosting
from innovation_abm.errors import InnovationAbmError

PLAIN = {
    "network": False,
    "names": (),
    "base": "",
    "embedders": (),
    "most_tabs": 100,
    "most_megabytes": 4_000,
}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"names": ["https://ideas.example.org"]}, "without scheme, port or path"),
        ({"names": ["ideas.example.org:80"]}, "--allowed-host ideas.example.org:80: must be"),
        ({"names": ["*"]}, "a name such as ideas.example.org"),
        ({"names": [""]}, "--allowed-host"),
        ({"base": "ideas"}, "--base-path ideas: must be a path such as /ideas"),
        ({"base": "/a//b"}, "--base-path"),
        ({"base": "/../up"}, "--base-path"),
        ({"base": '/a"b'}, "--base-path"),
        ({"base": "/a b"}, "--base-path"),
        ({"embedders": ["slides.example.org"]}, "an origin such as https://slides.example.org"),
        ({"embedders": ["https://a.example/talk"]}, "--embed-in https://a.example/talk"),
        ({"embedders": ["https://a.example; script-src *"]}, "--embed-in"),
        ({"most_tabs": 0}, "--max-tabs 0: must be at least 1"),
        ({"most_megabytes": -1}, "--max-memory -1: must be at least 0"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(given, said):
    with pytest.raises(InnovationAbmError, match=re.escape(said)):
        hosting(**PLAIN | given)


def test_names_and_paths_are_spelt_in_one_way():
    found = hosting(**PLAIN | {"names": ["Ideas.Example.org"], "base": "/talks/ideas/"})
    assert found.public("https://ideas.example.org:8443") == (
        "https://ideas.example.org:8443/talks/ideas/"
    )
    assert found.public("https://elsewhere.example.org") == ""
    assert hosting(**PLAIN | {"base": "/"}).base == ""


@pytest.mark.parametrize("host", ["192.168.1.5:8080", "10.0.0.2", "[fd00::5]:8765"])
def test_phones_are_sent_to_the_address_that_opened_the_page_on_the_network(host):
    origin = f"http://{host}"
    assert hosting(**PLAIN | {"network": True, "base": "/a"}).public(origin) == f"{origin}/a/"
    assert hosting(**PLAIN).public(origin) == ""


@pytest.mark.parametrize(
    "origin",
    [
        *("http://localhost:8765", "http://127.0.0.1:8765", "http://127.9.9.9", "http://[::1]:80"),
        *("http://0.0.0.0:8765", "http://[::ffff:7f00:1]", "http://laptop", "null", "", "http://["),
    ],
)
def test_phones_are_not_sent_to_what_only_this_machine_can_open(origin):
    assert hosting(**PLAIN | {"network": True}).public(origin) == ""


@pytest.fixture(scope="module")
def behind():
    """A dashboard that says it is behind a proxy, reached without one."""
    options = ("--base-path", "/talks/ideas", "--embed-in", "http://127.0.0.1:1", "--max-tabs", "1")
    with running(*options) as (process, url):
        yield Served(process, f"{url}talks/ideas/", None)


@pytest.mark.parametrize("base", ["", "/talks/ideas"])  # a proxy may remove it, or not
def test_everything_is_below_the_base_path(behind, base):
    status, headers, content = behind.ask("GET", f"{base}/")
    assert status == 200
    assert "frame-ancestors http://127.0.0.1:1" in headers["content-security-policy"]
    assert "x-frame-options" not in headers
    assert "Path=/talks/ideas/" in headers["set-cookie"]
    for path in re.findall(rb'(?:src|href)="(/[^"]+)"', content):
        assert path.startswith(b"/talks/ideas/")
        below = path.decode().removeprefix("/talks/ideas")
        assert behind.ask("GET", base + below)[0] == 200
    assert behind.ask("GET", f"{base}/static/assets/favicon.svg")[1]["x-frame-options"] == "DENY"


def test_a_check_learns_that_the_server_is_there_and_starts_nothing(behind):
    before = json.loads(behind.ask("GET", "/resourcez")[2])["kernels"]
    for path in ("/health", "/talks/ideas/health"):
        status, headers, content = behind.ask("GET", path)
        assert (status, json.loads(content)) == (200, {"status": "ok", "version": __version__})
        assert headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers
    assert json.loads(behind.ask("GET", "/resourcez")[2])["kernels"] == before


def test_the_base_path_without_its_slash_leads_to_the_page_with_its_link(behind):
    status, headers, _ = behind.ask("GET", "/talks/ideas?lang=fr")
    assert (status, headers["location"]) == (308, "/talks/ideas/?lang=fr")
    assert behind.ask("GET", "/talks/ideasx")[0] == 404


def checked_as_in_a_container(port):
    """Return the status of the container's health check, where a proxy is set, as is usual."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", "")
    (command,) = re.findall(r"^HEALTHCHECK .*?CMD (.*)$", text, re.MULTILINE)
    assert "8765" in command
    folder = os.path.dirname(sys.executable)
    alone = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "http_proxy": "http://localhost:9",
    }
    command = command.replace("8765", str(port))
    return subprocess.run(command, shell=True, env={**os.environ, **alone}, capture_output=True)


def test_a_container_is_healthy_as_long_as_its_server_answers(behind):
    assert checked_as_in_a_container(behind.port).returncode == 0
    assert checked_as_in_a_container(free_port()).returncode == 1


# --- a real proxy ---------------------------------------------------------------------------------

KIT = ROOT / "docs" / "hosting.md"
NAME = "ideas.localhost"
"""Browsers find such names on this machine, without asking anybody."""
AROUND = """
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off; include /etc/nginx/mime.types;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
{shown}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def nginx(folder, port, dashboard):
    """Run nginx as the documents show it, for a dashboard on another port."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no nginx found; on Debian and Ubuntu: apt-get install nginx-light")
    (text,) = re.findall(r"```nginx\n(.*?)```", KIT.read_text(encoding="utf-8"), re.DOTALL)
    text = text.replace("listen 80", f"listen 127.0.0.1:{port}").replace("8765", str(dashboard))
    text = text.replace("ideas.example.org", NAME)
    file = folder / "nginx.conf"
    file.write_text(AROUND.format(folder=folder, shown=text), encoding="utf-8")
    with subprocess.Popen([program, "-p", folder, "-c", file]) as process:
        try:
            wait_for(lambda: connects(port))
            yield
        finally:
            process.terminate()


def connects(port):
    with closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.browser
@pytest.mark.slow
def test_a_room_works_through_nginx(tmp_path, compiled):
    port = free_port()
    options = ("--allowed-host", NAME, "--base-path", "/ideas")
    address = f"http://{NAME}:{port}/ideas/"
    with chromium() as browser, running(*options) as (_, own):
        local = int(own.rstrip("/").rpartition(":")[2])
        with nginx(tmp_path, port, local), Tabs(browser, address) as tabs:
            page = shown(tabs.open(), f"{address}?lang=en")
            page.locator("[data-lever=risk_aversion][role=slider]").focus()
            page.keyboard.press("Home")
            page.wait_for_selector(".ia-change")
            page.goto(f"{address}?lang=en&guide=clay-layer&panel=guide")
            page.get_by_text("Let phones vote").click()
            invited = page.locator(".ia-address").inner_text()
            assert invited.startswith(f"{address}vote/")
            phone = tabs.open()
            phone.goto(invited)
            page.get_by_text("Phones here: 1 ").wait_for()
            with page.context.expect_page() as opened:
                page.get_by_text("Open the presenter's window").click()
            assert opened.value.url.startswith(f"{address}presenter/")
            opened.value.get_by_text("Next:").click()
            phone.locator("#options button").nth(1).click()
            phone.get_by_text("Your vote is in").wait_for()
            page.get_by_text("votes: 1").wait_for()


class Slides(SimpleHTTPRequestHandler):
    """Slides that show the dashboard in a frame."""

    def __init__(self, address, *given):
        self.address = address
        super().__init__(*given)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<iframe width=1366 height=768 src="{self.address}"></iframe>'.encode())

    def log_message(self, *_):
        pass


@contextmanager
def slides(address):
    """Serve slides; yield their origin, which is of another site than `localhost`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Slides, address)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("allowed", [True, False])
def test_slides_show_the_page_only_if_they_are_named(allowed, compiled):
    port = free_port()
    with chromium() as browser, slides(f"http://localhost:{port}/?lang=en") as origin:
        options = ("--embed-in", origin if allowed else "http://127.0.0.1:1")
        with running(f"--port={port}", *options):
            page = browser.new_page()
            page.goto(origin)
            frame = page.frame_locator("iframe")
            if allowed:
                frame.locator(".ia-large b").wait_for(timeout=120_000)
                (cookie,) = page.context.cookies(f"http://localhost:{port}/")
                assert cookie["sameSite"] == "None"
            else:
                page.wait_for_timeout(2_000)
                assert not frame.locator(".ia-page").count()
            page.close()
