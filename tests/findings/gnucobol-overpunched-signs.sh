#!/bin/bash
# GnuCOBOL reads a debit whose sign is in the last digit as a credit of another amount, also with -std=ibm.
#
# Guess:   PIC S9(5)V99 is zoned decimal as mainframes and data exchange have it: 001234N is -123.45; or whatever cannot
#          be read stops the program; or -std=ibm reads it as IBM does.
# Happens: by default the sign is GnuCOBOL's own ("p" to "y" are -0 to -9). 001234N is then 123.40: the sign is gone,
#          the last digit 0, and no error; even the field itself is changed. Only NUMERIC would tell, before its first
#          use. With -fsign=EBCDIC it is right, and then "u", its own -5, is +5.
# Version: gnucobol3 3.1.2-5 (Debian 12); gnucobol4 4.0-early-dev does the same.
# Seen:    field      default  -std=ibm  -fsign=EBCDIC
#          001234N     123.40    123.40   -123.45
#          001234E     123.40    123.40    123.45
#          0012345     123.45    123.45    123.45
#          001234u    -123.45   -123.45    123.45
# Matters: a batch that was moved from a mainframe to GnuCOBOL books each debit as a credit and each amount without its
#          last digit; a file of credits alone is short by cents that nobody looks for.
# Sallyport reads and writes { A-I } J-R with sign = overpunch, and "p" to "y" with sign = zoned-ascii
# alone. A control total shows the partner that its program reads it otherwise; the manual tells the option.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg gcc; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
cd "$work"
apt-get download -qq gnucobol3 libcob4 libcob4-dev libgmp-dev libdb5.3 libjson-c5 libncursesw6 libxml2 \
  libicu72 >log 2>&1 ||
  cannot "apt-get download: $(tail -n 1 log)"
version=$(dpkg-deb -f gnucobol3_*.deb Version)
[[ $version == 3.1.2-* ]] || cannot "this release has GnuCOBOL $version, the finding is about 3.1.2 (Debian 12)"
for package in *.deb; do dpkg -x "$package" .; done
libraries=$(echo "$work"/usr/lib/*-linux-gnu)
export COB_CONFIG_DIR=$work/etc/gnucobol COB_COPY_DIR=$work/usr/share/gnucobol/copy LD_LIBRARY_PATH=$libraries
COB_CFLAGS="-I$work/usr/include -I$(echo "$work"/usr/include/*-linux-gnu) -pipe"
export COB_CFLAGS COB_LDFLAGS=-L$libraries

printf '%s\n' 001234N 001234E 0012345 001234u >amounts
cat >read.cob <<'END'
       IDENTIFICATION DIVISION.
       PROGRAM-ID. READS.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT AMOUNTS ASSIGN TO "amounts"
             ORGANIZATION LINE SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD AMOUNTS.
       01 AMOUNT PIC S9(5)V99.
       WORKING-STORAGE SECTION.
       01 SHOWN PIC -(5)9.99.
       01 AT-END PIC 9 VALUE 0.
       PROCEDURE DIVISION.
           OPEN INPUT AMOUNTS.
           PERFORM UNTIL AT-END = 1
             READ AMOUNTS AT END MOVE 1 TO AT-END
             NOT AT END
               MOVE AMOUNT TO SHOWN
               DISPLAY SHOWN
             END-READ
           END-PERFORM.
           CLOSE AMOUNTS.
           STOP RUN.
END
for option in -std=default -std=ibm -fsign=EBCDIC; do
  usr/bin/cobc -x "$option" -o reads read.cob >log 2>&1 || cannot "cobc: $(tail -n 1 log)"
  timeout 60 ./reads >amounts.read 2>&1 || true
  echo "$option $(xargs <amounts.read)" >>seen
done
cat >expected <<'END'
-std=default 123.40 123.40 123.45 -123.45
-std=ibm 123.40 123.40 123.45 -123.45
-fsign=EBCDIC -123.45 123.45 123.45 123.45
END
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: GnuCOBOL $version reads 001234N as 123.40 unless it is told -fsign=EBCDIC"
