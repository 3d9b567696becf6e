#!/usr/bin/env bash
# Compiles blocks.c against the system's libcrypto (Debian: libssl-dev) and runs it. Right behind it, on the same
# machine: cargo bench --bench content
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
program=$(mktemp)
trap 'rm -f "$program"' EXIT
"${CC:-cc}" -O2 -Wall -Wextra -Wno-deprecated-declarations -o "$program" blocks.c -lcrypto -lm
openssl version
"$program"
