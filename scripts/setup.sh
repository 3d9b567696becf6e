#!/usr/bin/env bash
# Installs what `make demo`, `make lint` and `make test` need beside cargo, where it may; says what is missing where it
# may not. Never fails for want of something that only takes away a part of the tests: they say so themselves.
#
#   setup.sh demo|lint|test
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
loudly() { say "*** $* ***"; }
has() { command -v "$1" >/dev/null 2>&1; }

case ${1:-} in demo | lint | test) purpose=$1 ;; *) say "usage: setup.sh demo|lint|test"; exit 2 ;; esac

if ! has cargo; then
  loudly "cargo is missing: install Rust from https://rustup.rs, then try again"
  exit 1
fi

# program:Debian package
needed=(cc:gcc)
case $purpose in
  demo) needed+=(fusermount3:fuse3) ;;
  test)
    needed+=(fusermount3:fuse3 encfs:encfs sqlite3:sqlite3 rsync:rsync git:git vim:vim setfattr:attr tar:tar sed:sed)
    needed+=(setfacl:acl python3:python3 stress-ng:stress-ng syncthing:syncthing)
    ;;
esac

missing=() packages=()
for pair in "${needed[@]}"; do
  if ! has "${pair%%:*}"; then
    missing+=("${pair%%:*}")
    packages+=("${pair##*:}")
  fi
done

# for Python there is no program to look for
if [[ $purpose == test ]] && ! python3 -c 'import cryptography' 2>/dev/null; then
  missing+=("the package cryptography of python3")
  packages+=(python3-cryptography)
fi

install_with_apt() {
  local as_root=()
  if ((EUID != 0)); then
    has sudo && sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  say "installing: $*"
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

if ((${#missing[@]})); then
  case $(uname -s) in
    Linux)
      if ! has apt-get; then
        loudly "please install: ${missing[*]} (on Debian the packages ${packages[*]})"
      elif ! install_with_apt "${packages[@]}"; then
        loudly "could not install ${missing[*]}; as root: apt-get install ${packages[*]}"
      fi
      ;;
    Darwin)
      loudly "missing: ${missing[*]}"
      say "Mounting needs macFUSE (brew install --cask macfuse) with its kernel extension allowed."
      say "The rest: brew install rsync sqlite git vim. EncFS itself is not in Homebrew: tests against it are left out."
      ;;
    *) loudly "please install: ${missing[*]}" ;;
  esac
fi

if [[ $purpose != demo ]]; then
  for component in rustfmt:rustfmt cargo-clippy:clippy; do
    if ! has "${component%%:*}" || ! "${component%%:*}" --version >/dev/null 2>&1; then
      if ! { has rustup && rustup component add "${component##*:}" >&2; }; then
        loudly "the Rust component ${component##*:} is missing and cannot be had here: make lint will fail"
      fi
    fi
  done
fi
