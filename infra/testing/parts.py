"""Runs the steps of one emulator's part: how long each took, and what broke off, told in the table; whatever was started is ended."""

import signal
import sys
import time
import traceback


def run(name: str, part, steps: list) -> None:
    """`part` has `into`, its results, and `close`, which ends what it started."""
    # So that a part that is told to stop goes through `close`, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        for step in steps:
            began = time.monotonic()
            step()
            print(f"{name}: {step.__name__.replace('_', ' ')}: {time.monotonic() - began:.0f} s", flush=True)
    except Exception as why:  # noqa: BLE001 - whatever it is, it is told in the table.
        traceback.print_exc()
        part.into.wrong("the part as a whole", "it broke off", f"{type(why).__name__}: {why}")
    finally:
        part.close()
