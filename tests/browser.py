"""Chromium without a window, told what to do through the pipes of its DevTools protocol."""
from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
LIMIT = 60  # seconds, for one answer


class Browser:
    """One page; a context manager. events: all that the browser has said unasked, as (method, params)."""

    def __init__(self, folder: Path):
        """`folder`: for its profile and for what it downloads. Skips the test where there is no Chromium."""
        self._program = next(filter(None, map(shutil.which, NAMES)), None)
        if self._program is None:
            pytest.skip(f"no Chromium here: none of {', '.join(NAMES)} is in PATH")
        self.folder, self.events, self._number, self._rest = folder, [], 0, b""

    def __enter__(self) -> Browser:
        read_there, self._write = os.pipe()
        self._read, write_there = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
                 "--disable-dev-shm-usage", f"--user-data-dir={self.folder / 'profile'}"]
        # The browser reads from file number 3 and writes to number 4.
        command = f'exec "$0" "$@" 3<&{read_there} 4>&{write_there}'
        self._process = subprocess.Popen(["bash", "-c", command, self._program, *flags], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, pass_fds=(read_there, write_there))
        os.close(read_there)
        os.close(write_there)
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self._call("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.folder)})
        return self

    def __exit__(self, *error) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, **params) -> dict:
        """The answer of the page to a command of the protocol."""
        return self._call(method, params, self._session)

    def run(self, script: str):
        """The value of a JavaScript expression, awaited; AssertionError where it throws."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str) -> None:
        """Until the expression is true; AssertionError where it takes too long."""
        end = time.monotonic() + LIMIT
        while not self.run(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Keys by their names in JavaScript, such as ArrowDown; they go to what has the focus."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38,
                 "ArrowRight": 39, "ArrowDown": 40}
        for key in keys:
            text = {"text": "\r"} if key == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=codes[key],
                      **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=codes[key])

    def resize(self, width: int, height: int, scheme: str = "light") -> None:
        """The window's size, and whether the user likes "light" or "dark" pages."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self) -> bytes:
        """PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def complaints(self) -> list:
        """What the console says: errors, warnings, requests that failed."""
        return [params for method, params in self.events if method in ("Runtime.exceptionThrown", "Log.entryAdded",
                                                                       "Runtime.consoleAPICalled")]

    def requests(self) -> list[str]:
        """The addresses that were asked for."""
        return [params["request"]["url"] for method, params in self.events if method == "Network.requestWillBeSent"]

    def _call(self, method: str, params: dict, session: str | None = None) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            if "method" in answer:
                self.events.append((answer["method"], answer["params"]))

    def _next(self) -> dict:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], LIMIT)
            block = os.read(self._read, 1 << 16) if ready else b""
            assert block, "Chromium does not answer"
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)
