#!/usr/bin/env bash
# Copy an image from ghcr.io into a stack's registry and wait for its scan. The copy keeps the
# digest, so the image that was tested is the one that runs. `arca deploy` refuses unscanned images.
# Usage: copy_image.sh SOURCE DIGEST REPOSITORY TAG, with GH_TOKEN and GITHUB_ACTOR.
set -euo pipefail
source="$1" digest="$2" repository="$3" tag="$4"
name="${repository#*/}" image="imageDigest=$2"

skopeo login ghcr.io --username "$GITHUB_ACTOR" --password-stdin <<< "$GH_TOKEN"
aws ecr get-login-password | skopeo login "${repository%%/*}" --username AWS --password-stdin

# ECR scans images, but never an index of images (Amazon ECR User Guide, "Scan images for OS
# vulnerabilities"), so the gate would refuse an index much later. An unreadable manifest ends the
# script here.
manifest="$(skopeo inspect --raw "docker://$source@$digest")"
kind="$(python3 -c 'import json, sys; print("index" if "manifests" in json.load(sys.stdin) else "image")' <<< "$manifest")"
if [ "$kind" = index ]; then
  echo "::error::$digest names an index of images; give the digest of the image for linux/arm64"
  exit 2
fi
if ! aws ecr describe-images --repository-name "$name" --image-ids "$image" > /dev/null 2>&1; then
  skopeo copy --preserve-digests "docker://$source@$digest" "docker://$repository:$tag"
fi

# ECR starts a scan a moment after the push, and the waiter fails at once while there is none.
for attempt in {1..24}; do
  if said="$(aws ecr wait image-scan-complete --repository-name "$name" --image-id "$image" 2>&1)"; then
    exit 0
  fi
  [[ "$said" == *ScanNotFoundException* ]] || break
  [ "$attempt" -eq 24 ] || sleep 5
done
echo "::error::the scan of $digest failed: $said"
exit 1
