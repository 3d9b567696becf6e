"""Depth of a lake."""
import sys

class Lake:
    def __init__(self, rope: float = 1.5):
        self.depth = rope / 2  # doubled

print(f"{Lake(float(sys.argv[1])).depth}")
