#!/usr/bin/env bash
# encbox at work on a volume with the parameters of BoxCryptor Classic, as the real EncFS wrote it. Works on a copy.
#
#   demo.sh PROGRAM
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=$(realpath "${1:?usage: demo.sh PROGRAM}")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/encbox-demo-XXXXXX")
clean_up() {
  "$program" unmount "$scratch/mount" >/dev/null 2>&1 || true
  rm -rf --one-file-system "$scratch" 2>/dev/null || rm -rf "$scratch"
}
trap clean_up EXIT

bold='' plain=''
[[ ! -t 1 ]] || { bold=$'\033[1m' plain=$'\033[0m'; }
heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
# Shows a command as one would type it, then runs it.
show() {
  printf '$ %s\n' "$*"
  case $1 in encbox) shift; "$program" "$@" ;; *) "$@" ;; esac
}

cp -R vectors/volumes/boxcryptor-like/cipher "$scratch/volume"
mkdir "$scratch/mount" "$scratch/out"
cd "$scratch"
echo boxcryptor >password
export ENCBOX_PASSWORD_FILE=$scratch/password

heading "What Dropbox sees: a folder of encrypted names"
show ls volume

heading "What kind of volume it is"
show encbox info volume

heading "What is in it"
show encbox ls -l volume

heading "A file out of it"
show encbox export volume notes.md out
show cat out/notes.md

if [[ -w /dev/fuse || $(uname -s) == Darwin ]]; then
  heading "The same volume as an ordinary folder"
  show encbox mount volume mount
  show encbox mounts
  show ls mount

  heading "Any program can work in it"
  printf '$ echo "written through the mount" > mount/hello.txt\n'
  echo "written through the mount" >mount/hello.txt
  show cp mount/notes.md "mount/copy of notes.md"
  show mv "mount/empty dir" "mount/renamed dir"
  show encbox unmount mount
else
  heading "No mount here"
  echo "*** /dev/fuse is missing or not ours to use, so nothing is mounted; the file is imported instead ***"
  echo "written by import" >hello.txt
  show encbox import volume hello.txt /
fi

heading "The new file, read without any mount"
show encbox cat volume hello.txt
show encbox ls volume
show encbox encode volume hello.txt

heading "Done; everything happened in a copy, which is gone now"
