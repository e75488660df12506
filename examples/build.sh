#!/usr/bin/env bash
# A build in four steps, with progress, a warning on stderr and two artifacts.
set -euo pipefail
out=$(mktemp -d ./build-XXXXXX)

echo "META:DESCRIPTION:Builds a small site and packs it"
echo "STEP_START:Fetch dependencies [duration=2]"
for package in click textual aiosqlite watchfiles psutil; do
  echo "fetching $package"
  sleep 0.2
done
echo "STEP_COMPLETE:Fetch dependencies"

echo "STEP_START:Compile [duration=4]"
for page in $(seq 1 20); do
  printf '\033[32m✓\033[0m page %02d compiled\n' "$page"
  echo "<h1>Page $page</h1>" > "$out/page-$page.html"
  echo "META:PROGRESS:$page/20"
  sleep 0.15
done
echo "warning: page 13 has no title" >&2
echo "STEP_COMPLETE:Compile"

echo "STEP_START:Test [timeout=60]"
for check in links titles images; do
  echo "checking $check … ok"
  sleep 0.3
done
echo "STEP_COMPLETE:Test"

echo "STEP_START:Pack"
(cd "$out" && tar -czf site.tar.gz page-*.html)
wc -c < "$out/site.tar.gz" > "$out/size.txt"
echo "ARTIFACT:$out/site.tar.gz:The packed site"
echo "ARTIFACT:$out/size.txt [type=report]"
echo "STEP_COMPLETE:Pack"
