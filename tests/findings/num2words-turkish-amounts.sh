#!/bin/bash
# num2words writes a Turkish amount a kuruş too small from a float, and without any number from a Decimal.
#
# Guess:   0.29 is "sıfır lira yirmi dokuz kuruş" as a float, and a Decimal is the safe way to be exact.
# Happens: the kuruş are cut, not rounded: 0.29, 0.57, 1.15 and 2.05, which a float holds a little below, lose one. With
#          a Decimal that has kuruş the result is "lira", without a number and without an error; in English both work.
# Version: python3-num2words 0.5.10-2 (Debian 12).
# Seen:    0.29             sıfırlirayirmisekizkuruş (28)
#          1.15             birliraondörtkuruş (14)
#          Decimal("1.15")  lira
# Matters: the amount in words on a payment order counts before the figures. Who finds the missing kuruş and turns to
#          Decimal, as all advice on money says, sends orders over no amount.
# Sallyport writes amounts in figures from integers, and has no amount in words.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
for tool in apt-get dpkg python3; do
  command -v "$tool" >>"$work/tools" || cannot "no $tool"
done
cd "$work"
apt-get download python3-num2words python3-docopt >log 2>&1 || cannot "apt-get download: $(tail -n 1 log)"
ls python3-num2words_0.5.10-2_*.deb >>log 2>&1 || cannot "another release: the finding is about Debian 12"
for package in *.deb; do dpkg -x "$package" .; done
export PYTHONPATH="$work/usr/lib/python3/dist-packages"
python3 - >got 2>>log <<'END' || cannot "python3: $(tail -n 1 log)"
from decimal import Decimal
from num2words import num2words
for amount in 0.25, 0.29, 1.15, Decimal("1.15"):
    print(repr(amount), num2words(amount, to="currency", lang="tr"))
print(num2words(Decimal("1.15"), to="currency", lang="en"))
END
diff - got <<'END' || { echo "changed: see above, found against seen"; exit 1; }
0.25 sıfırlirayirmibeşkuruş
0.29 sıfırlirayirmisekizkuruş
1.15 birliraondörtkuruş
Decimal('1.15') lira
one euro, fifteen cents
END
echo "as found: a kuruş less, or no number at all"
