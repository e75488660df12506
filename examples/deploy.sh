#!/usr/bin/env bash
# A deployment that finds the disk full and must not go on: stop_on_error ends it all.
echo "STEP_START:Check hosts [stop_on_error=true]"
for host in web-1 web-2 web-3; do
  echo "$host: reachable"
  sleep 0.4
done
echo "STEP_COMPLETE:Check hosts"

echo "STEP_START:Upload [stop_on_error=true]"
for part in 1 2 3; do
  echo "uploading part $part of 5"
  sleep 0.4
done
echo "cp: error writing '/srv/app/part-4': No space left on device" >&2
echo "STEP_ERROR:web-2 has no space left"
sleep 60
echo "never reached"
