#!/usr/bin/env bash
# Bring an image from ghcr.io into a stack's registry and wait for its scan: the bytes that were
# built are the bytes that run, and `arca deploy` refuses what was not scanned.
# Usage: copy_image.sh SOURCE DIGEST REPOSITORY TAG, with GH_TOKEN and GITHUB_ACTOR.
set -euo pipefail
source="$1" digest="$2" repository="$3" tag="$4"
name="${repository#*/}" image="imageDigest=$2"

skopeo login ghcr.io --username "$GITHUB_ACTOR" --password-stdin <<< "$GH_TOKEN"
aws ecr get-login-password | skopeo login "${repository%%/*}" --username AWS --password-stdin

# ECR scans images, not the index over them (Amazon ECR User Guide, "Scan images for OS
# vulnerabilities"); a digest of an index would be refused as never scanned.
if skopeo inspect --raw "docker://$source@$digest" | python3 -c \
  'import json, sys; sys.exit("manifests" not in json.load(sys.stdin))'; then
  echo "::error::$digest names an index of images; give the digest of the image for linux/arm64"
  exit 2
fi
if ! aws ecr describe-images --repository-name "$name" --image-ids "$image" > /dev/null 2>&1; then
  skopeo copy --preserve-digests "docker://$source@$digest" "docker://$repository:$tag"
fi
aws ecr wait image-scan-complete --repository-name "$name" --image-id "$image"
