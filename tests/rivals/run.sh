#!/usr/bin/env bash
# Shows how other programs fail where a sync client writes into the same folder. Needs /dev/fuse and python3; says loudly
# which programs are not installed.
#
#   run.sh ENCBOX [SCRIPT...]
set -uo pipefail

ENCBOX=$(realpath -- "${1:?usage: run.sh ENCBOX [SCRIPT...]}")
export ENCBOX
shift
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
scripts=("$@")
((${#scripts[@]})) || scripts=(lost_edit hidden_copies no_events half_arrived created_anew uploaded_clear)

status=0
for script in "${scripts[@]}"; do
  PYTHONDONTWRITEBYTECODE=1 python3 "${script%.py}.py" || status=1
done
exit $status
