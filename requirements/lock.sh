#!/bin/sh
# Resolves pyproject.toml into hash-locked requirements. dev.lock is resolved first;
# the smaller ones are subsets of it, so that what is tested is what serves.
set -eu
uv=$1
compile() {
    "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 \
        --generate-hashes --no-header --no-annotate --no-emit-index-url "$@"
}
compile --extra dev -o requirements/dev.lock
compile --extra train --extra embedded -c requirements/dev.lock -o requirements/train.lock
compile -c requirements/dev.lock -o requirements/serve.lock
compile --extra distributed --extra lake -c requirements/dev.lock -o requirements/distributed.lock
