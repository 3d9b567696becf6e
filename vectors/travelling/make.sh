#!/bin/sh
# How the volume beside this was made; what has random salts and times comes out otherwise each time.
#   make.sh ENCBOX FOLDER
set -eu
encbox=$1 folder=$2
export ENCBOX_PASSWORD_COMMAND="echo test" ENCBOX_CACHE_DIR="$folder/cache" ENCBOX_STATE_DIR="$folder/desk"
mkdir -p "$folder/clear/Letters/2024"
printf '# The lake\n\nThe ice was cold in May.\n' >"$folder/clear/Letters/lake.md"
printf 'a boat' >"$folder/clear/Letters/2024/boat.txt"
printf 'old' >"$folder/clear/old.txt"
printf '\303\204rger' >"$(printf '%s/clear/\303\204rger.txt' "$folder")"
printf 'bytes' >"$(printf '%s/clear/no UTF-8 \377.txt' "$folder")"
: >"$folder/clear/empty"
cp "$(dirname "$0")/../../tests/preview/corpus/picture.png" "$folder/clear/photo.png"
"$encbox" new --iterations 1000 "$folder/volume"
"$encbox" import "$folder/volume" "$folder"/clear/* /
"$encbox" index --publish "$folder/volume"
sleep 2
export ENCBOX_STATE_DIR="$folder/laptop"
"$encbox" rm "$folder/volume" /old.txt
printf '# Another lake\n\nThe ice is gone.\n' | "$encbox" import --force "$folder/volume" - /Letters/lake.md
printf 'new' | "$encbox" import "$folder/volume" - /new.md
"$encbox" index --publish "$folder/volume"
"$encbox" index --published --json "$folder/volume"
