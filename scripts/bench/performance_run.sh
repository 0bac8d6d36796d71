#!/usr/bin/env bash
# Measure what docs/performance.md shows, on a machine that does nothing else, and fill the page.
#   scripts/bench/performance_run.sh DATA [PART...]      parts: case growth peers loaders batch trials ray runtimes
# DATA is the folder of real scans with ct/P001. Without parts all but trials, ray and runtimes run. Results go to
# scripts/bench/results; a part that fails leaves its earlier figures.
set -uo pipefail
cd "$(dirname "$0")/../.."
data="$(cd "$1" && pwd)"; shift
[ $# -gt 0 ] || set -- case growth peers loaders batch
python=.venv/bin/python
results=scripts/bench/results
mkdir -p "$results"
scan="$data/ct/P001"

record() { "$python" -m scripts.bench.peers.machine > "$results/$1.machine.json"; }
case_of() { # NAME ARGUMENT...: one case by stages
  local name="$1"; shift
  record "$name" && "$python" -m scripts.bench.case_stages "$@" --json "$results/$name.json" >/dev/null
}

for part in "$@"; do
  echo "=== $part ($SECONDS s since start)"
  case "$part" in
    case) case_of case-P001 "$scan" --repeats 3 ;;
    growth)
      case_of case-phantom-100 --phantom 100x512x512 --spacing-mm 3 --repeats 1
      case_of case-phantom-300 --phantom 300x512x512 --spacing-mm 1 --repeats 1
      case_of case-phantom-600 --phantom 600x512x512 --spacing-mm 0.5 --repeats 1 ;;
    peers)
      "$python" -m scripts.bench.peers.segmentation "$scan" --slices 40 --json "$results/segmentation.json" >/dev/null ;;
    loaders) "$python" -m scripts.bench.peers.loaders --repeats 9 --json "$results/loaders.json" >/dev/null ;;
    batch)
      "$python" -m scripts.bench.batch_memory --scans 300 --bundle quick --loop-scans 0 \
        --json "$results/batch-memory.json" --figure docs/images/batch-memory.png >/dev/null
      record batch-throughput && "$python" -m scripts.bench.batch_memory --scans 24 --shape 80 192 192 \
        --json "$results/batch-throughput.json" >/dev/null ;;
    trials)
      "$python" -m scripts.bench.batch_kills --scans 60 --kills 20 --json "$results/batch-kills.json" >/dev/null
      "$python" -m scripts.bench.batch_faults --scans 60 --json "$results/batch-faults.json" >/dev/null ;;
    ray) record ray && "$python" -m scripts.bench.ray_scaling --scans 24 --json "$results/ray.json" >/dev/null ;;
    runtimes) "$python" scripts/runtimes_agree.py --data "$data" --json "$results/runtimes.json" ;;
    *) echo "no such part: $part" >&2; exit 2 ;;
  esac || echo "$part ended with exit code $?" >&2
done
rm -f "$results"/*.new
"$python" -m scripts.bench.performance_table
echo "=== done ($SECONDS s)"
