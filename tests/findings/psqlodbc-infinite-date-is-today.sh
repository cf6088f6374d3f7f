#!/bin/bash
# A rate that is valid until 'infinity' in PostgreSQL ends today when it is read by ODBC.
#
# Guess:   a date that the client's type cannot hold is an error, NULL, or the type's last day, as for a time stamp.
# Happens: psqlODBC reads no year, month and day out of the word and fills in those of the clock: 'infinity' and
#          '-infinity' are the day on which they are read. 'infinity' as a timestamp is 9999-12-31 23:59:59. Year 12026
#          becomes 9999 with today's month and day. As text ('infinity'::date by isql) it is 0000-00-00.
# Version: odbc-postgresql 13.02.0000-2+b1, unixodbc 2.3.11-2+deb12u1, python3-pyodbc 4.0.34-1+b2, PostgreSQL 15
#          (Debian 12).
# Seen:    'infinity'::date        the day of reading, with success
#          '-infinity'::date       the day of reading, with success
#          'infinity'::timestamp   9999-12-31 23:59:59
#          isql, 'infinity'::date  0000-00-00
# Matters: 'infinity' is how a table of prices says "until further notice". A copy made on 1 March has rates that ended
#          on 1 March; each later record finds none, or the one before; and "since ever" begins today.
# Sallyport takes a date that a source hands out only as YYYY-MM-DD of a plausible year; the manual has the query
# (CASE WHEN isfinite(valid_to) THEN valid_to END, or nullif(valid_to, 'infinity')).
set -eu
work=$(mktemp -d)
server=''
trap '[ -z "$server" ] || { kill -INT "$(head -n 1 "$work/data/db/postmaster.pid")"; wait; }; rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg python3 setpriv; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
cd "$work"
apt-get download unixodbc libodbc2 libodbcinst2 odbc-postgresql python3-pyodbc libpq5 postgresql-15 >log 2>&1 ||
  cannot "apt-get download: $(tail -n 1 log)"
ls odbc-postgresql_*13.02.0000-2+b1_*.deb >>log 2>&1 || cannot "another release: the finding is about Debian 12"
for package in *.deb; do dpkg -x "$package" .; done
export LD_LIBRARY_PATH PYTHONPATH="$work/usr/lib/python3/dist-packages" ODBCSYSINI="$work" ODBCINI="$work/odbc.ini"
LD_LIBRARY_PATH=$(echo "$work"/usr/lib/*-linux-gnu)
printf '[PostgreSQL]\nDriver=%s\n' "$LD_LIBRARY_PATH/odbc/psqlodbcw.so" >odbcinst.ini

# --- A server of its own, on a free port; it does not run as root.
mkdir data
chmod 755 "$work"
as() { "$@"; }
[ "$(id -u)" != 0 ] || { chown nobody data; as() { setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"; }; }
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
bin=$work/usr/lib/postgresql/15/bin
(cd data && as "$bin/initdb" -D "$work/data/db" -A trust -U reader >../log 2>&1) || cannot "initdb: $(tail -n 1 log)"
(cd data && as "$bin/postgres" -D "$work/data/db" -k "$work/data" -p "$port" -h 127.0.0.1) >>log 2>&1 &
server=started
cat >odbc.ini <<END
[rates]
Driver=PostgreSQL
Servername=127.0.0.1
Port=$port
Database=postgres
Username=reader
END
cat >try.py <<'END'
import datetime, pyodbc, time
for _ in range(200):
    try:
        rates = pyodbc.connect("DSN=rates")
        break
    except pyodbc.Error:
        time.sleep(0.05)
before = datetime.date.today()
for value in "'infinity'::date", "'-infinity'::date", "'2026-03-01'::date", "'infinity'::timestamp":
    got = rates.execute("SELECT " + value).fetchone()[0]
    print(value, "the day of reading" if got in (before, datetime.date.today()) else got)
END
cat >expected <<'END'
'infinity'::date the day of reading
'-infinity'::date the day of reading
'2026-03-01'::date 2026-03-01
'infinity'::timestamp 9999-12-31 23:59:59
isql 0000-00-00
END
python3 try.py >got 2>>log || cannot "python3: $(tail -n 1 log)"
echo "isql $(echo "SELECT 'infinity'::date" | "$work/usr/bin/isql" -b '-d;' rates)" >>got
diff expected got || { echo "changed: see above, found against seen"; exit 1; }
echo "as found: until further notice is until today"
