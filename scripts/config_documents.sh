#!/bin/sh
# Writes config/sci.yaml and the tables of docs/configuration.md anew from the program's key table (src/config/keys.c).
# Usage: scripts/config_documents.sh [SCI]     SCI: the program, build/sci without it.
set -eu
cd "$(dirname "$0")/.."
sci=${1:-build/sci}
page=docs/configuration.md
"$sci" config keys --yaml >config/sci.yaml.tmp
mv config/sci.yaml.tmp config/sci.yaml
{
    sed '/^### `server`/,$d' "$page" | sed '$d'
    "$sci" config keys
} >"$page.tmp"
mv "$page.tmp" "$page"
