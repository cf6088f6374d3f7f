#!/bin/bash
# GnuCOBOL's NUMVAL takes 5.00CR for 5.00, and for -5.00 where a blank follows.
#
# Guess:   NUMVAL and NUMVAL-C give a number below zero where CR or DB follows it, as they do for a minus; TEST-NUMVAL
#          says so where they cannot read a text; a currency of three letters may be named. (ISO/IEC 1989, NUMVAL)
# Happens: CR and DB count only when a byte follows them. FUNCTION TRIM, or a field that is just as wide as its text,
#          makes a credit of a debit. TEST-NUMVAL says 0, a good number, of both. NUMVAL-C with "CNY" gives 0.00.
# Version: gnucobol3 3.1.2-5 (Debian 12); gnucobol4 4.0-early-dev does the same.
# Seen:    NUMVAL("5.00-")                      -5.00
#          NUMVAL("5.00CR ")                    -5.00
#          NUMVAL("5.00CR"), ("5.00DB")          5.00, 5.00
#          NUMVAL(TRIM(field of 12 with it))     5.00
#          NUMVAL-C("1,234.56CR")             1234.56
#          NUMVAL-C("$1,234.56")              1234.56
#          NUMVAL-C("CNY1,234.56", "CNY")        0.00
# Matters: lists and statements have CR and DB behind amounts. The sign depends on whether the column before the next
#          delimiter is filled; the one test that programs have for it finds nothing.
# Sallyport reads such a word as a field of its own ("sign-from" with "negative"), and any other word refuses the line.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg gcc; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
cd "$work"
apt-get download -qq gnucobol3 libcob4 libcob4-dev libgmp-dev libdb5.3 libjson-c5 libncursesw6 libxml2 \
  libicu72 >log 2>&1 || cannot "apt-get download: $(tail -n 1 log)"
version=$(dpkg-deb -f gnucobol3_*.deb Version)
[[ $version == 3.1.2-* ]] || cannot "this release has GnuCOBOL $version, the finding is about 3.1.2 (Debian 12)"
for package in *.deb; do dpkg -x "$package" .; done
libraries=$(echo "$work"/usr/lib/*-linux-gnu)
export COB_CONFIG_DIR=$work/etc/gnucobol COB_COPY_DIR=$work/usr/share/gnucobol/copy LD_LIBRARY_PATH=$libraries
COB_CFLAGS="-I$work/usr/include -I$(echo "$work"/usr/include/*-linux-gnu) -pipe"
export COB_CFLAGS COB_LDFLAGS=-L$libraries

tell() { # tell FUNCTION: the lines of a program that shows its value
  echo "MOVE FUNCTION $1 TO AMOUNT MOVE AMOUNT TO SHOWN DISPLAY SHOWN"
}
{
  cat <<'END'
IDENTIFICATION DIVISION.
PROGRAM-ID. VALUES-OF-TEXTS.
DATA DIVISION.
WORKING-STORAGE SECTION.
01 AMOUNT PIC S9(7)V99.
01 SHOWN PIC -(7)9.99.
01 WIDE PIC X(12) VALUE "5.00CR".
PROCEDURE DIVISION.
END
  tell 'NUMVAL("5.00-")'
  tell 'NUMVAL("5.00CR ")'
  tell 'NUMVAL("5.00CR")'
  tell 'NUMVAL("5.00DB")'
  tell 'NUMVAL(WIDE)'
  tell 'NUMVAL(FUNCTION TRIM(WIDE))'
  tell 'TEST-NUMVAL("5.00CR")'
  tell 'NUMVAL-C("1,234.56CR")'
  tell 'NUMVAL-C("$1,234.56")'
  tell 'NUMVAL-C("CNY1,234.56", "CNY")'
  echo 'STOP RUN.'
} >values.cob
usr/bin/cobc -x -free -o values values.cob >log 2>&1 || cannot "cobc: $(tail -n 1 log)"
echo '-5.00 -5.00 5.00 5.00 -5.00 5.00 0.00 1234.56 1234.56 0.00' >expected
timeout 60 ./values 2>&1 | xargs >seen || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: NUMVAL of GnuCOBOL $version is 5.00 for 5.00CR"
