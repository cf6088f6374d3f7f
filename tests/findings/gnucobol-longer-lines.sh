#!/bin/bash
# GnuCOBOL cuts a line that is longer than its record, and reports success.
#
# Guess:   READ of a LINE SEQUENTIAL file tells a longer line by file status 04 (a record of another length), or gives
#          the rest as the next record.
# Happens: the status is 00, the rest of the line is thrown away, and the next READ is the next line. A shorter line is
#          filled with blanks, with 00 as well.
# Version: gnucobol3 3.1.2-5 (Debian 12); gnucobol4 4.0-early-dev does the same.
# Seen:    PIC X(12), lines K1;1.00;CNY, K2;123456.78;CNY, K3
#          K1;1.00;CNY, 00
#          K2;123456.78, 00      (";CNY" is gone; with X(8) it would be K2;12345)
#          K3, 00
# Matters: a field that has become wider (a longer key, an amount with one digit more) loses its end in the partner's
#          job: an amount of 123456.78 is booked as 12345, and neither status nor count shows it.
# Sallyport refuses a line of fixed width that is longer or shorter than its fields, and a field beyond its width; what
# it writes for such a partner has the layout's widths.
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

printf '%s\n' 'K1;1.00;CNY' 'K2;123456.78;CNY' K3 >lines
cat >lines.cob <<'END'
       IDENTIFICATION DIVISION.
       PROGRAM-ID. READS.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT LINES-OF-FILE ASSIGN TO "lines"
             ORGANIZATION LINE SEQUENTIAL FILE STATUS STATUS-OF-FILE.
       DATA DIVISION.
       FILE SECTION.
       FD LINES-OF-FILE.
       01 ONE-LINE PIC X(12).
       WORKING-STORAGE SECTION.
       01 STATUS-OF-FILE PIC XX.
       01 AT-END PIC 9 VALUE 0.
       PROCEDURE DIVISION.
           OPEN INPUT LINES-OF-FILE.
           PERFORM UNTIL AT-END = 1
             READ LINES-OF-FILE AT END MOVE 1 TO AT-END
             NOT AT END DISPLAY "[" ONE-LINE "] " STATUS-OF-FILE
             END-READ
           END-PERFORM.
           CLOSE LINES-OF-FILE.
           STOP RUN.
END
usr/bin/cobc -x -o reads lines.cob >log 2>&1 || cannot "cobc: $(tail -n 1 log)"
cat >expected <<'END'
[K1;1.00;CNY ] 00
[K2;123456.78] 00
[K3          ] 00
END
timeout 60 ./reads >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: GnuCOBOL $version cuts a longer line and says 00"
