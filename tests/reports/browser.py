"""A headless Chromium that opens pages from disk and reports what they wanted from elsewhere."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip
_SET_CONTROL = """
const control = document.getElementById(arguments[0]);
control[control.type === "checkbox" ? "checked" : "value"] = arguments[1];
for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind, {bubbles: true}));
"""
PATIENCE_S, _TRIES = 120, 6

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium and chromedriver here (Debian: chromium, chromium-driver)"
)


@dataclass
class Browser:
    """One browser; `driver` is selenium's."""

    driver: Any

    def open(self, page: Path, *, width: int = 1280, height: int = 900) -> None:
        self.driver.set_window_size(width, height)
        self.driver.get(page.resolve().as_uri())

    def wait_for_viewer(self) -> str:
        """``ready`` or ``failed``."""
        from selenium.webdriver.support.ui import WebDriverWait

        state = "return document.documentElement.dataset.viewer || ''"
        WebDriverWait(self.driver, PATIENCE_S).until(lambda driver: driver.execute_script(state))
        self.settle()
        return self.run(state)

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def choose(self, element: str, value: str | bool) -> None:
        """Set a control as a user does, and wait for the picture."""
        self.run(_SET_CONTROL, element, value)
        self.settle()

    def picture(self, element: str) -> npt.NDArray[np.float64]:
        """What an element looks like: (rows, columns, 3), 0 to 1."""
        from matplotlib.image import imread

        return np.asarray(imread(io.BytesIO(self.screenshot(element)))[:, :, :3], np.float64)

    def screenshot(self, element: str) -> bytes:
        """PNG of an element; a busy machine may need longer than chromedriver's own ten seconds."""
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.common.by import By

        for _ in range(_TRIES - 1):
            with contextlib.suppress(TimeoutException):
                return bytes(self.driver.find_element(By.ID, element).screenshot_as_png)
        return bytes(self.driver.find_element(By.ID, element).screenshot_as_png)

    def complaints(self) -> list[str]:
        """Whatever the console holds: errors, warnings, refused requests."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses asked for since the last call, the page itself and what it carries in it left out."""
        sent = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        wanted = [
            event["params"]["request"]["url"]
            for event in sent
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in wanted if not url.startswith(("data:", "blob:", self.driver.current_url))]


@contextmanager
def open_browser() -> Iterator[Browser]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_page_load_timeout(PATIENCE_S)
    driver.set_script_timeout(PATIENCE_S)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
