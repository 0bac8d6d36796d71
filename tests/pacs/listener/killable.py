"""A listener as a process of its own, which the tests kill: ``python -m tests.pacs.listener.killable FILE``.

FILE is JSON: the settings, the port of the archive, and a folder in which files that the tests make or find
hold the fake segmenter.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path

from lesionseg.pacs.listener.listener import Parts, listen
from lesionseg.pacs.listener.send import StoreSender
from lesionseg.pacs.listener.settings import ListenSettings
from lesionseg.pacs.listener.study import Checkpoint, StudyTask
from tests.pacs.listener.builders import QuickSegmenter

HOLD, IN_CASE, LISTENING = "hold", "in-case", "listening"


def main(path: Path) -> None:
    content = json.loads(path.read_text())
    settings = ListenSettings.model_validate(content["settings"])
    control = Path(content["control"])

    def hold(task: StudyTask, checkpoint: Checkpoint) -> None:
        (control / IN_CASE).touch()
        while (control / HOLD).exists():
            checkpoint()
            time.sleep(0.01)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)
        if "listens on" in line:
            (control / LISTENING).touch()

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    assert settings.send_to is not None
    sender = StoreSender(settings.send_to, settings.ae_title)
    listen(settings, Parts(QuickSegmenter(before=hold), sender, None, say), stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
