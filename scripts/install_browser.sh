#!/usr/bin/env bash
# Installs Chromium without a window, for the tests that open reports. Debian and its kin, as root; elsewhere any Chromium on the path will do.
set -euo pipefail
if command -v chromium-headless-shell chromium chromium-browser google-chrome >/dev/null; then exit 0; fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null
