#!/bin/sh
# Lock files with hashes and no index addresses; the same versions in all of them, GPU ones apart (two TensorFlows).
set -eu
cd "$(dirname "$0")"
uv=$(cd .. && realpath "$1")
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-emit-index-url --no-annotate "$@"; }
compile dev.in -o dev.txt
for name in local worker web; do compile -c dev.txt "$name.in" -o "$name.txt"; done
for name in local-gpu gpu; do compile -c web.txt "$name.in" -o "$name.txt"; done
# Wheels of pure Python that the service hands out to any Python from 3.9 on.
"$uv" pip compile --quiet --universal --python-version 3.9 --generate-hashes --no-header --no-emit-index-url \
    --no-annotate client.in -o client.txt
