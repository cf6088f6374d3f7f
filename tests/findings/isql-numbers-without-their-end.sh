#!/bin/bash
# isql of unixODBC prints a column's first digits only, as many as its type is said to have: no mark, no warning.
#
# Guess:   a value that is wider than its column widens it, or is marked, as a text of over 300 bytes is ("...").
# Happens: in the table form a number is cut behind the digits that its type is said to have: 10 for SQL_INTEGER, and
#          SQLite's INTEGER, sums and expressions count as that. What is left is a good-looking smaller number. With -d
#          (delimited) the same value is whole.
# Version: unixodbc 2.3.11-2+deb12u1, libsqliteodbc 0.9998-3+b1 (Debian 12).
# Seen:    12345678901 (123,456,789.01 in cents)   isql -b       | 1234567890|
#                                                     isql -b -d;   12345678901
# Matters: the last lines of "isql -b" are what scripts keep as control totals: a sum that has grown by a digit comes
#          out as about a tenth, and each day before it was right.
# Sallyport reads values, not tables that are made for the eye.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg python3; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
cd "$work"
apt-get download unixodbc libodbc2 libodbcinst2 libsqliteodbc >log 2>&1 || cannot "apt-get download: $(tail -n 1 log)"
ls unixodbc_2.3.11-2+deb12u1_*.deb >>log 2>&1 || cannot "another release: the finding is about Debian 12"
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo "$work"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH ODBCSYSINI="$work" ODBCINI="$work/odbc.ini"
printf '[SQLite]\nDriver=%s\n' "$LD_LIBRARY_PATH/odbc/libsqlite3odbc.so" >odbcinst.ini
printf '[books]\nDriver=SQLite\nDatabase=%s\n' "$work/books.db" >odbc.ini

python3 - <<'END'
import sqlite3
with sqlite3.connect("books.db") as books:
    books.execute("CREATE TABLE details(cents BIGINT)")
    books.execute("INSERT INTO details VALUES(12345678901)")
END
query='SELECT sum(cents) AS total FROM details'
{ echo "$query" | usr/bin/isql -b books | sed -n 4p; echo "$query" | usr/bin/isql -b '-d;' books; } >got 2>>log
diff - got <<'END' || { echo "changed: see above, found against seen"; exit 1; }
| 1234567890|
12345678901
END
echo "as found: the table form leaves out the last digit"
