#!/usr/bin/env python3
"""A long run that says a lot: NOISY_LINES lines in all, in bursts."""

import os
import time

LINES = int(os.environ.get("NOISY_LINES", "20000"))
STAGES = ("Warm up", "Crunch", "Cool down")

for stage in STAGES:
    print(f"STEP_START:{stage}")
    count = LINES // len(STAGES)
    for number in range(1, count + 1):
        print(f"{stage.lower()}: item {number:06d} of {count} checked, nothing special about it")
        if number % 100 == 0:
            print(f"META:PROGRESS:{100 * number // count}%", flush=True)
            time.sleep(0.02)
    print(f"STEP_COMPLETE:{stage}")
