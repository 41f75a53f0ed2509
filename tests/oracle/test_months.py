#!/usr/bin/env python3
"""Simulated months against the second implementation.

    test_months.py [ROUNDS]

tests/unit/test_month.c plays months full of crashes, repeats, late and early
events, and tells here the set of events that its senders were told is accepted,
with the figures of the daemon at the end; the oracle computes them from the
set. KEFU_SEED repeats a run, KEFU_BUILD says where the programs are (build).
"""
import os
import sys

import test_stories

if __name__ == "__main__":
    sys.exit(test_stories.main("test_month", 200 if os.environ.get("KEFU_SOAK") else 6))
