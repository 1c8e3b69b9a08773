"""Pages of other sites in the same browser: what they can make of a dashboard that is open."""

import functools
import http.server
import json
import threading

import pytest
from browsing import Tabs, chromium, running, shown
from serving import Served, copied_assets, digest

from innovation_abm.dashboards import assets

pytestmark = pytest.mark.browser

HOSTS = ["127.0.0.1", pytest.param("localhost", marks=pytest.mark.slow)]
"""Of another site; of another origin of the same site, by its port."""
ATTACK = """
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const settled = (element, attribute, url) => new Promise((done) => {
  element.onload = () => done("loaded");
  element.onerror = () => done("failed");
  element[attribute] = url;
  document.body.appendChild(element);
  setTimeout(() => done("nothing"), 2000);
});
const made = (name, more = {}) => Object.assign(document.createElement(name), more);
const asked = (url, how) => fetch(url, how).then((answer) => answer.type, () => "failed");
const heard = (socket) => new Promise((done) => {
  socket.onopen = () => done("open");
  socket.onerror = () => done("failed");
  setTimeout(() => done("nothing"), 2000);
});

async function attack(home, paths, closing) {
  const found = {};
  const post = { method: "POST", mode: "no-cors", credentials: "include" };
  const tried = async (what, answer) => { found[what] = await answer; };
  const on = async (path) => {
    const url = home + path, style = made("link", { rel: "stylesheet" });
    const frame = made("iframe", { name: "frame" + Math.random() });
    navigator.sendBeacon(url, "x");
    document.body.appendChild(made("object", { data: url }));
    document.body.appendChild(made("embed", { src: url }));
    document.head.appendChild(made("link", { rel: "prefetch", href: url }));
    const socket = home.replace("http", "ws") + path.replace(/^\\//, "");
    await Promise.all([
      tried("img " + path, settled(made("img"), "src", url)),
      tried("script " + path, settled(made("script"), "src", url)),
      tried("style " + path, settled(style, "href", url)),
      tried("socket " + path, heard(new WebSocket(socket))),
      ...["GET", "POST"].map((method) => ["cors", "no-cors"].map((mode) =>
        tried(`${method} ${mode} ${path}`, asked(url, { ...post, method, mode })))).flat(),
      ...["PUT", "DELETE", "PATCH"].map((method) =>
        tried(`${method} ${path}`, asked(url, { ...post, method, mode: "cors" }))),
      settled(frame, "src", url),
    ]);
    found["frame " + path] = frame.contentWindow.length;
    const form = made("form", { method: "POST", action: url, target: frame.name });
    document.body.appendChild(form).submit();
  };
  await Promise.all(paths.map(on));
  navigator.sendBeacon(home + closing, "x");
  await tried("close", asked(home + closing, post));
  await wait(500);
  return found;
}
"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def served(compiled, tmp_path_factory):
    folder = copied_assets(tmp_path_factory.mktemp("assets"))
    with running(**{assets.FOLDER: str(folder)}) as (process, url):
        yield Served(process, url, folder)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Another site on this machine; its port."""
    place = tmp_path_factory.mktemp("site")
    (place / "evil.html").write_text(f"<!doctype html><body><script>{ATTACK}</script>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=place)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield site.server_port
        site.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("host", HOSTS)
def test_a_page_of_another_site_gets_and_changes_nothing(browser, served, elsewhere, host):
    before = digest(served.folder)
    with Tabs(browser, served.url) as tabs:
        page = shown(tabs.open(), served.url + "?lang=en&week=3")
        ids = page.evaluate("[solara.debug.kernel().id, solara.debug.kernel().clientId]")
        open_tabs = json.loads(served.ask("GET", "/resourcez")[2])["kernels"]["total"]
        evil = browser.new_page()
        evil.goto(f"http://{host}:{elsewhere}/evil.html")
        paths = [
            "",
            "?kernelid=" + ids[0],
            "_solara/cdn/requirejs@2.3.6",
            "_solara/cdn/@widgetti",
            "_solara/cdn/requirejs@2.3.6/require.js",
            "_solara/cdn/left-pad@1.3.0/index.js",
            "resourcez",
            f"jupyter/api/kernels/{ids[0]}/channels?session_id={ids[1]}",
        ]
        closing = "_solara/api/close/{}?session_id={}".format(*ids)
        found = evil.evaluate("(args) => attack(...args)", [served.url, paths, closing])
        assert len(found) > 80
        none = ("failed", "nothing", 0)
        assert {what: answer for what, answer in found.items() if answer not in none} == {}
        assert digest(served.folder) == before
        evil.close()
        # the page goes on as if nothing had been
        page.keyboard.press("ArrowRight")
        page.wait_for_function("/\\b4 \\//.test(document.querySelector('.ia-week').innerText)")
        page.locator("[role=slider][data-lever=risk_aversion]").focus()
        for _ in range(8):
            page.keyboard.press("ArrowLeft")
        page.wait_for_selector(".ia-change")
        assert json.loads(served.ask("GET", "/resourcez")[2])["kernels"]["total"] == open_tabs
    assert not [line for line in served.lines if "Traceback" in line]


@pytest.mark.slow
@pytest.mark.parametrize("host", HOSTS)
def test_a_link_of_another_site_opens_the_page_and_keeps_no_hold_on_it(
    browser, served, elsewhere, host
):
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    evil = context.new_page()
    evil.goto(f"http://{host}:{elsewhere}/evil.html")
    with context.expect_page() as opening:
        evil.evaluate(
            "(url) => { window.held = window.open(url); }", served.url + "?week=7&lang=fr"
        )
    page = opening.value
    page.wait_for_selector(".ia-large b")
    assert "Semaine" in page.content()
    assert page.evaluate("window.opener") is None
    assert evil.evaluate("held.closed || held.length") in (True, 0)
    evil.evaluate(
        "(url) => { document.body.innerHTML = `<a href='${url}'>x</a>`; }", served.url + "?week=9"
    )
    evil.get_by_text("x", exact=True).click()
    evil.wait_for_selector(".ia-large b")
    context.close()


@pytest.mark.slow
def test_a_page_that_is_framed_shows_nothing(browser, served, elsewhere):
    evil = browser.new_page()
    refused = []
    evil.on("console", lambda said: refused.append(said.text))
    evil.goto(f"http://localhost:{elsewhere}/evil.html")
    evil.evaluate(
        "(url) => settled(document.createElement('iframe'), 'src', url)", served.url + "?lang=en"
    )
    evil.wait_for_timeout(1_000)
    frames = [frame for frame in evil.frames if frame != evil.main_frame]
    assert len(frames) == 1
    assert frames[0].locator(".ia-large").count() == 0
    evil.close()
