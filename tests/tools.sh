#!/bin/sh
# What the tests need from the system: a Chromium (the system's, else apt's where that is possible, else Playwright's own)
# and, on CI, nix.
set -e

installed() {
    for name in "$@"; do
        if command -v "$name" > /dev/null; then return 0; fi
    done
    return 1
}

from_apt() {
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    installed apt-get && $as_root true 2> /dev/null || return 1
    $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends "$1" > /dev/null
}

installed chromium-headless-shell chromium chromium-browser google-chrome ||
    from_apt chromium-headless-shell 2> /dev/null || from_apt chromium || python -m playwright install --only-shell chromium
[ -z "$CI" ] || installed nix || from_apt nix-bin
