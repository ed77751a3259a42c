"""Runs the steps of one emulator's part: reports in the table how long each took and what failed, and ends everything that was started."""

import signal
import sys
import time
import traceback


def run(name: str, part, steps: list) -> None:
    """`part` has `into`, its results, and `close`, which ends what it started."""
    # So that a part that is asked to stop also runs `close`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        for step in steps:
            began = time.monotonic()
            step()
            print(f"{name}: {step.__name__.replace('_', ' ')}: {time.monotonic() - began:.0f} s", flush=True)
    except Exception as why:  # noqa: BLE001 - any failure is reported in the table.
        traceback.print_exc()
        part.into.wrong("the part as a whole", "it broke off", f"{type(why).__name__}: {why}")
    finally:
        part.close()
