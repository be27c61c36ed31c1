"""What is printed while the claims are shown: narration is set in, each check is a line of its own."""

import sys
import time


class Transcript:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.passed = self.failed = 0
        self.number = self.step = 0
        self.began = time.monotonic()

    def _line(self, text=""):
        print(text, file=self.out, flush=True)

    def head(self, *lines):
        for line in lines:
            self._line(line)

    def claim(self, number, title):
        self.number, self.step = number, 0
        self._line(f"\n{number}  {title}")

    def say(self, text):
        for line in text.rstrip("\n").split("\n"):
            self._line(f"        {line}".rstrip())

    def check(self, is_so, text):
        """One thing that has to be so; returns whether it is."""
        self.step += 1
        if is_so:
            self.passed += 1
        else:
            self.failed += 1
        self._line(f"{'ok' if is_so else 'not ok'} {self.number}.{self.step} {text}")
        return bool(is_so)

    def end(self):
        self._line(f"\n{time.monotonic() - self.began:.0f} s")
        self._line(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.passed and not self.failed else 1
