#!/bin/bash
# isql -b of unixODBC ends with 0 though the query failed; its result is an empty file.
#
# Guess:   in batch mode, "no prompting", the exit status says whether the statements worked, as it does for mysql,
#          sqlite3 -bail and psql -v ON_ERROR_STOP=1.
# Happens: the status is about the connection only (1 where there is none). A statement that fails is told on standard
#          error, the next line is run, and the end is 0.
# Version: unixodbc 2.3.11-2+deb12u1, libsqliteodbc 0.9998-3+b1 (Debian 12).
# Seen:    SELECT nosuch        standard output empty, status 0
#          the same, then SELECT 1   the second one's rows, status 0
#          an unknown DSN       status 1
# Matters: "isql -b -d, books <details.sql >details.csv && gpg … && sftp …" sends an empty file of details on the day
#          after a column was renamed, and both sides have a success on record.
# Sallyport: an empty file is refused by default, and so is one whose trailer does not count it.
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

: >books.db
run() { status=0; usr/bin/isql -b '-d;' "$1" >out 2>>log || status=$?; echo "$(tr '\n' ' ' <out)status $status"; }
{
  echo 'SELECT nosuch' | run books
  printf 'SELECT nosuch\nSELECT 1\n' | run books
  echo 'SELECT 1' | run missing
} >got
diff - got <<'END' || { echo "changed: see above, found against seen"; exit 1; }
status 0
1 status 0
status 1
END
echo "as found: a failed query is a success with no rows"
