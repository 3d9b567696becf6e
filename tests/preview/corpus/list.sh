#!/bin/sh
set -e
for f in *.txt; do echo "$f"; done # all
