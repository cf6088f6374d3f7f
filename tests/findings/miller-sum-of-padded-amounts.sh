#!/bin/bash
# Miller sums amounts that are padded with zeros to nothing, and those with a plus, too.
#
# Guess:   the sum of 000000012345 and 000000000155 is 12500.
# Happens: a whole number that begins with 0 is a text for Miller, and so is one with a plus; sum leaves texts out,
#          while count counts them. mean and max tell nothing of it either. The option that makes numbers of them, -O,
#          takes them as octal. With decimals, 0000123.45, they are numbers.
# Version: miller 6.6.0 (Debian 12).
# Seen:    amounts                      count  sum    sum with -O
#          000000012345, 000000000155   2      0      5458
#          +5, 7                        2      7      7
#          0000123.45, 0000001.55       2      125    125
# Matters: cents in fixed width are padded so. A script that checks a trailer's sum by "mlr stats1 -a count,sum" finds a
#          count that is right and a sum of 0, or, of mixed records, one that is too small.
# Sallyport takes what is padded by the layout's pad = "0" as the decimal number that it is, and refuses what is none.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
cd "$work"
apt-get download -qq miller >log 2>&1 || cannot "apt-get download: $(tail -n 1 log)"
version=$(dpkg-deb -f miller_*.deb Version)
[[ $version == 6.6.0* ]] || cannot "this release has miller $version, the finding is about 6.6.0 (Debian 12)"
dpkg -x miller_*.deb .

for amounts in '000000012345 000000000155' '+5 7' '0000123.45 0000001.55'; do
  printf '%s\n' amount $amounts >amounts
  count=$(usr/bin/mlr --icsv --onidx stats1 -a count,sum -f amount amounts)
  octal=$(usr/bin/mlr -O --icsv --onidx stats1 -a sum -f amount amounts)
  echo "$amounts: $count $octal" >>seen
done
cat >expected <<'END'
000000012345 000000000155: 2 0 5458
+5 7: 2 7 7
0000123.45 0000001.55: 2 125 125
END
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: miller $version sums 000000012345 and 000000000155 to 0"
