#!/bin/bash
# pyodbc reads cents from an SQLite table by ODBC modulo 2^32, without an error: 50,000,000.00 arrive as 7,050,327.04.
#
# Guess:   a column INTEGER of SQLite has 64 bits; a driver says so, or a value that does not fit is an error (22003).
# Happens: the driver says SQL_INTEGER (32 bits) of each column INTEGER and of each expression, a sum too, and hands
#          out the lower 32 bits as a success. A cast to bigint in the query changes nothing: only the type with which
#          the table was declared counts. Read as text, the same values are whole.
# Version: libsqliteodbc 0.9998-3+b1, unixodbc 2.3.11-2+deb12u1, python3-pyodbc 4.0.34-1+b2 (Debian 12).
# Seen:    cents INTEGER  5000000000   705032704
#          cents BIGINT   5000000000   5000000000
#          sum(cents) of the BIGINT    705032704
#          cast(sum(cents) as text)    5000000000
# Matters: a table of details or of balances in cents is summed for a reconciliation: right in each test, and wrong
#          from 21,474,836.48 on. The sign may change, too.
# Sallyport fetches every number by ODBC as text and converts it itself, with a check of its range.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg python3; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
cd "$work"
apt-get download unixodbc libodbc2 libodbcinst2 libsqliteodbc python3-pyodbc >log 2>&1 ||
  cannot "apt-get download: $(tail -n 1 log)"
ls libsqliteodbc_0.9998-3+b1_*.deb python3-pyodbc_4.0.34-1+b2_*.deb >>log 2>&1 ||
  cannot "another release: the finding is about Debian 12"
for package in *.deb; do dpkg -x "$package" .; done

LD_LIBRARY_PATH=$(echo "$work"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH PYTHONPATH="$work/usr/lib/python3/dist-packages" ODBCSYSINI="$work" ODBCINI="$work/odbc.ini"
printf '[SQLite]\nDriver=%s\n' "$LD_LIBRARY_PATH/odbc/libsqlite3odbc.so" >odbcinst.ini
: >odbc.ini
cat >try.py <<'END'
import pyodbc, sqlite3
with sqlite3.connect("books.db") as books:
    books.execute("CREATE TABLE narrow(cents INTEGER)")
    books.execute("CREATE TABLE wide(cents BIGINT)")
    for table in "narrow", "wide":
        books.execute(f"INSERT INTO {table} VALUES(5000000000)")
seen = pyodbc.connect("Driver=SQLite;Database=books.db")
for query in ("SELECT cents FROM narrow", "SELECT cents FROM wide", "SELECT sum(cents) FROM wide",
              "SELECT cast(sum(cents) AS bigint) FROM wide", "SELECT cast(sum(cents) AS text) FROM wide"):
    print(query, seen.execute(query).fetchone()[0], sep=": ")
END
cat >expected <<'END'
SELECT cents FROM narrow: 705032704
SELECT cents FROM wide: 5000000000
SELECT sum(cents) FROM wide: 705032704
SELECT cast(sum(cents) AS bigint) FROM wide: 705032704
SELECT cast(sum(cents) AS text) FROM wide: 5000000000
END
python3 try.py >got 2>>log || cannot "python3: $(tail -n 1 log)"
diff expected got || { echo "changed: see above, found against seen"; exit 1; }
echo "as found: 32 bits of each sum, without an error"
