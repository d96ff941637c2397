"""A headless Chromium, spoken to by its own protocol over a pipe: opens a page, presses keys, takes a picture."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WHY_NOT = "no Chromium here (apt-get install chromium): pages are not opened in a browser"


def find_browser() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab of a browser with a profile of its own; every request that it makes is remembered."""

    def __init__(self, program: str, profile: Path) -> None:
        self._to_read, self._to_write = os.pipe()
        self._from_read, self._from_write = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"]
        flags += ["--disable-background-networking", "--disable-component-update", "--window-size=1000,1400"]
        shell = f'exec "$0" "$@" 3<&{self._to_read} 4>&{self._from_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, program, *flags, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(self._to_read, self._from_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._read = os.fdopen(self._from_read, "rb")
        os.close(self._to_read)
        os.close(self._from_write)
        self._number, self._session, self._rest = 0, "", b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._session = ""
        with suppress(OSError, EOFError):
            self.ask("Browser.close")
        os.close(self._to_write)
        self._process.wait(60)
        self._read.close()

    def ask(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol; events that come meanwhile are kept."""
        self._number += 1
        call: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._to_write, json.dumps(call).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = self._read.read1(65536)
            if not piece:
                raise EOFError
            self._rest += piece
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)  # type: ignore[no-any-return]

    def open(self, path: Path) -> None:
        self.ask("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def evaluate(self, text: str) -> Any:
        return self.ask("Runtime.evaluate", expression=text, returnByValue=True)["result"].get("value")

    def press(self, key: str, *, code: int) -> None:
        text = "\r" if key == "Enter" else ""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    @property
    def requests(self) -> list[str]:
        found = [one["params"] for one in self.events if one.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in found]

    @property
    def complaints(self) -> list[str]:
        """What the console says: refused styles and scripts are there."""
        entries = [one["params"]["entry"]["text"] for one in self.events if one.get("method") == "Log.entryAdded"]
        return entries + [str(one) for one in self.events if one.get("method") == "Runtime.exceptionThrown"]
