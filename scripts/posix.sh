#!/usr/bin/env bash
# File system stress on real mounts: stress-ng's stressors and dbench, first in a plain folder and then in a mount of every
# kind of volume. What fails in the plain folder too is not counted. Needs root and /dev/fuse; installs what is missing.
#
#   posix.sh ENCBOX [KIND...]      kinds: sync standard boxcryptor paranoia mac4k
#
# SECONDS_EACH (3) is how long a stressor runs, DBENCH_SECONDS (30; 0 leaves it out) how long dbench does, STRESSORS
# which they are, BACKING the folder that holds the ciphertext (/dev/shm, so that the disk is no limit).
set -euo pipefail

each=${SECONDS_EACH:-3} dbench_seconds=${DBENCH_SECONDS:-30} backing=${BACKING:-/dev/shm}
stressors=${STRESSORS:-dentry dir dirdeep dirmany fallocate fiemap filename flock lockf locka lockofd lease fpunch fstat \
fsize getdent hdd iomix revio link mmap msync open readahead rename seek symlink sync-file touch utime xattr chmod chown \
copy-file mknod sendfile splice access inode-flags file-ioctl chattr aio dup}

encbox=$(realpath -- "${1:?usage: posix.sh ENCBOX [KIND...]}")
shift
kinds=("$@")
((${#kinds[@]})) || kinds=(standard boxcryptor paranoia mac4k sync)

packages=()
for pair in stress-ng:stress-ng dbench:dbench fusermount3:fuse3; do
  command -v "${pair%%:*}" >/dev/null || packages+=("${pair##*:}")
done
if ((${#packages[@]})); then
  apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}" >&2
fi

scratch=$(mktemp -d -p "$backing" encbox-posix.XXXX)
mounted=
clean_up() {
  cd /
  if [[ $mounted ]]; then "$encbox" unmount "$mounted" || fusermount3 -uz -- "$mounted"; fi
  mounted=
}
trap 'clean_up; rm -rf -- "$scratch"' EXIT

make_volume() { # kind, folder
  local options=(--profile "$1")
  [[ $1 == mac4k ]] && options=(--profile standard --key-bits 256 --block-size 4096 --mac-bytes 8)
  echo testpw | "$encbox" new --quiet --password-stdin --iterations 1000 "${options[@]}" "$2"
}

# Runs everything in a folder; prints the names of what failed.
run_all() { # folder, log prefix
  local name
  cd -- "$1"
  for name in $stressors; do
    # with external IV chaining there are no hard links
    if [[ $name == link && $1 == *paranoia* ]]; then continue; fi
    # one that does not end is one that failed
    timeout -k 5 $((each * 10 + 60)) stress-ng "--$name" 2 --timeout "${each}s" --verify --temp-path "$1" \
      >"$2.$name" 2>&1 || echo "$name"
  done
  if ((dbench_seconds)); then
    # a stopped client makes dbench wait, not fail
    timeout -k 5 $((dbench_seconds * 3 + 60)) dbench -t "$dbench_seconds" -D "$1" 4 >"$2.dbench" 2>&1 || echo dbench
  fi
  cd /
}

mkdir "$scratch/plain" "$scratch/logs"
run_all "$scratch/plain" "$scratch/logs/plain" | sort >"$scratch/plain.failed"
echo "plain folder: $(wc -l <"$scratch/plain.failed") failed: $(tr '\n' ' ' <"$scratch/plain.failed")"

failures=0
for kind in "${kinds[@]}"; do
  mkdir "$scratch/$kind" "$scratch/$kind.mount"
  make_volume "$kind" "$scratch/$kind"
  echo testpw | "$encbox" mount --password-stdin "$scratch/$kind" "$scratch/$kind.mount"
  mounted=$scratch/$kind.mount
  run_all "$mounted" "$scratch/logs/$kind" | sort >"$scratch/$kind.failed"
  clean_up
  only_here=$(comm -13 "$scratch/plain.failed" "$scratch/$kind.failed")
  throughput=$(awk '/^Throughput/ {print ", dbench " $2 " " $3}' "$scratch/logs/$kind.dbench" 2>/dev/null || true)
  echo "$kind: $(wc -w <<<"$only_here") failed that the plain folder has not$throughput"
  for name in $only_here; do
    failures=$((failures + 1))
    echo "  $name: $(grep -iE 'fail|error|warn' "$scratch/logs/$kind.$name" | head -3 | tr '\n' ' ')"
  done
  rm -rf -- "${scratch:?}/$kind"
done
((failures == 0))
