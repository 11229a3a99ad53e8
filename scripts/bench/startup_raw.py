"""The least that a prompt in Python can be, for `scripts.bench.startup`: `python -I -S startup_raw.py`."""

import os
import termios

attributes = termios.tcgetattr(0)
raw = [*attributes]
raw[3] &= ~(termios.ECHO | termios.ICANON)
termios.tcsetattr(0, termios.TCSANOW, raw)
try:
    os.write(1, b"> ask anything")
    while (key := os.read(0, 64)) not in (b"", b"\x04"):
        os.write(1, key)
finally:
    termios.tcsetattr(0, termios.TCSANOW, attributes)
