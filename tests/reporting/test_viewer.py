"""Whole scenes in a browser: pan and zoom of image and mask together."""

from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.remote.webelement import WebElement

from tests import exports
from tests.browser import Browser, Keys, needed
from tests.reporting.conftest import HEIGHT, WIDTH, scene_mask

pytestmark = needed
COLORS = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for _, c in exports.CLASSES]


def ready(chromium: Browser, page: Path, scene: str = "east") -> WebElement:
    """Open the page; the viewer of a scene."""
    chromium.open(page.as_uri())
    chromium.wait("return document.querySelectorAll('.viewer.ready').length === 2")
    return chromium.one(f".viewer[aria-label*=' {scene}']")


def place(viewer: WebElement) -> tuple[float, float, float]:
    """Column, row and scale in the middle of a viewer."""
    column, row, scale = map(float, (viewer.get_attribute("data-place") or "").split())
    return column, row, scale


def part(viewer: WebElement, selector: str = ".panel") -> WebElement:
    """The first element of a viewer that a selector finds."""
    return viewer.find_element("css selector", selector)


MIDDLES = """
return [...arguments[0].querySelectorAll("canvas")].map((c) =>
  [...c.getContext("2d").getImageData(c.width / 2, c.height / 2, 1, 1).data].slice(0, 3));
"""
DRAWN = "return arguments[0].dataset.loading === '0'"


def classes_seen(chromium: Browser, viewer: WebElement) -> tuple[int, int]:
    """Classes in the middle of the image and of the mask, by their colours."""
    chromium.wait(DRAWN, viewer)
    image, mask = chromium.ask(MIDDLES, viewer)
    grey = int(np.abs(np.array([20, 120, 220]) - np.mean(image)).argmin())
    return grey, COLORS.index(mask)


def test_a_scene_is_seen_whole_at_first(chromium: Browser, page: Path) -> None:
    viewer = ready(chromium, page)
    column, row, scale = place(viewer)
    panel = part(viewer).size
    assert (column, row) == (WIDTH / 2, HEIGHT / 2)
    assert scale == pytest.approx(min((panel["width"] - 2) / WIDTH, (panel["height"] - 2) / HEIGHT), rel=0.01)


def test_keys_move_and_enlarge_image_and_mask_together(chromium: Browser, page: Path) -> None:
    viewer = ready(chromium, page)
    truth = scene_mask()
    chromium.ask("arguments[0].focus()", viewer)
    chromium.press("1")
    assert place(viewer)[2] == 1
    seen = set()
    steps = (
        [Keys.ARROW_RIGHT],
        [Keys.ARROW_DOWN],
        ["+", Keys.ARROW_LEFT],
        [Keys.ARROW_UP] * 5,
        ["+"] * 4,
    )
    for keys in steps:
        before = place(viewer)
        chromium.press(*keys)
        column, row, _ = place(viewer)
        assert (column, row) != before[:2] or keys[0] == "+"
        assert classes_seen(chromium, viewer) == (truth[int(row), int(column)],) * 2
        seen.add((column, row))
    assert len(seen) >= 4
    assert place(viewer)[2] == pytest.approx(1.5**5, rel=0.01)
    chromium.press(*"+" * 9)
    assert place(viewer)[2] == 16  # and no further
    chromium.press("0")
    assert place(viewer)[:2] == (WIDTH / 2, HEIGHT / 2)


def test_a_scene_never_leaves_its_window(chromium: Browser, page: Path) -> None:
    viewer = ready(chromium, page)
    chromium.ask("arguments[0].focus()", viewer)
    chromium.press("1", *[Keys.ARROW_LEFT] * 20, *[Keys.ARROW_UP] * 20)
    panel = part(viewer).size
    column, row, _ = place(viewer)
    assert (column, row) == (
        pytest.approx(panel["width"] / 2, abs=2),
        pytest.approx(panel["height"] / 2, abs=2),
    )


def test_full_pixels_are_there_when_enlarged(chromium: Browser, page: Path) -> None:
    """A border between two patches is one pixel sharp, which no smaller scale can show."""
    viewer = ready(chromium, page)
    chromium.ask("arguments[0].focus()", viewer)
    chromium.press("1", *"+" * 8)
    chromium.wait(DRAWN, viewer)
    row = chromium.ask(
        "const c = arguments[0].querySelectorAll('canvas')[1];"
        "return [...c.getContext('2d').getImageData(0, c.height / 2, c.width, 1).data]",
        viewer,
    )
    pixels = np.reshape(row, (-1, 4))[:, :3]
    column, line, scale = place(viewer)
    at = column + (np.arange(len(pixels)) + 0.5 - len(pixels) / 2) / scale
    truth = scene_mask()[int(line), at.astype(int)]
    wrong = (pixels != np.array(COLORS)[truth]).any(1)
    assert wrong.sum() <= scale / 2 + 1


def test_the_mouse_drags_enlarges_and_buttons_do_too(chromium: Browser, page: Path) -> None:
    viewer = ready(chromium, page)
    panel = part(viewer)
    ActionChains(chromium.driver).double_click(panel).perform()
    column, row, scale = place(viewer)
    assert scale > 0.6
    ActionChains(chromium.driver).drag_and_drop_by_offset(panel, 60, -40).perform()
    moved = place(viewer)
    assert moved[0] == pytest.approx(column - 60 / scale, abs=2)
    assert moved[1] == pytest.approx(row + 40 / scale, abs=2)
    plus, _, whole, one = viewer.find_elements("css selector", "button")
    plus.click()
    assert place(viewer)[2] == pytest.approx(1.5 * scale, rel=0.01)
    one.click()
    assert part(viewer, "output").text == "100 %"
    whole.click()
    assert place(viewer)[:2] == (WIDTH / 2, HEIGHT / 2)


def test_the_wheel_scrolls_the_page_until_a_scene_was_chosen(chromium: Browser, page: Path) -> None:
    viewer = ready(chromium, page)
    scale, panel = place(viewer)[2], part(viewer)

    def wheel() -> int:
        chromium.ask("arguments[0].scrollIntoView({block: 'center'})", panel)
        top = chromium.ask("return scrollY")
        ActionChains(chromium.driver).scroll_from_origin(ScrollOrigin.from_element(panel), 0, -200).perform()
        return int(top)

    chromium.wait("return scrollY < arguments[0]", wheel())
    assert place(viewer)[2] == scale
    chromium.ask("arguments[0].focus()", viewer)
    top = wheel()
    bigger = "return Number(arguments[0].dataset.place.split(' ')[2]) > 1.3 * arguments[1]"
    chromium.wait(bigger, viewer, scale)
    assert chromium.ask("return scrollY") == top


def test_a_dark_scene_is_seen(chromium: Browser, page: Path) -> None:
    """Its values are 2, 6 and 10 of 255."""
    viewer = ready(chromium, page, "night")
    chromium.wait(DRAWN, viewer)
    script = "const c = arguments[0].querySelector('canvas');"
    script += "return [...c.getContext('2d').getImageData(0, c.height / 2, c.width, 1).data]"
    found = np.reshape(chromium.ask(script, viewer), (-1, 4))
    grey = found[found[:, 3] > 0][:, :3].mean(1)
    assert np.percentile(grey, 5) < 20
    assert np.percentile(grey, 95) > 235
    titles = [e.text for e in chromium.all("h3") if "dark, shown ×" in e.text]
    assert len(titles) == 1
    assert titles[0].startswith("landloom · night")
