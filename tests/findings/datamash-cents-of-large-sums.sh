#!/bin/bash
# GNU datamash rounds a sum to 14 digits: of a trillion, the cents are gone.
#
# Guess:   sums are printed with all digits that the amounts have; the extended floating point that it reckons with has
#          room for 19.
# Happens: each number is printed with 14 digits at most: 999999999999.99 is right, a cent more and above is rounded,
#          and from 15 digits before the point on it is 1e+14. max and min, which only choose, do the same to what they
#          choose.
# Version: datamash 1.7 (Debian 12).
# Seen:    sum of 999999999999.98 and 0.01      999999999999.99
#          sum of 1234567890123.44 and 0.01     1234567890123.5
#          sum of 99999999999999.99 and 0.01    1e+14
#          max of 1234567890123.44              1234567890123.4
#          with -R 2                            1234567890123.45
# Matters: day totals in yen, rupiah or cents have such lengths; compared with a trailer they differ by a few cents, on
#          busy days only, and then the comparison is given a tolerance.
# Sallyport sums whole numbers of the layout's smallest unit, exactly, and refuses a sum that does not fit.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
cd "$work"
apt-get download -qq datamash >log 2>&1 || cannot "apt-get download: $(tail -n 1 log)"
version=$(dpkg-deb -f datamash_*.deb Version)
[[ $version == 1.7-* ]] || cannot "this release has datamash $version, the finding is about 1.7 (Debian 12)"
dpkg -x datamash_*.deb .

{
  printf '%s\n' 999999999999.98 0.01 | usr/bin/datamash sum 1
  printf '%s\n' 1234567890123.44 0.01 | usr/bin/datamash sum 1
  printf '%s\n' 99999999999999.99 0.01 | usr/bin/datamash sum 1
  printf '%s\n' 1234567890123.44 0.01 | usr/bin/datamash max 1
  printf '%s\n' 1234567890123.44 0.01 | usr/bin/datamash -R 2 sum 1
} >seen 2>&1
printf '%s\n' 999999999999.99 1234567890123.5 1e+14 1234567890123.4 1234567890123.45 >expected
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: datamash $version rounds sums to 14 digits"
