#!/bin/sh
# A Chromium for the tests: the system's, else one from apt where that is possible, else Playwright's own.
set -e
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" > /dev/null; then exit 0; fi
done
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get > /dev/null && { [ -z "$as_root" ] || $as_root true 2> /dev/null; }; then
    $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends chromium > /dev/null && exit 0
fi
exec python -m playwright install chromium
