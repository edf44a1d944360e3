"""The explorer's server and its page: what it gives away, what it refuses, and what a browser shows."""

import concurrent.futures
import contextlib
import csv
import http.client
import io
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

import pandas as pd
import pytest
from PIL import Image

from causalgan_tf.cli import explore
from causalgan_tf.errors import InputError
from causalgan_tf.explorer.guard import is_own
from tests.explored import BOLD, DOSE, SCRIPT, SUM, faces, inherited, mixed

pytestmark = pytest.mark.extra("explore")
STATIC = pathlib.Path(explore.__file__).parents[1] / "explorer" / "static"
PHONE, DESKTOP = (390, 844), (1280, 900)
INSTALL = "needs Chromium and its driver: apt-get install chromium chromium-driver"
BROWSER = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@contextlib.contextmanager
def serving(explorer):
    """The port at which an explorer answers within the block."""
    listener = explore.listening("127.0.0.1", 0)
    server = explore.server(explorer, "127.0.0.1")
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def port():
    with serving(faces()) as port:
        yield port


@pytest.fixture(scope="module")
def mixed_port():
    with serving(mixed()) as port:
        yield port


def ask(port, target, method="GET", body=None, **headers):
    """Status, headers and body of a request whose target is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, target, skip_host="Host" in headers)
        for name, value in (headers | ({"Content-Length": str(len(body))} if body is not None else {})).items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def post(port, body, kind="application/json"):
    """Status and answer to a state of the page, a value or bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = ask(port, "/api/answer", "POST", content, Content_Type=kind)
    return status, json.loads(answer)


def test_the_answers_are_those_of_the_explorer(mixed_port):
    asked = {"do": {"Age": 80}, "given": {SCRIPT: BOLD}, "n": 3, "label": "Ill"}
    assert post(mixed_port, asked) == (200, mixed().answer(asked))
    assert json.loads(ask(mixed_port, "/api/model")[2]) == mixed().description()


def test_a_mistake_is_status_400_with_its_message_and_its_control(mixed_port):
    status, body = post(mixed_port, {"do": {"Age": 101}})
    assert status == 400 and "a number between 0 and 100" in body["error"]
    assert (body["part"], body["label"]) == ("do", "Age")
    assert post(mixed_port, {})[0] == 200


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"n": NaN}', "application/json", 400),
        (b'{"do": {"Age": Infinity}}', "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b" " * 100_001, "application/json", 413),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
    ],
)
def test_what_is_no_short_json_is_refused(mixed_port, content, kind, status):
    answered, body = post(mixed_port, content, kind)
    assert answered == status and "error" in body


def test_the_page_is_made_of_fixed_files_and_asks_nobody_else(port):
    for path in STATIC.iterdir():
        status, headers, content = ask(port, "/" if path.name == "page.html" else f"/{path.name}")
        assert status == 200 and content == path.read_bytes() and headers["x-content-type-options"] == "nosniff"
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert "http:" not in text and "https:" not in text and "innerHTML" not in text
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "target",
    [
        "/../app.py",
        "/static/page.html",
        "/page.css/../../app.py",
        "/..%2fapp.py",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/..\\app.py",
        "/page.html",
        "/page.js%00.py",
        "/api/../../app.py",
        "/api/model/../../../setup.py",
        "file:///etc/passwd",
    ],
)
def test_no_path_of_a_request_is_opened(port, target):
    status, _, body = ask(port, target)
    assert status in (400, 404) and b"import" not in body and b"root:" not in body


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", "localhost.evil", "", "8.8.8.8", "[::1", "::1"],
)
def test_a_request_under_a_foreign_name_is_refused(port, host):
    assert ask(port, "/api/model", Host=host)[0] == 403
    assert ask(port, "/", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8700", "[::1]:8700", "LOCALHOST"])
def test_this_machine_may_be_called_by_each_of_its_local_names(port, host):
    assert ask(port, "/", Host=host)[0] == 200


def test_an_open_address_answers_to_figures_and_its_own_name_alone():
    own = socket.gethostname()
    assert all(is_own(name, "0.0.0.0") for name in ("192.168.1.5", "[fd00::1]", "localhost", own))
    assert not any(is_own(name, "0.0.0.0") for name in ("evil.example", "", "1.2.3.4.evil.example"))
    assert is_own("box.lan", "box.lan") and not is_own("192.168.1.5", "127.0.0.1")


def test_other_sites_get_no_leave_to_read(port):
    status, headers, _ = ask(port, "/api/model", Origin="http://evil.example")
    assert status == 200 and not [name for name in headers if name.startswith("access-control")]
    assert ask(port, "/api/answer", "OPTIONS", Origin="http://evil.example")[0] == 405


def test_only_the_two_questions_are_answered(port):
    assert ask(port, "/api/answer")[0] == ask(port, "/api/model", "POST", b"{}")[0] == 405
    assert ask(port, "/favicon.ico")[0] == ask(port, "/docs")[0] == 404


def test_simultaneous_requests_each_get_their_own_answer(port):
    def seeds(seed):
        return post(port, {"n": 4, "seed": seed, "do": {"Bald": seed % 2}})[1]["samples"]["seeds"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(seeds, range(16)))
    assert found == [[str(own) for own in faces().model.sample(4, seed=seed).seeds] for seed in range(16)]


def test_other_machines_do_not_see_where_the_folder_lies():
    assert explore.shown_place("/home/me/runs/faces", "127.0.0.1") == "/home/me/runs/faces"
    assert explore.shown_place("/home/me/runs/faces", "0.0.0.0") == "faces"


def test_a_port_that_is_taken_and_a_foreign_address_are_errors_with_a_way_out():
    with explore.listening("127.0.0.1", 0) as taken, pytest.raises(InputError, match="0 for a free one"):
        explore.listening("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(InputError, match="an address of this machine"):
        explore.listening("203.0.113.7", 0)


def test_the_program_prints_its_address_answers_and_ends_with_a_signal():
    line = [sys.executable, "-m", "causalgan_tf.cli.explore", "--workdir=builtin:faces", "--port=0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            said = program.stdout.readline()
            address = urllib.parse.urlsplit(said.split()[1])
            assert address.hostname == "127.0.0.1" and ask(address.port, "/")[0] == 200
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=60)
        finally:
            program.kill()
    assert program.returncode == 130 and "Traceback" not in errors


class Page:
    """A browser's window with the explorer in it."""

    def __init__(self, driver, port, size=DESKTOP):
        self.driver, self.address = driver, f"http://127.0.0.1:{port}/"
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, state=""):
        self.driver.get("about:blank")
        self.driver.get(self.address + state)
        self.answered()
        return self

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector)

    def answered(self):
        """Waits until the page shows the answer to its state."""
        ready = "return document.body.dataset.answered === location.hash"
        end = time.monotonic() + 30
        while not self.js(ready):
            assert time.monotonic() < end, self.js("return [document.body.dataset.answered, location.hash]")
            time.sleep(0.05)

    def choose(self, label, part, value):
        """Clicks a value of a binary label."""
        root = f'[data-label="{label}"] .seg.{part} input[value="{value}"]'
        self.js("document.querySelector(arguments[0]).click()", root)
        self.answered()

    def share(self, label):
        return float(self.js(f"return document.querySelector('[data-label=\"{label}\"] .bar').dataset.after"))

    def images(self):
        return self.js("return [...document.querySelectorAll('.main .unit img')].map(e => e.src)")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """Headless Chromium; its log must be empty of errors when all is done."""
    from selenium import webdriver

    places = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if None in places:
        pytest.skip(INSTALL)
    options = webdriver.ChromeOptions()
    options.binary_location = places[0]
    for flag in (*BROWSER, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(places[1]))
    yield driver
    driver.quit()


@pytest.fixture
def page(driver, port):
    yield Page(driver, port).open()
    assert [entry for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_setting_a_mustache_changes_faces_and_not_the_bar_of_male(page):
    share, images = page.share("Male"), page.images()
    page.choose("Mustache", "do", 1)
    assert page.share("Male") == share and page.share("Mustache") == 1.0
    changed = [one != other for one, other in zip(images, page.images(), strict=True)]
    assert len(changed) == 24 and sum(changed) >= 20
    # beside them stand the same units without do
    assert page.js("return [...document.querySelectorAll('.without .unit img')].map(e => e.src)") == images
    assert "extrapolated" in page.find("#notices").text


def test_seeing_a_mustache_moves_the_bar_of_male(page):
    share = page.share("Male")
    page.choose("Mustache", "given", 1)
    assert share < 0.5 and page.share("Male") > 0.99
    # what is seen and then set is no longer seen
    page.choose("Mustache", "do", 1)
    assert page.share("Male") == share and page.texts(".chip") == ["do(Mustache=1) ×"]


def test_the_link_restores_the_state(page):
    page.choose("Mustache", "do", 1)
    page.choose("Young", "given", 0)
    page.js("document.querySelector('#new-units').click(); document.querySelectorAll('.main .unit')[5].click()")
    page.answered()
    link, images, query = page.js("return location.hash"), page.images(), page.find("#query").text
    page.open()
    assert page.images() != images
    page.open(link)
    assert (page.images(), page.find("#query").text) == (images, query)
    assert page.find("#unit-number").text == "6" and page.find("#seed").get_attribute("value") == "1"


def test_the_graph_shows_what_do_cuts_and_what_descends(page):
    page.choose("Smiling", "do", 1)
    arrows = "return [...document.querySelectorAll('.arrow.cut')].map(e => [e.dataset.from, e.dataset.to])"
    assert sorted(page.js(arrows)) == [["Male", "Smiling"], ["Young", "Smiling"]]
    below = page.js("return [...document.querySelectorAll('.node.below')].map(e => e.dataset.label)")
    assert set(below) == faces().graph.descendants("Smiling")
    assert page.js("return document.querySelector('.node.set').dataset.label") == "Smiling"


def test_all_can_be_done_with_the_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    page.find('[data-label="Bald"] .seg.do input[value=""]').send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.answered()
    assert page.texts(".chip") == ["do(Bald=1) ×"] and page.share("Bald") == 1.0
    page.find('.main .unit[tabindex="0"]').send_keys(Keys.ARROW_DOWN)
    page.answered()
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    page.answered()
    assert page.find("#unit-number").text == "8" and len(page.texts(".strip figure")) == 2


def test_the_answer_to_the_newest_state_stays(page):
    flip = "document.querySelector('[data-label=\"Young\"] .seg.do input[value=\"' + arguments[0] + '\"]').click()"
    for value in (0, 1, 0, 1, 0):
        page.js(flip, value)
        time.sleep(0.12)
    page.answered()
    assert page.share("Young") == 0.0 and page.find("#code-text").text.count("'Young': 0") == 1


def test_a_phone_shows_all_without_scrolling_sideways(driver, port, mixed_port):
    state = f"#{urllib.parse.urlencode({'do.' + SCRIPT: BOLD, 'given.Age': '20..60'})}"
    for own, hash_ in ((port, "#do.Mustache=1"), (port, "#view=table"), (mixed_port, state)):
        page = Page(driver, own, PHONE).open(hash_)
        assert page.js("return document.documentElement.scrollWidth") == PHONE[0]
        wide = "return [...document.querySelectorAll('button, select, .seg')].filter(e => !e.closest('.scroll'))"
        right = page.js(f"{wide}.map(e => e.getBoundingClientRect().right)")
        assert max(right) <= PHONE[0]
    Page(driver, port, DESKTOP)


@pytest.fixture
def mixed_page(driver, mixed_port):
    yield Page(driver, mixed_port).open()
    assert [entry for entry in driver.get_log("browser") if "400 (Bad Request)" not in entry["message"]] == []


def test_names_that_are_markup_are_shown_as_text(mixed_page):
    assert SCRIPT in mixed_page.texts(".name") and SCRIPT in mixed_page.texts(".node text")
    assert SCRIPT in mixed_page.texts("thead th") and BOLD in mixed_page.texts(".categories .value")
    assert mixed_page.js("return document.scripts.length") == 1 and not mixed_page.texts("main b:not(.do, .given)")


def test_the_page_lists_what_the_model_warns_of(mixed_page):
    warnings = list(mixed().model.warnings)
    assert warnings and mixed_page.texts("#ask details li") == warnings == mixed().description()["warnings"]


def test_the_page_says_how_many_rows_its_laws_rest_on_and_what_the_code_draws(mixed_page):
    assert mixed_page.find("#drawn-laws").text == "Bars are shares of 2,000 drawn rows."
    mixed_page.js("document.querySelector('#code-tabs input[value=curl]').click()")
    assert "others" not in mixed_page.find("#code-note").text and "KServe" in mixed_page.find("#code-note").text
    mixed_page.choose("Ill", "given", 1)
    assert "others than these, of the same law" in mixed_page.find("#code-note").text


def test_numbers_and_categories_are_set_and_seen(mixed_page):
    from selenium.webdriver.support.select import Select

    card = f"[data-label={json.dumps(SCRIPT)}]"
    Select(mixed_page.find(f"{card} .do select")).select_by_visible_text(SUM)
    box, low = '[data-label="Age"] .do input[type="number"]', '[data-label="Age"] .given input[type="number"]'
    mixed_page.find(box).send_keys("80")
    mixed_page.answered()
    assert mixed_page.texts(".chip") == [f"do({SCRIPT}={SUM}) ×", "do(Age=80) ×"]
    assert mixed_page.texts(f"{card} .share")[1] == "100.0 %"
    assert set(
        mixed_page.js("return [...document.querySelectorAll('#grids td:nth-child(3)')].map(e => e.firstChild.data)")
    ) == {"80"}
    mixed_page.find(low).send_keys("60")
    mixed_page.answered()
    assert mixed_page.texts(".chip") == [f"do({SCRIPT}={SUM}) ×", "Age=60.. ×"]
    mean = float(mixed_page.find('[data-label="Age"] .law').get_attribute("data-after"))
    assert 60 < mean < 100


def test_labels_called_what_every_object_has_are_set_seen_and_left_alone(driver):
    from selenium.webdriver.support.select import Select

    with serving(inherited()) as own:
        page = Page(driver, own).open()
        assert page.texts(".chip") == [] and set(page.texts(".badge")) == {""}
        assert page.find('[data-label="toString"] .figure').text.startswith("mean ")
        page.choose("__proto__", "do", 1)
        page.choose("constructor", "given", 0)
        assert page.texts(".chip") == ["do(__proto__=1) ×", "constructor=0 ×"] and page.share("constructor") == 0.0
        page.find('[data-label="toString"] .do input[type="number"]').send_keys("3")
        Select(page.find('[data-label="valueOf"] .do select')).select_by_visible_text("toString")
        page.choose("constructor", "do", 1)
        chips = ["do(__proto__=1) ×", "do(toString=3) ×", "do(valueOf=toString) ×", "do(constructor=1) ×"]
        assert page.texts(".chip") == chips and page.share("__proto__") == page.share("constructor") == 1.0
        page.open(page.js("return location.hash"))
        assert page.texts(".chip") == chips
        for name in ("__proto__", "constructor"):
            page.choose(name, "do", "")
        page.js("document.querySelector('[data-label=\"toString\"] .do .free').click()")
        page.answered()
        assert page.texts(".chip") == ["do(valueOf=toString) ×"] and page.share("constructor") < 1.0
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_refused_value_is_explained_beside_its_control_and_can_be_taken_back(mixed_page):
    box = mixed_page.find('[data-label="Age"] .do input[type="number"]')
    box.send_keys("101")
    mixed_page.answered()
    assert "a number between 0 and 100" in mixed_page.find('[data-label="Age"] .message').text
    box.clear()
    box.send_keys("99")
    mixed_page.answered()
    assert mixed_page.find('[data-label="Age"] .message').text == "" and not mixed_page.find("#notices").text


def test_the_csv_holds_the_units_with_all_their_digits(mixed_page):
    code = "return import('/save.js').then((m) => m.csv(arguments[0], arguments[1]))"
    body = {"do": {SCRIPT: BOLD}, "n": 5}
    answer = mixed().answer(body)
    table = list(csv.reader(io.StringIO(mixed_page.js(code, mixed().description(), answer["samples"]))))
    assert table[0] == [*mixed().graph.nodes, "seed"] and DOSE in table[0]
    for row, labels, seed in zip(table[1:], answer["samples"]["labels"], answer["samples"]["seeds"], strict=True):
        assert row[0] == BOLD and row[-1] == seed
        assert [float(value) for value in row[1:-1]] == labels[1:]


def test_png_and_csv_are_saved_and_the_link_is_copied(page, tmp_path):
    page.driver.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.choose("Mustache", "do", 1)
    for button in ("#save-png", "#save-csv", "#copy-link", "#copy-code"):
        page.find(button).click()
    end = time.monotonic() + 20
    while not all((tmp_path / name).exists() for name in ("units.png", "units.csv")):
        assert time.monotonic() < end
        time.sleep(0.05)
    with Image.open(tmp_path / "units.png") as picture:
        assert picture.size == (2 * (6 * 66 + 16), 34 + 4 * 66 + 8)
    table = pd.read_csv(tmp_path / "units.csv")
    samples = faces().model.sample(24, {"Mustache": 1})
    assert (table[list(samples.labels)] == samples.labels).all(axis=None)
    assert (
        table["seed"].tolist() == samples.seeds.tolist() and table["supported"].tolist() == samples.supported.tolist()
    )
    assert page.texts("#copy-link, #copy-code") == ["Copied", "Copied"]


def test_the_png_holds_the_units_beside_their_twins(page):
    code = "return import('/save.js').then((m) => m.picture([['a', arguments[0]], ['b', arguments[1]]], 32))"
    answer = faces().answer({"do": {"Mustache": 1}, "n": 12})
    code += ".then((c) => [c.width, c.height, ...c.getContext('2d').getImageData(9 + 66, 35, 1, 1).data])"
    width, height, *pixel = page.js(code, answer["twins"]["images"], answer["samples"]["images"])
    second = faces().model.sample(12, seed=0).images[1][0, 0]
    assert (width, height) == (2 * (6 * 66 + 16), 34 + 2 * 66 + 8) and pixel[:3] == second.tolist()
