#!/bin/bash
# num2words says a whole amount a hundred times too small in one language and right in the next.
#
# Guess:   num2words(1250, to="currency", lang=L) is one amount in words, in each language.
# Happens: a Python int counts as cents in English, German, French, Spanish, Russian and Polish, and as whole units in
#          Portuguese (Brazil), Thai, Turkish and Indonesian. A float or a Decimal of the same value is units in each.
#          The text "1250" is units, too.
# Version: python3-num2words 0.5.10-2 (Debian 12).
# Seen:    1250    en     twelve euro, fifty cents
#          1250    pt_BR  mil, duzentos e cinquenta reais
#          1250.0  en     one thousand, two hundred and fifty euro, zero cents
# Matters: letters, cheques and acknowledgements have the amount in words beside the figures, and in law the words count
#          where both differ. Amounts that happen to be whole are ints after JSON or a database: 12.50 is right,
#          1250 is not, and after a new language was added it is right again.
# Sallyport writes amounts in figures, with the layout's decimals, from integers that have one scale.
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
from num2words import num2words
for language in "en", "de", "fr", "pt_BR", "id":
    whole = num2words(1250, to="currency", lang=language)
    fifty = num2words(12.5, to="currency", lang=language)
    print(language, "cents" if whole == fifty else "units", whole, sep=": ")
END
diff - got <<'END' || { echo "changed: see above, found against seen"; exit 1; }
en: cents: twelve euro, fifty cents
de: cents: zwölf Euro und fünfzig Cent
fr: cents: douze euros et cinquante centimes
pt_BR: units: mil, duzentos e cinquenta reais
id: units: seribu dua ratus lima puluh rupiah
END
echo "as found: 1250 is 12.50 or 1250.00, as the language has it"
