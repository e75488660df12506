#!/usr/bin/env python3
"""A data job: reads, cleans and sums up some measurements, and leaves a table and a report."""

import csv
import json
import random
import time
from pathlib import Path

ROWS = 2_000


def read(rows: int) -> list[tuple[int, float]]:
    print("STEP_START:Read [duration=2]")
    random.seed(7)
    measured = []
    for index in range(rows):
        measured.append((index, random.gauss(20, 5)))
        if index % (rows // 10) == 0:
            print(f"read {index} rows")
            print(f"META:PROGRESS:{100 * index // rows}%")
            time.sleep(0.1)
    print("META:PROGRESS:100%")
    print("STEP_COMPLETE:Read")
    return measured


def clean(measured: list[tuple[int, float]]) -> list[tuple[int, float]]:
    print("STEP_START:Clean")
    kept = [(index, value) for index, value in measured if 5 < value < 35]
    print(f"dropped {len(measured) - len(kept)} outliers")
    print(f"META:rows_kept:{len(kept)}")
    time.sleep(0.5)
    print("STEP_COMPLETE:Clean")
    return kept


def report(kept: list[tuple[int, float]]) -> None:
    print("STEP_START:Report")
    table, summary = Path("measurements.csv"), Path("summary.json")
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("index", "value"), *kept])
    values = [value for _, value in kept]
    summary.write_text(json.dumps({"rows": len(values), "mean": sum(values) / len(values)}))
    print(f"ARTIFACT:{table}:All measurements that were kept")
    print(f"ARTIFACT:{summary}")
    print("STEP_COMPLETE:Report")


if __name__ == "__main__":
    report(clean(read(ROWS)))
