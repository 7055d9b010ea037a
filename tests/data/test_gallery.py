"""The gallery of a release, in a browser: it shows, filters, opens and downloads pairs, by mouse and by keyboard."""
from __future__ import annotations

import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from data.synthmed.gallery import page
from data.synthmed.terms import Terms
from tests.browser import Browser

pytestmark = pytest.mark.long
COUNT = 60
READY = "document.readyState === 'complete' && document.querySelector('.card') !== null"
TITLES = "[...document.querySelectorAll('.card .caption span:first-child')].map(span => span.textContent)"


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    """serve(folder): its address, while the test runs."""
    servers = []

    def start(folder):
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def browser(tmp_path):
    (tmp_path / "browser").mkdir()
    with Browser(tmp_path / "browser") as browser:
        browser.resize(1280, 900)
        yield browser


@pytest.fixture
def gallery(browser, tmp_path, run_of, serve):
    """The browser at a release of COUNT pairs less one; afterwards there is no complaint and no request elsewhere."""
    out = run_of(tmp_path / "run", COUNT).release(tmp_path / "tiny")
    address = serve(out)
    browser.call("Page.navigate", url=f"{address}/index.html")
    browser.wait(READY)
    browser.out = out
    yield browser
    assert browser.complaints() == []
    assert all(url.startswith((address, "data:")) for url in browser.requests())


def test_it_shows_the_pairs_and_tells_a_screen_reader_what_they_are(gallery):
    assert gallery.run(TITLES)[:4] == ["Pair 0", "Pair 1", "Pair 3", "Pair 4"]  # without the one that was left out
    assert gallery.run("count.textContent") == "59 of 59 pairs"
    assert gallery.run("count.getAttribute('role')") == "status"
    card = "document.querySelectorAll('.card')[2]"
    assert gallery.run(f"{card}.firstChild.ariaLabel").startswith("Pair 3, Agreement (F1) 0.610, Sharpness ")
    assert [gallery.run(f"{card}.getAttribute('aria-{name}')") for name in ("setsize", "posinset")] == ["59", "3"]
    labelled = "[...document.querySelectorAll('input, select')].every(field => field.labels.length === 1)"
    assert gallery.run(labelled) and gallery.run("document.documentElement.lang") == "en"


def test_the_thumbnail_of_each_pair_is_its_own(gallery):
    """On the screen the left half of card k is the photograph k, shrunk to the size of its thumbnail."""
    gallery.run("scrollTo(0, document.body.scrollHeight)")
    gallery.wait(f"{TITLES}.includes('Pair 59')")
    gallery.wait("performance.getEntriesByType('resource').some(entry => entry.name.endsWith('0003.jpg'))")
    for number in (54, 59):
        box = gallery.run(f"""(() => {{ const box = [...document.querySelectorAll('.card')].find(card =>
            card.textContent.startsWith('Pair {number}F')).querySelector('.thumbnail').getBoundingClientRect();
            return [box.left, box.top, box.width / 2, box.height]; }})()""")
        left, top, width, height = map(round, box)
        screen = cv2.imdecode(np.frombuffer(gallery.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        seen = cv2.resize(screen[top:top + height, left:left + width], (10, 10), interpolation=cv2.INTER_AREA)

        def like(other, seen=seen):
            photograph = cv2.imread(str(gallery.out / f"train/images/{other:06d}.png"))
            small = cv2.resize(photograph, (10, 10), interpolation=cv2.INTER_AREA)
            return np.corrcoef(seen.ravel(), small.ravel())[0, 1]

        assert like(number) > 0.9 and like(number - 1) < 0.5


def test_filters_and_order(gallery):
    """The audit's distances of masks rise evenly from 0.1 to 0.5 in the order of the pairs."""
    slide = "(() => {{ const field = document.getElementById('at-least-{0}'); field.value = {1}; " \
            "field.dispatchEvent(new Event('input')); return field.ariaValueText ?? field.getAttribute(" \
            "'aria-valuetext'); }})()"
    assert gallery.run(slide.format("mask_distance", 75)) == "at least 0.400"
    assert gallery.run(TITLES)[0] == "Pair 45" and gallery.run("count.textContent") == "15 of 59 pairs"
    gallery.run("sort.value = '3,-1'; sort.dispatchEvent(new Event('change'))")
    assert gallery.run(TITLES)[:2] == ["Pair 59", "Pair 58"]
    gallery.run(slide.format("agreement", 100))
    assert gallery.run(TITLES) == ["Pair 59"]
    gallery.run("sort.value = '1,1'; sort.dispatchEvent(new Event('change'))")
    gallery.run(slide.format("agreement", 0))
    gallery.run(slide.format("mask_distance", 0))
    assert gallery.run(TITLES)[0] == "Pair 0"  # which has no agreement


def test_a_pair_opens_and_turns_by_keyboard_and_focus_comes_back(gallery):
    gallery.run("document.querySelector('.card button').focus()")
    gallery.press("ArrowRight", "ArrowDown", "Enter")
    assert gallery.run("document.querySelector('dialog').open")
    columns = gallery.run("columns")
    first = gallery.run("title.textContent")
    assert first == f"Pair {columns + 2}"  # pair 2 is left out
    for part in ("photograph", "mask", "overlay"):
        gallery.wait(f"document.getElementById('{part}').naturalWidth === 40")
    gallery.press("ArrowRight")
    assert gallery.run("title.textContent") == f"Pair {columns + 3}"
    assert gallery.run("photograph.getAttribute('src')") == f"train/images/{columns + 3:06d}.png"
    assert str(columns + 3) in gallery.run("photograph.alt") and str(columns + 3) in gallery.run("mask.alt")
    gallery.press("Escape")
    gallery.wait(f"!dialog.open && document.activeElement.textContent.startsWith('Pair {columns + 3}F1')")
    gallery.press("End")
    assert gallery.run("document.activeElement.textContent").startswith("Pair 59F1")
    assert gallery.run("document.activeElement.getBoundingClientRect().bottom") <= 900
    gallery.press("Home")
    assert gallery.run("document.activeElement.textContent").startswith("Pair 0F1")


def test_the_slider_lays_the_mask_over_the_photograph(gallery):
    gallery.run("open(0)")
    gallery.wait("overlay.complete && photograph.complete && overlay.naturalWidth > 0")

    def shown(percent):
        gallery.run(f"opacity.value = {percent}; opacity.dispatchEvent(new Event('input'))")
        left, top, width, height = map(round, gallery.run("(() => { const b = photograph.getBoundingClientRect(); "
                                                          "return [b.left, b.top, b.width, b.height]; })()"))
        screen = cv2.imdecode(np.frombuffer(gallery.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        return cv2.resize(screen[top:top + height, left:left + width], (40, 40), interpolation=cv2.INTER_AREA)

    mask = cv2.imread(str(gallery.out / "train/masks/000000.png"), cv2.IMREAD_GRAYSCALE)[4:-4, 4:-4] > 0
    difference = np.abs(shown(100).astype(int) - shown(0)).sum(axis=-1)[4:-4, 4:-4]
    assert difference[mask].mean() > 4 * difference[~mask].mean()


def test_both_pictures_of_a_pair_and_all_pairs_are_downloaded(gallery):
    gallery.run("open(3)")
    for link, name, original in (("save-photograph", "4-photograph.png", "train/images/000004.png"),
                                 ("save-mask", "4-mask.png", "train/masks/000004.png")):
        gallery.run(f"document.getElementById('{link}').click()")
        _downloaded(gallery, name, original)
    gallery.run("document.querySelector('a[href=\"pairs.h5\"]').click()")
    _downloaded(gallery, "pairs.h5", "pairs.h5")


def _downloaded(gallery, name, original):
    path = gallery.folder / name
    for _ in range(100):
        if path.exists():
            break
        time.sleep(0.1)
    assert path.read_bytes() == (gallery.out / original).read_bytes()


@pytest.mark.parametrize("width, height", [(1280, 900), (390, 844)])
def test_it_fits_a_desk_and_a_telephone_in_light_and_dark(gallery, width, height):
    backgrounds = []
    for scheme in ("light", "dark"):
        gallery.resize(width, height, scheme)
        gallery.wait(f"innerWidth === {width} && columns === {4 if width > 600 else 2}")
        assert gallery.run("document.documentElement.scrollWidth <= innerWidth")
        backgrounds.append(gallery.run("getComputedStyle(document.body).backgroundColor"))
        gallery.run("open(1)")
        assert gallery.run("dialog.open && dialog.scrollWidth <= dialog.clientWidth")
        gallery.run("dialog.close()")
    assert backgrounds == ["rgb(251, 250, 248)", "rgb(20, 20, 22)"]


def test_of_ten_thousand_pairs_only_those_on_the_screen_are_built(browser, tmp_path, serve):
    metadata = [{"id": row, "agreement": row / 10_000, "sharpness": 1.0, "mask_distance": None,
                 "photograph_distance": 0.5 + row % 7} for row in range(10_000)]
    (tmp_path / "index.html").write_text(page(Terms("large", "CC0-1.0"), metadata, (40, 40)))
    browser.call("Page.navigate", url=f"{serve(tmp_path)}/index.html")
    browser.wait(READY)
    assert browser.run("document.querySelectorAll('.card').length") < 60
    most = browser.run("""(async () => { let most = 0;
        for (let step = 0; step < 50; step++) { scrollTo(0, step * document.body.scrollHeight / 50);
            await new Promise(done => setTimeout(done)); most = Math.max(most, list.children.length); }
        return most; })()""")
    assert most < 60
    browser.run("scrollTo(0, document.body.scrollHeight)")
    browser.wait(f"{TITLES}.includes('Pair 9999')")
    assert browser.run("document.querySelectorAll('.card').length") < 60
    assert browser.run("document.querySelector('#at-least-sharpness, #at-least-mask_distance')") is None  # all alike
    assert browser.run("document.querySelectorAll('form input').length") == 2


def test_more_pairs_than_a_function_takes_arguments_are_shown(browser, tmp_path, serve):
    count = 200_000
    metadata = [{"id": row, "agreement": row / count, "sharpness": None, "mask_distance": None,
                 "photograph_distance": None} for row in range(count)]
    (tmp_path / "index.html").write_text(page(Terms("larger", "CC0-1.0"), metadata, (40, 40)))
    browser.call("Page.navigate", url=f"{serve(tmp_path)}/index.html")
    browser.wait(READY)
    assert browser.run("count.textContent") == f"{count} of {count} pairs"


def test_scores_that_no_pair_has_are_not_shown(browser, tmp_path, serve):
    metadata = [{"id": row, "agreement": None, "sharpness": row, "mask_distance": None, "photograph_distance": None}
                for row in range(3)]
    (tmp_path / "index.html").write_text(page(Terms("demo", "CC0-1.0"), metadata, (40, 40)))
    browser.call("Page.navigate", url=f"{serve(tmp_path)}/index.html")
    browser.wait(READY)
    assert browser.run("[...document.querySelectorAll('.card')].map(card => card.textContent)") == [
        f"Pair {row}" for row in range(3)]
    browser.run("document.querySelector('.card button').click()")
    assert browser.run("[...document.querySelectorAll('dialog dt')].map(term => term.textContent)") == ["Sharpness"]


def test_a_name_cannot_break_out_of_the_page():
    html = page(Terms("a.b", "CC0-1.0"), [{"id": "</script><b>", "agreement": 1.0, "sharpness": 1.0,
                                          "mask_distance": 1.0, "photograph_distance": 1.0}], (40, 40))
    assert "</script><b>" not in html and html.count("{{") == 0
