"""The report in a browser: no network, readable in light and dark, narrow and wide, by mouse and keyboard."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser import CONTRASTS, Browser, Keys, needed
from tests.report_world import SOURCE

pytestmark = needed


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A web server of a folder: its address, and the paths that it is asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words: Any) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nothing_else_is_loaded_and_nothing_goes_wrong(chromium: Browser, page: Path) -> None:
    assert page.stat().st_size < 20_000_000
    with served(page.parent) as (address, asked):
        chromium.open(f"{address}/index.html")
        chromium.wait("return document.querySelectorAll('.viewer.ready').length === 2")
        wanted = [url for url in chromium.requests() if not url.startswith("data:")]
        assert (asked, wanted) == (["/index.html"], [f"{address}/index.html"])
    assert chromium.messages() == []
    broken = "return [...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert chromium.ask(broken) == 0


def test_what_is_smuggled_in_loads_nothing_and_does_not_run(
    chromium: Browser, page: Path, tmp_path: Path
) -> None:
    """The page has a policy of its own, so that not even a name or a caption can ask for something."""
    with served(tmp_path) as (address, asked):
        more = f'<img src="{address}/x.png" alt="x"><script>window.ran = 1</script></main>'
        (tmp_path / "index.html").write_text(page.read_text().replace("</main>", more))
        chromium.open(f"{address}/index.html")
        assert asked == ["/index.html"]
    assert sum("Content Security Policy" in line for line in chromium.messages()) == 2
    assert chromium.ask("return window.ran") is None


def test_every_picture_has_words(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri())
    words = chromium.ask("return [...document.images].map(i => i.alt.trim())")
    assert len(words) > 40
    assert all(words)
    assert any(w.startswith("generated mask landloom-0: ") and "forest" in w for w in words)
    assert chromium.ask(
        "return [...document.querySelectorAll('.bars')].every(b => b.ariaLabel.includes('got'))"
    )


def test_classes_have_the_values_of_the_given_masks(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri())
    rows = chromium.all("#dataset ~ .scroll tbody tr")[:3]
    cells = [[c.text for c in row.find_elements("css selector", "td")] for row in rows]
    assert [c[:2] for c in cells] == list(
        map(list, zip(["water", "built up", "forest"], SOURCE, strict=True))
    )


def test_links_lead_to_sections_and_say_where_the_reader_is(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri())
    assert len(chromium.all("nav a")) == 11
    for link in chromium.all("nav a"):
        link.click()
        name = link.get_attribute("hash")[1:]
        assert chromium.ask("return location.hash") == f"#{name}"
        place = "const r = document.getElementById(arguments[0]).getBoundingClientRect();"
        bar = "const bar = document.querySelector('nav').getBoundingClientRect().bottom;"
        assert chromium.ask(f"{place}{bar} return r.top >= bar - 2 && r.bottom <= innerHeight", name)
    chromium.one('nav a[href="#samples"]').click()
    chromium.wait("return document.querySelector('nav a[aria-current]')?.hash === '#samples'")


READABLE = (
    CONTRASTS
    + """
const found = [];
for (const e of document.querySelectorAll("body *")) {
  if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  found.push([ratio(parts(getComputedStyle(e).color), ground(e)), e.tagName + "." + e.className]);
}
return found;
"""
)


@pytest.mark.parametrize("width", [1280, 400])
def test_light_and_dark_are_both_readable(chromium: Browser, page: Path, width: int) -> None:
    grounds, charts = set(), set()
    for dark in (False, True):
        chromium.open(page.as_uri(), dark, width)
        chromium.ask("document.querySelector('.zoom').click()")
        found = chromium.ask(READABLE)
        assert len(found) > 100
        assert min(found)[0] >= 4.5, min(found)
        grounds.add(chromium.ask("return getComputedStyle(document.body).backgroundColor"))
        charts.add(chromium.ask("return document.querySelector('.chart').currentSrc"))
    assert len(grounds) == len(charts) == 2


FOCUS = (
    CONTRASTS
    + """
const style = getComputedStyle(document.activeElement);
const seen = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
return [seen, ratio(parts(style.outlineColor), ground(document.body))];
"""
)


def tabbed(chromium: Browser) -> str:
    """Go on with the Tab key; what kind of element has the focus then."""
    chromium.press(Keys.TAB)
    return chromium.driver.switch_to.active_element.tag_name


@pytest.mark.parametrize("dark", [False, True])
def test_the_focus_is_seen(chromium: Browser, page: Path, dark: bool) -> None:
    chromium.open(page.as_uri(), dark)
    kinds = set()
    while (name := tabbed(chromium)) != "body":
        kinds.add(name)
        width, contrast = chromium.ask(FOCUS)
        assert width >= 2
        assert contrast >= 3
    assert kinds == {"a", "button", "div", "summary"}


SHOWN = "const d = document.querySelector('dialog'); return d.open ? d.querySelector('img').src : null"


def test_a_click_enlarges_a_picture_and_closes_it(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri())
    button = chromium.one(".sheet .zoom")
    small = button.find_element("css selector", "img")
    button.click()
    assert chromium.ask(SHOWN) == small.get_attribute("src")
    big = chromium.one("dialog img")
    assert big.size["height"] > 3 * small.size["height"]
    assert small.get_attribute("alt") in chromium.one("dialog p").text
    big.click()
    assert chromium.ask(SHOWN) is None
    assert chromium.driver.switch_to.active_element == button
    button.click()
    chromium.one("dialog [data-close]").click()
    assert chromium.ask(SHOWN) is None


def test_the_keyboard_enlarges_pictures_goes_on_and_comes_back(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri())
    buttons = chromium.all(".sheet .zoom")
    sources = [b.find_element("css selector", "img").get_attribute("src") for b in buttons]
    chromium.ask("arguments[0].focus()", buttons[1])
    chromium.press(Keys.ENTER)
    assert chromium.ask(SHOWN) == sources[1]
    chromium.press(Keys.ESCAPE)
    assert chromium.ask(SHOWN) is None
    assert chromium.driver.switch_to.active_element == buttons[1]
    assert chromium.ask(FOCUS)[0] >= 2
    chromium.press(Keys.ENTER, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert chromium.ask(SHOWN) == sources[2]
    chromium.press(Keys.ESCAPE)
    assert chromium.driver.switch_to.active_element == buttons[2]


def test_arrows_go_through_a_group_and_tab_leaves_it(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri())
    group = next(g for g in chromium.all(".sheet") if len(g.find_elements("css selector", ".zoom")) == 10)
    buttons = group.find_elements("css selector", ".zoom")  # two rows of five
    chromium.ask("arguments[0].focus()", buttons[0])
    where = []
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.END, Keys.HOME):
        chromium.press(key)
        where.append(buttons.index(chromium.driver.switch_to.active_element))
    assert where == [1, 6, 5, 0, 9, 0]
    chromium.press(Keys.TAB)
    assert chromium.driver.switch_to.active_element not in buttons


def test_a_narrow_window_scrolls_tables_and_not_the_page(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri(), width=360)
    assert chromium.ask("return document.documentElement.scrollWidth") <= 360
    wide = [b for b in chromium.all(".scroll") if b.get_attribute("tabindex") == "0"]
    assert len(wide) > 3
    assert all(b.get_attribute("aria-label") for b in wide)
    table = next(b for b in wide if b.find_elements("css selector", "table"))
    chromium.ask("arguments[0].focus()", table)
    first = table.find_element("css selector", "tbody td")
    left = first.rect["x"]
    chromium.press(*[Keys.ARROW_RIGHT] * 3)
    chromium.wait("return arguments[0].scrollLeft > 20", table)
    assert first.rect["x"] == left  # the name of the row stays


def test_dark_images_are_shown_so_that_they_are_seen(chromium: Browser, page: Path) -> None:
    chromium.open(page.as_uri())
    dark = [b for b in chromium.all(".zoom") if "night-0" in b.get_attribute("innerHTML")]
    marked = [b for b in dark if b.find_elements("css selector", ".gain")]
    assert len(marked) == 1
    assert marked[0].text.startswith("×")
    pixels = chromium.pixels(marked[0].find_element("css selector", "img"))
    assert pixels[20:-40].max() > 200
    assert pixels[20:-40].min() < 40
    chromium.ask("arguments[0].click()", marked[0])
    assert f"dark, shown {marked[0].text} as bright" in chromium.one("dialog p").text
