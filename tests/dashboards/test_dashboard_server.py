"""The dashboard's server: what it answers, to whom, and what it drops."""

import asyncio
import base64
import hashlib
import json
import re
import socket
import struct
import sys
import time
import uuid
import zlib
from contextlib import suppress
from dataclasses import replace

import pytest
import uvicorn
from browsing import running
from hypothesis import given
from hypothesis import strategies as st
from serving import Served, copied_assets, digest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from innovation_abm import Organization, generate
from innovation_abm.dashboards import assets, server
from innovation_abm.dashboards.guard import Guard, is_own
from innovation_abm.dashboards.hosting import MOST_TABS, Hosting
from innovation_abm.dashboards.messages import (
    DEEPEST,
    MOST_BYTES,
    MOST_TEXT,
    BadMessage,
    check_message,
)
from innovation_abm.dashboards.offered import MOST_PEOPLE
from innovation_abm.dashboards.server import set_up_solara
from innovation_abm.dashboards.tab_memory import MOST_PACKED, Kept, pack, unpack
from innovation_abm.dashboards.uploading import MOST_MEGABYTES

# --- who may ask ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "alone", "network"),
    [
        ("localhost:8765", True, True),
        ("LOCALHOST", True, True),
        ("127.0.0.1", True, True),
        ("127.8.8.8:1", True, True),
        ("[::1]:80", True, True),
        ("192.168.1.7:8765", False, True),
        ("[fe80::1]:8765", False, True),
        (f"{socket.gethostname()}.local:8765", False, True),
        ("rebound.example:8765", False, False),
        (f"{socket.gethostname()}.example:8765", False, False),
        ("localhost.example", False, False),
        ("127.0.0.1.example", False, False),
        ("evil.example@localhost", False, False),
        ("localhost@evil.example", False, False),
        ("localhost:8765; script-src *", False, False),
        ("localhost:8765,evil.example", False, False),
        ("localhost/evil.example", False, False),
        ("localhost:port", False, False),
        ("0x7f.1", False, False),
        ("2130706433", False, False),
        ("", False, False),
        ("[::1", False, False),
    ],
)
def test_only_names_of_this_machine_are_answered(host, alone, network):
    assert is_own(host, network=False) == alone
    assert is_own(host, network=True) == network


def guarded(
    kind, method="GET", path="/", client="127.0.0.1", network=False, hosting=None, **headers
):
    """Return what a guard answers, ``"let through"`` or a status; headers with underscores."""
    answers = []

    async def answered(scope, receive, send):
        answers.append("let through")

    async def receive():
        return {}

    async def send(message):
        answers.append(message.get("status", message.get("code")))

    given = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": kind, "path": path, "headers": given, "client": client and (client, 50_000)}
    if kind == "http":
        scope["method"] = method
    scope["query_string"] = b""
    asyncio.run(Guard(answered, hosting or Hosting(network=network))(scope, receive, send))
    return answers[0]


OWN = "http://localhost:1"
LINK = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({}, "let through"),
        ({"origin": OWN}, "let through"),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:2"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": "moz-extension://localhost:1"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://[::1"}, 403),
        ({"origin": f"{OWN},http://evil.example"}, 403),
        ({"host": "evil.example:1", "origin": "http://evil.example:1"}, 421),
        ({"host": ""}, 421),
        ({"sec_fetch_site": "same-origin"}, "let through"),
        ({"sec_fetch_site": "none"}, "let through"),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "same-origin,cross-site"}, 403),
        ({"sec_fetch_site": ""}, 403),
        (LINK, "let through"),  # opened from a mail
        (LINK | {"sec_fetch_site": "same-site"}, "let through"),
        (LINK | {"sec_fetch_dest": "iframe"}, 403),
        (LINK | {"sec_fetch_dest": "embed"}, 403),
        (LINK | {"sec_fetch_dest": "image"}, 403),
        (LINK | {"sec_fetch_mode": "no-cors"}, 403),
        (LINK | {"path": "/vote/secret"}, "let through"),  # by an application that scans codes
        (LINK | {"path": "/play/secret"}, "let through"),
        (LINK | {"path": "/play/secret/events"}, 403),
        (LINK | {"path": "/presenter/secret"}, 403),
        (LINK | {"path": "/play/secret", "method": "POST", "origin": OWN}, 403),
        (LINK | {"path": "/resourcez"}, 403),
        (LINK | {"path": "/_solara/cdn/requirejs@2.3.6/require.js"}, 403),
        (LINK | {"method": "POST"}, 403),
        (LINK | {"method": "POST", "origin": OWN}, 403),
        ({"method": "POST"}, 403),
        ({"method": "DELETE"}, 403),
        ({"method": "POST", "origin": "null"}, 403),
        ({"method": "POST", "origin": OWN}, "let through"),
        ({"method": "POST", "origin": OWN, "sec_fetch_site": "cross-site"}, 403),
    ],
)
def test_only_pages_of_this_server_are_answered(asked, answer):
    assert guarded("http", **({"host": "localhost:1"} | asked)) == answer


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"origin": OWN}, "let through"),
        ({"origin": OWN, "sec_fetch_site": "same-origin"}, "let through"),
        ({}, 1008),
        ({"origin": "null"}, 1008),
        ({"origin": "http://evil.example"}, 1008),
        ({"origin": "http://localhost:2"}, 1008),
        ({"origin": OWN, "sec_fetch_site": "cross-site"}, 1008),
        ({"origin": OWN} | LINK, 1008),
        ({"host": "evil.example:1", "origin": "http://evil.example:1"}, 1008),
    ],
)
def test_only_pages_of_this_server_open_a_websocket(asked, answer):
    assert guarded("websocket", **({"host": "localhost:1"} | asked)) == answer


@pytest.mark.parametrize(
    ("path", "client", "answer"),
    [
        ("/resourcez", "192.168.1.9", 404),
        ("/resourcez/", "192.168.1.9", 404),
        ("/resourcez", None, 404),
        ("/resourcez", "127.0.0.1", "let through"),
        ("/resourcez", "::1", "let through"),
        ("/", "192.168.1.9", "let through"),
    ],
)
def test_how_the_server_does_is_told_to_no_other_machine(path, client, answer):
    assert guarded("http", path=path, client=client, network=True, host="192.168.1.7:1") == answer


BEHIND = Hosting(names=frozenset({"ideas.example.org"}), base="/ideas")
FRAMED = replace(BEHIND, embedders=("https://slides.example.org",))
NAMED = {"host": "ideas.example.org", "origin": "https://ideas.example.org"}
FRAME = LINK | {"sec_fetch_dest": "iframe"}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (NAMED, "let through"),
        (NAMED | {"host": "IDEAS.example.org"}, "let through"),
        (NAMED | {"host": "ideas.example.org:8080"}, 403),  # another origin
        ({"host": "other.example.org"}, 421),
        ({"host": "ideas.example.org.evil.example"}, 421),
        ({"host": "192.168.1.7"}, 421),
        (NAMED | {"origin": "https://slides.example.org"}, 403),
        (NAMED | {"path": "/ideas/static/main.js"}, "let through"),
        (NAMED | LINK | {"path": "/ideas/vote/abc"}, "let through"),
        (NAMED | LINK | {"path": "/ideas/presenter/abc"}, 403),
        ({"path": "/ideas"}, 308),
        ({"path": "/ideas"} | LINK, 308),
        ({"path": "/ideas/resourcez"}, "let through"),
        (NAMED | {"path": "/ideas/resourcez"}, 404),
        (NAMED | {"path": "/resourcez"}, 404),
        ({"path": "/resourcez", "x_forwarded_for": "192.0.2.7"}, 404),
        ({"path": "/ideas/resourcez", "via": "1.1 proxy"}, 404),
        (FRAME | {"path": "/ideas/"}, 403),
        (FRAME | {"path": "/ideas/", "hosting": FRAMED}, "let through"),
        (FRAME | {"path": "/ideas/vote/abc", "hosting": FRAMED}, 403),
        (FRAME | {"path": "/ideas/static/x.js", "hosting": FRAMED}, 403),
    ],
)
def test_behind_a_proxy_only_allowed_names_and_frames_are_answered(asked, answer):
    assert guarded("http", **({"host": "localhost:1", "hosting": BEHIND} | asked)) == answer


@pytest.mark.parametrize(("host", "local"), [("localhost:1", True), ("192.168.1.7:1", False)])
def test_headers_protect_every_answer(host, local):
    answers = []

    async def answered(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        answers.append(dict(message["headers"]))

    for origin in ([], [(b"origin", b"null")]):
        asked = {"type": "http", "method": "GET", "path": "/", "client": None}
        asked["headers"] = [(b"host", host.encode()), *origin]

        async def sent(message):
            if "headers" in message:
                await send(message)

        asyncio.run(Guard(answered, Hosting(network=True))(asked, None, sent))
    assert len(answers) == 2
    for headers in answers:
        assert headers[b"x-frame-options"] == b"DENY"
        assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
        assert (b"cross-origin-opener-policy" in headers) == local  # browsers complain of it else


# --- what is served -------------------------------------------------------------------------------

REQUIRE = "/_solara/cdn/requirejs@2.3.6/require.js"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = copied_assets(tmp_path_factory.mktemp("assets"))
    with running(**{assets.FOLDER: str(folder)}) as (process, url):
        yield Served(process, url, folder)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/?lang=fr", 200),
        ("/health", 200),
        ("/resourcez", 200),
        (REQUIRE, 200),
        ("/static/assets/favicon.svg", 200),
        ("/jupyter/nbextensions/anywidget/index.js", 200),
        ("/jupyter/api/kernels/0b4f4ab6-3a5c-4b0e-9d7f-5c3a1c2e4f60", 200),
        # folders, what is not there, and what somebody put there
        ("/_solara/cdn", 404),
        ("/_solara/cdn/", 404),
        ("/_solara/cdn/requirejs@2.3.6", 404),
        ("/_solara/cdn/requirejs@2.3.6/", 404),
        ("/_solara/cdn/@widgetti", 404),
        ("/_solara/cdn/lodash@4.17.21/lodash.js", 404),
        ("/_solara/cdn/requirejs@9.9.9/require.js", 404),
        ("/_solara/cdn/evil@1.0.0/page.html", 404),
        ("/_solara/cdn/requirejs@2.3.6/link.js", 404),
        # out of the folder
        ("/_solara/cdn/../../../pyproject.toml", 404),
        ("/_solara/cdn/%2e%2e/secret.js", 404),
        ("/_solara/cdn/%252e%252e/secret.js", 404),
        ("/_solara/cdn/..%2fsecret.js", 404),
        ("/_solara/cdn/..%5csecret.js", 404),
        ("/_solara/cdn/..\\secret.js", 404),
        ("/_solara/cdn/requirejs@2.3.6/../requirejs@2.3.6/require.js", 404),
        ("/_solara/cdn//requirejs@2.3.6/require.js", 404),
        ("/_solara/cdn/requirejs@2.3.6/require.js%00.png", 404),
        ("/_solara/cdn/%00", 404),
        ("/_solara/cdn//etc/passwd", 404),
        ("/_solara/cdn/" + "a" * 5_000, 404),
        ("/static/../app.py", 404),
        ("/static/solara_bootstrap.py", 404),
        ("/static/assets/%2e%2e/server.py", 404),
        ("/jupyter/nbextensions/../../../etc/passwd", 404),
        ("/jupyter/nbextensions/jupyter-js-widgets/extension.js", 404),
        # Solara's other routes
        ("/static/public/x", 404),
        ("/jupyter/api/kernels", 404),
        ("/jupyter/api/kernels/x", 404),
        ("/jupyter/api/kernels/x/channels", 404),
        ("/_solara/api/evict/x", 404),
        ("/_solara/auth/login", 404),
        ("/_solara/auth/authorize", 404),
        ("/_solara/auth/logout", 404),
        ("/_solara/api/close/x", 405),
        ("/apps/__default__", 404),
        ("/index.html", 404),
        ("/favicon.ico", 404),
        ("/docs", 404),
        ("/health/", 404),
    ],
)
def test_only_what_the_page_needs_is_served(served, path, status):
    before = digest(served.folder)
    answer, headers, content = served.ask("GET", path)
    assert answer == status
    assert b"secret" not in content
    assert digest(served.folder) == before
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert ("sandbox" in policy) == (path.partition("?")[0] != "/")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/", 200),
        ("HEAD", REQUIRE, 200),
        ("POST", "/", 405),
        ("PUT", "/", 405),
        ("DELETE", "/", 405),
        ("OPTIONS", "/", 405),
        ("PATCH", "/health", 405),
        ("TRACE", "/", 405),
        ("POST", REQUIRE, 405),
        ("DELETE", REQUIRE, 405),
        ("PUT", "/_solara/cdn/new.js", 405),
        ("POST", "/resourcez", 405),
        ("PROPFIND", "/", 405),
        ("POST", "/play/guessed", 404),
        ("POST", "/play/guessed/events", 405),
        ("DELETE", "/play/guessed", 405),
        ("POST", "/_solara/api/close/x", 204),
        ("POST", "/_solara/api/close/x?session_id=y", 204),
        ("POST", "/_solara/api/evict/x", 404),
        ("POST", "/upload", 404),
    ],
)
def test_only_methods_that_the_page_needs_are_answered(served, method, path, status):
    before = digest(served.folder)
    origin = f"http://localhost:{served.port}"
    assert served.ask(method, path, Origin=origin)[0] == status
    assert digest(served.folder) == before


def test_the_page_is_the_same_whatever_headers_say(served):
    forged = {
        "X_Script_Name": "//evil.example",
        "Script_Name": "//evil.example",
        "X_Forwarded_Host": "evil.example",
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Prefix": "//evil.example",
        "Forwarded": "host=evil.example",
    }

    def plain(content):
        return re.sub(rb'nonce="[^"]+"', b"", content)

    _, _, content = served.ask("GET", "/", **forged)
    assert b"evil.example" not in content
    assert plain(content) == plain(served.ask("GET", "/")[2])


def test_scripts_of_the_page_have_a_nonce_that_is_used_once(served):
    nonces = set()
    for _ in range(2):
        _, headers, content = served.ask("GET", "/")
        policy = headers["content-security-policy"]
        (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
        tags = re.findall(rb"<script[^>]*>", content)
        assert len(tags) > 5
        assert all(f'nonce="{nonce}"'.encode() in tag for tag in tags)
        script = re.search(r"script-src ([^;]+)", policy)[1]
        assert "unsafe-inline" not in script
        assert "http" not in policy
        assert "*" not in policy
        nonces.add(nonce)
    assert len(nonces) == 2


def test_the_page_names_its_language_and_can_be_zoomed(served):
    content = served.ask("GET", "/")[2].decode()
    assert '<html lang="en">' in content
    (viewport,) = re.findall(r'<meta name="viewport" content="([^"]+)"', content)
    assert viewport == "width=device-width, initial-scale=1"


def test_the_cookie_is_for_the_server_alone(served):
    cookie = served.ask("GET", "/")[1]["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    _, headers, _ = served.ask("GET", "/", Cookie=cookie.partition(";")[0])
    assert "set-cookie" not in headers  # tabs that are open have the same


# --- its WebSocket --------------------------------------------------------------------------------


def message(kind, content, **changes):
    header = {"msg_type": kind, "msg_id": uuid.uuid4().hex, "session": "s", "username": ""}
    whole = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    return whole | {"channel": "shell", "buffers": []} | changes


def to_comm(data, **content):
    return message("comm_msg", {"comm_id": "x", "data": data} | content)


def binary(text, *buffers):
    parts = [text if isinstance(text, bytes) else json.dumps(text).encode(), *buffers]
    starts = [4 * (len(parts) + 1)]
    for part in parts[:-1]:
        starts.append(starts[-1] + len(part))
    return struct.pack(f"!{len(parts) + 1}I", len(parts), *starts) + b"".join(parts)


def update(state, *paths):
    return to_comm({"method": "update", "state": state, "buffer_paths": list(paths)})


INFO = message("kernel_info_request", {})
NESTED = "[" * 100_000 + "]" * 100_000
DEEP = json.loads("[" * DEEPEST + "]" * DEEPEST)
BAD = {
    "no JSON": "{",
    "nothing": "",
    "no bytes": b"",
    "a byte": b"\0",
    "a number": "7",
    "a list": "[]",
    "null": "null",
    "nested": NESTED,
    "deep": json.dumps(INFO | {"content": {"a": DEEP}}),
    "no header": "{}",
    "header null": json.dumps(INFO | {"header": None}),
    "no type": json.dumps(INFO | {"header": {}}),
    "type a list": json.dumps(INFO | {"header": {"msg_type": ["comm_msg"]}}),
    "type unknown": json.dumps(message("execute_request", {"code": "1"})),
    "input": json.dumps(message("input_reply", {})),
    "channel": json.dumps(INFO | {"channel": "iopub"}),
    "channel a list": json.dumps(INFO | {"channel": []}),
    "no channel": json.dumps({k: v for k, v in INFO.items() if k != "channel"}),
    "content": json.dumps(INFO | {"content": []}),
    "metadata": json.dumps(INFO | {"metadata": 1}),
    "parent": json.dumps(INFO | {"parent_header": "x"}),
    "buffers in text": json.dumps(INFO | {"buffers": ["x"]}),
    "comm": json.dumps(message("comm_msg", {"comm_id": 7, "data": {"method": "custom"}})),
    "no data": json.dumps(message("comm_msg", {"comm_id": "x"})),
    "method": json.dumps(to_comm({"method": "evict"})),
    "method a dict": json.dumps(to_comm({"method": {}})),
    "reload": json.dumps(to_comm({"method": "reload"})),
    "widget": json.dumps(message("comm_open", {"comm_id": "x", "target_name": "jupyter.widget"})),
    "target": json.dumps(message("comm_open", {"comm_id": "x", "target_name": []})),
    "other page": json.dumps(to_comm({"method": "run", "args": {"appName": "os"}})),
    "path": json.dumps(to_comm({"method": "run", "args": {"path": 7}})),
    "themes": json.dumps(to_comm({"method": "run", "args": {"themes": [1]}})),
    "state": json.dumps(update([])),
    "place too many": json.dumps(update({"a": 1}, ["a"])),
    "cut off": binary(INFO)[:9],
    "many parts": struct.pack("!2I", 2**31, 8) + b"{}",
    "no parts": struct.pack("!I", 0),
    "backwards": struct.pack("!3I", 2, 12, 4) + b"{}",
    "beyond": struct.pack("!2I", 1, 2**31) + b"{}",
    "not text": binary(b"\xff\xfe"),
    "no place": binary(update({}, ["a", "b"]), b"x"),
    "place a dict": binary(update({"a": []}, [{}]), b"x"),
    "place below": binary(update({"a": [1]}, ["a", -1]), b"x"),
    "place empty": binary(update({"a": 1}, []), b"x"),
    "large": json.dumps(INFO | {"content": {"a": "x" * (MOST_TEXT + 1)}}),
}


@pytest.mark.parametrize("name", BAD)
def test_messages_that_no_page_sends_are_refused(name):
    with pytest.raises(BadMessage) as refused:
        check_message(BAD[name])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "good",
    [
        INFO,
        message("comm_info_request", {"target_name": "jupyter.widget"}),
        message("shutdown_request", {"restart": False}, channel="control"),
        message("comm_open", {"comm_id": "x", "target_name": "solara.control", "data": {}}),
        message("comm_close", {"comm_id": "x"}),
        to_comm({"method": "run", "args": {"path": "/?week=7", "dark": False, "themes": {}}}),
        update({"week": 7}),
    ],
)
def test_messages_of_the_page_pass(good):
    check_message(json.dumps(good))
    check_message(binary(good))


def test_a_file_passes_with_the_message_that_holds_it():
    sent = {"files": [{"name": "a.csv", "content": None}, {"name": "b.csv", "content": None}]}
    places = [["chosen", "files", 0, "content"], ["chosen", "files", 1, "content"]]
    whole = binary(update({"chosen": sent}, *places), b"x" * MOST_MEGABYTES * 1_000_000, b"")
    check_message(whole)
    assert len(whole) < MOST_BYTES


@given(st.binary(max_size=200) | st.text(max_size=200) | st.builds(json.dumps, st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["header", "msg_type", "content", "channel", "a"]), inner),
)))  # fmt: skip
def test_no_message_is_refused_otherwise(sent):
    with suppress(BadMessage):
        check_message(sent)


def test_bad_messages_are_dropped_in_one_line_and_the_tab_goes_on(served):
    before = len(served.lines)
    opening = {"comm_id": "x", "target_name": "solara.control", "data": {}}
    with served.connect() as tab:
        tab.send(json.dumps(message("comm_open", opening)))
        for one in BAD.values():
            tab.send(one)
        tab.send(json.dumps(INFO))
        kinds = set()
        while "kernel_info_reply" not in kinds:
            kinds.add(json.loads(tab.recv(timeout=120))["header"]["msg_type"])
    lines = [line for line in served.lines[before:] if line.strip()]
    dropped = [line for line in lines if line.startswith("dropped a message")]
    assert len(dropped) == len(BAD)
    assert not [line for line in lines if "Traceback" in line or line.startswith(" ")]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"origin": ""}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"kernel": "x"}, 403),
        ({"kernel": "%00"}, 403),
        ({"kernel": "a" * 500}, 403),
        ({"tab": ""}, 403),
    ],
)
def test_a_websocket_of_others_is_not_opened(served, changes, status):
    with pytest.raises(InvalidStatus) as refused:
        served.connect(**changes)
    assert refused.value.response.status_code == status


def test_what_is_done_for_one_browser_is_not_given_to_another(served):
    kernel = uuid.uuid4()
    before = len(served.lines)
    with served.connect(kernel) as first:
        first.send(json.dumps(INFO))
        first.recv(timeout=120)
        with pytest.raises(ConnectionClosed), served.connect(kernel, session="other") as second:
            while True:
                assert b"kernel_info" not in str(second.recv(timeout=120)).encode()
        close = f"/_solara/api/close/{kernel}?session_id=tab"
        origin = f"http://localhost:{served.port}"
        assert served.ask("POST", close, Origin=origin)[0] == 204
        cookie = "solara-session-id=other"
        assert served.ask("POST", close, Origin=origin, Cookie=cookie)[0] == 204
        open_tabs = json.loads(served.ask("GET", "/resourcez")[2])["kernels"]["total"]
        first.send(json.dumps(INFO))
        first.recv(timeout=120)
        cookie = "solara-session-id=session"
        assert served.ask("POST", close, Origin=origin, Cookie=cookie)[0] == 204
        left = json.loads(served.ask("GET", "/resourcez")[2])["kernels"]["total"]
        assert left == open_tabs - 1
    assert not [line for line in served.lines[before:] if "Traceback" in line]


def test_a_message_that_is_too_large_ends_its_connection_alone(served):
    before = len(served.lines)
    with served.connect() as tab:
        with pytest.raises(ConnectionClosed) as closed:
            tab.send("x" * (MOST_BYTES + 1))
            while True:
                tab.recv(timeout=120)
        assert closed.value.rcvd.code == 1009
    assert served.ask("GET", "/health")[0] == 200
    assert not [line for line in served.lines[before:] if "Traceback" in line]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Solara imports what websockets drops
def test_no_more_tabs_are_opened_than_there_is_room_for(monkeypatch, caplog):
    set_up_solara()
    from innovation_abm.dashboards import routes

    class Socket:
        closed = None

        def __init__(self, kernel):
            self.path_params, self.query_params = {"kernel_id": kernel}, {"session_id": "tab"}

        async def close(self, code):
            self.closed = code

    async def connected(socket):
        assert socket.path_params["kernel_id"] in routes._connected

    monkeypatch.setattr(routes.solara_server, "kernel_connection", connected)
    tabs = [str(uuid.uuid4()) for _ in range(MOST_TABS)]
    monkeypatch.setattr(routes, "_connected", set(tabs))
    refused, again = Socket(str(uuid.uuid4())), Socket(tabs[0])
    for one in (refused, again):
        asyncio.run(routes.channels(Hosting(), one))
    assert refused.closed == 1013
    assert again.closed is None
    assert "refused a tab" in caplog.text
    last = Socket(str(uuid.uuid4()))  # there is room since the one before it is gone
    asyncio.run(routes.channels(Hosting(), last))
    assert last.closed is None
    assert len(routes._connected) == MOST_TABS - 1
    fewer, less = Hosting(most_tabs=MOST_TABS - 1), Hosting(most_megabytes=1)
    for one in (fewer, less):
        refused = Socket(str(uuid.uuid4()))
        asyncio.run(routes.channels(one, refused))
        assert refused.closed == 1013
    assert "MB are in use" in caplog.text
    assert not routes.full(Hosting(most_megabytes=0))


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\xff?\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /_solara/api/close/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET /jupyter/api/kernels/x/channels HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\n\r\n",
        b"GET /jupyter/api/kernels/\xff/channels?\xff HTTP/1.1\r\nHost: localhost\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    ],
)
def test_what_is_not_http_leaves_no_traceback(served, sent):
    before = len(served.lines)
    with socket.create_connection(("127.0.0.1", served.port), timeout=120) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(10)
        with suppress(OSError):
            while connection.recv(65_536):
                pass
    assert served.ask("GET", "/health")[0] == 200
    time.sleep(0.2)
    assert not [line for line in served.lines[before:] if "Traceback" in line]


# --- what a tab keeps -----------------------------------------------------------------------------


def test_a_tab_keeps_the_organisation_and_nothing_else():
    chart = generate(2, 2, 3)
    kept = pack(Kept(chart, "mine"))
    assert set(kept) == {"label", "chart"}
    found = unpack(json.loads(json.dumps(kept)))
    assert found.label == "mine"
    assert found.organization.digest() == chart.digest()
    for name in ("names", "unit_names", "department_names", "name"):
        assert getattr(found.organization, name) == getattr(chart, name)


def test_a_chart_of_as_many_people_as_are_played_is_kept():
    names = [hashlib.sha256(str(n).encode()).hexdigest()[:30] for n in range(MOST_PEOPLE)]
    above = [(n - 1) // 7 for n in range(MOST_PEOPLE)]
    chart = Organization.from_superiors([-1, *above[1:]], names=names)
    kept = pack(Kept(chart, "large"))
    assert len(kept["chart"]) < MOST_TEXT / 1.2  # it is handed back in one message
    assert unpack(kept).organization.digest() == chart.digest()


def altered(**changes):
    chart = pack(Kept(generate(1, 1, 2), "mine"))
    content = json.loads(zlib.decompress(base64.b64decode(chart["chart"]))) | changes
    packed = zlib.compress(json.dumps(content).encode())
    return {"label": "mine", "chart": base64.b64encode(packed).decode()}


def bomb():
    return {"label": "x", "chart": base64.b64encode(zlib.compress(b"0" * 10**8, 9)).decode()}


def test_nothing_is_prepared_before_solara_has_started(monkeypatch):
    """It looks through all modules then, and a preparation imports some."""
    done = []

    async def startup(*_, **__):
        done.append("started")

    monkeypatch.setattr(uvicorn.Server, "startup", startup)
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: asyncio.run(self.startup()))
    monkeypatch.setattr(server.preparation, "begin", lambda: done.append("prepared"))
    monkeypatch.setattr(server, "_announce", lambda *_: None)
    monkeypatch.setattr(sys, "setswitchinterval", lambda _: None)
    monkeypatch.delenv(server.VARIABLE, raising=False)
    server.serve(server.Settings(), Hosting(), port=0, told=print, browser=False)
    assert done == ["started", "prepared"]


@pytest.mark.parametrize(
    "given",
    [
        None,
        7,
        [],
        {},
        {"label": "mine"},
        {"label": "mine", "chart": 7},
        {"label": "mine", "chart": "!"},
        {"label": "mine", "chart": "AAAA"},
        {"label": "mine", "chart": "A" * (2 * MOST_PACKED)},
        pack(Kept(generate(1, 1, 2), "mine")) | {"label": 7},
        pack(Kept(generate(1, 1, 2), "mine")) | {"label": "a\ud800"},
        bomb(),
        altered(superior=[]),
        altered(superior=7),
        altered(superior=[-1] * 30_000),
        altered(superior=["-1"]),
        altered(superior=[-1, 0, 0, 9, 9, 9, 9]),
        altered(superior=[-1, 10**30]),
        altered(superior=[-1, True]),
        altered(unit=[0.5] * 7),
        altered(names=["a"]),
        altered(names=None),
        altered(names=[["a"]] * 7),
        altered(names=["\ud800", "b", "c", "d", "e", "f", "g"]),
        altered(name=7),
        altered(unit_names=[""]),
    ],
)
def test_what_a_browser_hands_back_is_checked(given):
    assert unpack(given) is None
