"""Chromium without a window, for tests of pages; they are skipped where it is not installed."""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PROGRAM, DRIVER = (shutil.which(n) for n in ("chromium", "chromedriver"))
needed = pytest.mark.skipif(
    not (PROGRAM and DRIVER), reason="needs chromium and chromedriver (Debian: apt install chromium-driver)"
)
"""Mark of tests that need the browser."""

CONTRASTS = """
const bright = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const parts = (color) => color.match(/[\\d.]+/g).map(Number);
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const found = parts(getComputedStyle(e).backgroundColor);
    if (found.length === 3 || found[3] === 1) return found;
  }
  throw new Error("no ground");
};
const ratio = (a, b) => {
  const [x, y] = [bright(a), bright(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};
"""
"""Contrast of two colours as WCAG 2 has it, and the colour behind an element."""


@contextmanager
def browser() -> Iterator["Browser"]:
    """Start the browser, and end it afterwards."""
    options = webdriver.ChromeOptions()
    options.binary_location = PROGRAM or ""
    for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """A running browser.

    Args:
        driver: of selenium.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, address: str, dark: bool = False, width: int = 1280) -> None:
        """Load a page afresh; earlier messages are forgotten."""
        chosen = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        chosen.append({"name": "prefers-reduced-motion", "value": "reduce"})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": chosen})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get("about:blank")
        self.messages()
        self.requests()
        self.driver.get(address)

    def messages(self) -> list[str]:
        """What the console says, and what went wrong."""
        return [line["message"] for line in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for; of data: addresses the first signs."""
        lines = [json.loads(line["message"])["message"] for line in self.driver.get_log("performance")]
        found = [m["params"] for m in lines if m["method"] == "Network.requestWillBeSent"]
        return [p["request"]["url"][:60] for p in found]

    def ask(self, script: str, *given: Any) -> Any:
        """Value of a script's ``return``."""
        return self.driver.execute_script(script, *given)

    def all(self, selector: str) -> list[WebElement]:
        """Elements that a selector finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first of them."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def wait(self, script: str, *given: Any) -> None:
        """Wait until a script returns something true."""
        WebDriverWait(self.driver, 60, 0.05).until(lambda _: self.ask(script, *given))

    def pixels(self, element: WebElement) -> NDArray[np.uint8]:
        """What an element shows, (H, W, 3)."""
        with Image.open(io.BytesIO(element.screenshot_as_png)) as picture:
            return np.asarray(picture.convert("RGB"))


__all__ = ["CONTRASTS", "Browser", "By", "Keys", "browser", "needed"]
