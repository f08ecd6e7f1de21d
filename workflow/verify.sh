#!/bin/sh
# Check an archive, or the folder it was extracted to, against its manifest. POSIX shell, tar, sort, find, sed, awk and
# sha256sum or shasum; no Python.
#
#   sh verify.sh ARCHIVE.tar.gz|FOLDER [DIGEST]
#
# Fails when a file was changed, is missing, or is not in the manifest; when a line of the manifest was changed; when the
# archive holds a link, a device or a name that leads out of its folder. With DIGEST, the sha256 of MANIFEST.sha256 that
# you got by another way, it also fails when files and manifest were changed together.
set -eu
LC_ALL=C
export LC_ALL

fail() {
    echo "NOT VERIFIED: $*" >&2
    exit 1
}
if command -v sha256sum >/dev/null 2>&1; then
    sha256() { sha256sum "$@"; }
else
    sha256() { shasum -a 256 "$@"; }
fi

[ $# -ge 1 ] && [ $# -le 2 ] || { echo "Usage: sh verify.sh ARCHIVE.tar.gz|FOLDER [DIGEST]" >&2; exit 2; }
target=$1
expected=${2:-}
[ -e "$target" ] || fail "$target does not exist"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ -d "$target" ]; then
    folder=$target
else
    if [ -f "${target%.tar.gz}.sha256" ]; then
        told=$(sed 's/ .*//' "${target%.tar.gz}.sha256")
        [ "$(sha256 <"$target" | sed 's/ .*//')" = "$told" ] || fail "the archive's digest is not the one in ${target%.tar.gz}.sha256"
    fi
    tar -tzf "$target" >"$work/names" 2>"$work/errors" || fail "not a readable tar archive: $(sed 1q "$work/errors")"
    tar -tvzf "$target" >"$work/long" 2>/dev/null || fail "not a readable tar archive"
    bad=$(grep -v '^[-d]' "$work/long" || true)
    [ -z "$bad" ] || fail "the archive holds links or devices: $bad"
    bad=$(grep -E '^/|(^|/)\.\.(/|$)|[^A-Za-z0-9._+=@,~/-]' "$work/names" || true)
    [ -z "$bad" ] || fail "the archive holds unsafe names: $bad"
    bad=$(sort "$work/names" | uniq -d)
    [ -z "$bad" ] || fail "the archive holds names twice: $bad"
    top=$(sed 's|/.*||' "$work/names" | sort -u)
    [ "$(echo "$top" | wc -l)" -eq 1 ] || fail "the archive has more than one top folder"
    mkdir "$work/files"
    tar -xzf "$target" -C "$work/files" 2>"$work/errors" || fail "cannot extract: $(sed 1q "$work/errors")"
    folder=$work/files/$top
fi

cd "$folder" || fail "$folder cannot be entered"
[ -f MANIFEST.sha256 ] || fail "MANIFEST.sha256 is missing"
digest=$(sha256 <MANIFEST.sha256 | sed 's/ .*//')
[ -z "$expected" ] || [ "$digest" = "$expected" ] || fail "the manifest's digest is $digest, not $expected"
bad=$(find . ! -type f ! -type d)
[ -z "$bad" ] || fail "not a plain file: $bad"
if [ "$(wc -l <MANIFEST.sha256)" -eq 0 ] || grep -qvE '^[0-9a-f]{64}  [^ ]+$' MANIFEST.sha256; then
    fail "MANIFEST.sha256 has lines that are not '<sha256>  <file>'"
fi

# By find itself: in a list of paths, a name with a line break would look like two files.
bad=$(find . -name '*[!A-Za-z0-9._+=@,~-]*')
[ -z "$bad" ] || fail "files that the manifest does not know: $bad"
find . -type f ! -path ./MANIFEST.sha256 >"$work/paths"
: >"$work/found"
while read -r path; do
    sha256 "$path" >>"$work/found"
done <"$work/paths"
sed 's|  \./|  |' "$work/found" >"$work/now"
awk '
    FNR == NR { if ($2 in told) { print "twice in the manifest: " $2; bad = 1 } told[$2] = $1; next }
    { seen[$2] = 1
      if (!($2 in told)) { print "not in the manifest: " $2; bad = 1 }
      else if (told[$2] != $1) { print "changed: " $2; bad = 1 } }
    END { for (name in told) if (!(name in seen)) { print "missing: " name; bad = 1 }
          exit bad }
' MANIFEST.sha256 "$work/now" >&2 || fail "$target differs from its manifest"
echo "verified: $(wc -l <MANIFEST.sha256 | tr -d ' ') files; sha256 of the manifest: $digest"
