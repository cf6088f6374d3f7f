#!/bin/bash
# GnuCOBOL reads records of variable length from a mainframe as fewer and longer ones, the first with success; also with
# -std=ibm.
#
# Guess:   a sequential file of variable records is that of a mainframe (RECFM=V as it is sent with its record
#          descriptor words): two bytes of length, the highest first, and two of zeros, and the length counts the word.
#          (IBM DFSMS Using Data Sets, RDW)
# Happens: there is such a word, and its length does not count it. A record has the next one's first four bytes behind
#          it, the file is out of step from there, and READ says 00, later 04. What does not fit any more at the end is
#          dropped with 10, as at the end of a good file. COB_VARSEQ_FORMAT 1, 2 and 3 do not read it either. What it
#          writes, a mainframe would take for records that are four bytes shorter.
# Version: gnucobol3 3.1.2-5 (Debian 12).
# Seen:    five records K1;10 … K5;50, each behind 00 09 00 00
#          9 bytes, K1;10 and the next word, status 00
#          9 bytes, 0, a word, K3;3, status 04
#          end of file, status 10: two records of five
# Matters: a job that was moved from a mainframe loses three records of five, and gets amounts with the first digit of
#          another record; a program that looks for status 10 alone ends as after a good file.
# Sallyport has a word for each, descriptor = rdw and descriptor = length, guesses neither, and refuses a file whose
# words cannot be those (T017), with a hint to the other.
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

for n in 1 2 3 4 5; do printf '\0\011\0\0K%s;%s0' $n $n; done >variables
cat >read.cob <<'END'
IDENTIFICATION DIVISION.
PROGRAM-ID. READS.
ENVIRONMENT DIVISION.
INPUT-OUTPUT SECTION.
FILE-CONTROL.
  SELECT VARIABLES ASSIGN TO "variables" ORGANIZATION SEQUENTIAL FILE STATUS STATUS-OF-FILE.
DATA DIVISION.
FILE SECTION.
FD VARIABLES RECORD VARYING FROM 1 TO 40 DEPENDING ON LENGTH-OF-RECORD.
01 ONE-RECORD PIC X(40).
WORKING-STORAGE SECTION.
01 STATUS-OF-FILE PIC XX.
01 LENGTH-OF-RECORD PIC 99.
01 AT-END PIC 9 VALUE 0.
PROCEDURE DIVISION.
  OPEN INPUT VARIABLES.
  PERFORM UNTIL AT-END = 1
    READ VARIABLES AT END MOVE 1 TO AT-END
    NOT AT END DISPLAY LENGTH-OF-RECORD " " ONE-RECORD(1:LENGTH-OF-RECORD) " " STATUS-OF-FILE
    END-READ
  END-PERFORM.
  DISPLAY "LAST " STATUS-OF-FILE.
  CLOSE VARIABLES.
  STOP RUN.
END
for option in -std=default -std=ibm; do
  usr/bin/cobc -x -free "$option" -o reads read.cob >log 2>&1 || cannot "cobc: $(tail -n 1 log)"
  { echo "$option"; timeout 60 ./reads 2>&1 | tr '\0\t' '..' || true; } >>seen
done
cat >expected <<'END'
-std=default
09 K1;10.... 00
09 0....K3;3 04
LAST 10
-std=ibm
09 K1;10.... 00
09 0....K3;3 04
LAST 10
END
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: GnuCOBOL $version reads two of five records of a mainframe"
