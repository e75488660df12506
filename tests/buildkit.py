"""What `docker buildx build` writes to a terminal, byte by byte as its display does it."""

from __future__ import annotations

BLUE, RESET = "\x1b[34m", "\x1b[0m"
WIDTH = 60


class BuildKit:
    """Draws frames, each over the one before."""

    def __init__(self) -> None:
        self._rows = 0

    def frame(self, *lines: str) -> bytes:
        """The next frame; a line that begins with `=>` is of a step that is done, so it is blue."""
        text = "\x1b[1A" * self._rows or "\x1b[1A\x1b[1B"
        text += "\x1b[0G\x1b[?25l"
        for line in lines:
            padded = f"{line:<{WIDTH}}"
            text += f"{BLUE}{padded}{RESET}\n" if line.startswith(" =>") else f"{padded}\n"
        gone = self._rows - len(lines)
        if gone > 0:
            text += f"{'':<{WIDTH}}\n" * gone + f"\x1b[{gone}A\x1b[0G"
        self._rows = len(lines)
        return f"{text}\x1b[?25h".encode()


def build() -> list[bytes]:
    """Four frames of a build, the second longer than the last ones."""
    display = BuildKit()
    load = " => [internal] load build definition from Dockerfile"
    return [
        display.frame("[+] Building 0.1s (0/3)"),
        display.frame(
            "[+] Building 1.2s (1/3)",
            f"{load}  0.0s",
            " => => transferring dockerfile: 120B  0.0s",
            " [1/2] FROM docker.io/library/alpine  1.1s",
        ),
        display.frame(
            "[+] Building 2.3s (2/3)",
            f"{load}  0.0s",
            " [2/2] RUN make  0.9s",
        ),
        display.frame(
            "[+] Building 3.4s (3/3) FINISHED",
            f"{load}  0.0s",
            " => [2/2] RUN make  2.0s",
        ),
    ]


LAST = [
    "[+] Building 3.4s (3/3) FINISHED",
    " => [internal] load build definition from Dockerfile  0.0s",
    " => [2/2] RUN make  2.0s",
]
