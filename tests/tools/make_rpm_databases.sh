#!/bin/sh
# Write tests/unit/sbom/databases anew: three packages as rpm's sqlite and Berkeley databases keep them.
#
#     apt-get install rpm db-util
#     sh tests/tools/make_rpm_databases.sh
#
# rpm itself writes sqlite. It only reads Berkeley databases nowadays, so Berkeley's own db_load writes those from the same
# headers, in both byte orders, and rpm has to read the little-endian one before it is taken. Debian's rpm knows no ndb.
set -eu
here=$(cd "$(dirname "$0")/../unit/sbom/databases" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

package() { # NAME VERSION RELEASE EPOCH LICENCE WORDS-OF-DESCRIPTION
    {
        printf 'Name: %s\nVersion: %s\nRelease: %s\nEpoch: %s\nLicense: %s\n' "$1" "$2" "$3" "$4" "$5"
        printf 'Summary: made for tests\nBuildArch: noarch\n%%description\n'
        seq 1 "$6" | sed 's/.*/words of the description & that take room/'
        printf '%%files\n'
    } > "$work/$1.spec"
    rpmbuild --quiet -bb --define "_topdir $work/top" --define '_buildhost tests' "$work/$1.spec" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
package small 1.0 1 0 MIT 1
package bash 5.2.15 3.el9 0 GPLv3+ 40
package diffutils 3.7 12 2 'GPLv3+ and LGPLv2+' 1200

rpm --dbpath "$work/sqlite" --define '_db_backend sqlite' --initdb
rpm --dbpath "$work/sqlite" --define '_db_backend sqlite' -i --justdb --nodeps --noscripts "$work"/top/RPMS/noarch/*.rpm 2> /dev/null

dump() { # BYTE-ORDER
    python3 - "$work/sqlite/rpmdb.sqlite" "$1" <<'PYTHON'
import sqlite3, struct, sys
order = "<" if sys.argv[2] == "1234" else ">"
rows = sqlite3.connect(sys.argv[1]).execute("SELECT hnum, blob FROM Packages ORDER BY hnum").fetchall()
print("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END")
for number, blob in [(0, struct.pack(order + "I", len(rows) + 1)), *rows]:
    print(f" {struct.pack(order + 'I', number).hex()}\n {blob.hex()}")
print("DATA=END")
PYTHON
}
mkdir "$work/little" "$work/big"
dump 1234 | db_load -c db_lorder=1234 "$work/little/Packages"
dump 4321 | db_load -c db_lorder=4321 "$work/big/Packages"
read_back=$(rpm --dbpath "$work/little" --define '_db_backend bdb_ro' -qa --qf '%{name} ' 2> /dev/null | tr ' ' '\n' | sort | xargs)
[ "$read_back" = "bash diffutils small" ] || { echo "rpm reads '$read_back'"; exit 1; }

gzip -9nc "$work/sqlite/rpmdb.sqlite" > "$here/rpmdb.sqlite.gz"
gzip -9nc "$work/little/Packages" > "$here/little-endian-Packages.gz"
gzip -9nc "$work/big/Packages" > "$here/big-endian-Packages.gz"
ls -l "$here"
