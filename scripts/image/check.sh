#!/usr/bin/env bash
# See that an installation works as in its image: check.sh PREFIX
# As a user without rights and without a home that can be written, outside the checkout, and without network:
# doctor, then a phantom scan segmented. What this machine does not allow of that is said and left out.
set -euo pipefail
prefix=$(realpath "${1:?usage: check.sh PREFIX}")
phantom=$(realpath "$(dirname "$0")/phantom.py")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/home" "$place/work"
cp "$phantom" "$place/phantom.py"
chmod 755 "$place"

guard=()
if unshare --net true 2>/dev/null; then
  guard+=(unshare --net)
else
  echo "NOT CHECKED: without network (unshare is not permitted here)"
fi
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if [ "$(id -u)" = 0 ] && "${nobody[@]}" env "$prefix/bin/python" -c '' 2>/dev/null; then
  guard+=("${nobody[@]}")
  chown 65534:65534 "$place/work"
elif [ "$(id -u)" = 0 ]; then
  echo "NOT CHECKED: as a user without rights (no setpriv, or a Python where others may not go)"
fi
chmod 555 "$place/home"

cd "$place/work"
run() {
  echo "+ $*"
  "${guard[@]}" env -i HOME="$place/home" PATH="$prefix/bin:/usr/bin:/bin" TMPDIR="$place/work" \
    MPLCONFIGDIR="$place/work/matplotlib" LANG=C.UTF-8 "$@"
}
run python -c 'import os, lesionseg; print("user", os.getuid(), "uses", os.path.dirname(lesionseg.__file__))'
case $(run python -c 'import lesionseg; print(lesionseg.__file__)') in
  *"$prefix"*) ;;
  *) echo "lesionseg of another place is used" >&2; exit 1 ;;
esac
run lesionseg doctor
run python "$place/phantom.py" scan
run lesionseg segment scan -o result --device cpu
test -s result/measurements.csv
test -s result/overview.png
echo "the installation works"
