#!/bin/bash
# The CNAB library nodenab reads 13.05 as "130.05", and writes three times 4.35 as 13.50.
#
# Guess:   the picture 9(13)V9(2) is a number with two implied decimals: 000000000001305 is read as 13.05, and a number
#          is written rounded to two decimals.
# Happens: reading puts the two halves together as text ("13" and "0.05"), so that each amount with cents becomes a text
#          that is ten times as much, while amounts without cents are right numbers. Writing takes the digits behind the
#          point as a number of its own: where there are more than two (a sum of floating point has seventeen), leading
#          zeros are lost, and .049999999999999 becomes .50. A minus is left out.
# Version: nodenab 1.2.1 (npm) on Node.js 20.20.2.
# Seen:    read   000000000001305   "130.05"
#          read   000000000001300   13
#          write  13.05             000000000001305
#          write  4.35 * 3          000000000001350
#          write  -13.05            000000000001305
# Matters: return files of Brazil's banks (CNAB 240 and 400) are what a shop books its receipts by. The text passes for
#          a number wherever it is multiplied or stored, and the file's own total is read the same way, so that the
#          comparison of both still holds.
# Sallyport reads an implied decimal into whole cents (implied = yes), and writes none that is not exact; it compares
# the sum of what it has read with the trailer.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" nodenab@1.2.1 >"$work/log" 2>&1 ||
  cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.cjs <<'END'
const {Layout, Remessa, RemessaFile, RetornoFile} = require('nodenab');
const tag = {pos: [1, 1], picture: '9(1)'}, amount = {pos: [2, 16], picture: '9(13)V9(2)'};
const kinds = {header_arquivo: {tag, amount}, trailer_arquivo: {tag, amount}, detalhes: {segmento_1: {tag, amount}}};
const layout = new Layout(1, '400', {servico: 'cobranca', versao: '1', layout: '400', remessa: kinds, retorno: kinds},
  {loadFromFile: false});
for (const digits of ['000000000001305', '000000000001300']) {
  const lines = ['0000000000000000', '1' + digits, '9' + digits].join('\n');
  const read = new RetornoFile(layout, lines).generate();
  console.log('read', digits, JSON.stringify(read.lotes[0].titulos[0]['1'].amount),
    'total', JSON.stringify(read.trailerArquivo.amount));
}
for (const value of [13.05, 4.35 * 3, -13.05]) {
  const model = new Remessa(layout);
  model.header.set('tag', 0);
  model.header.set('amount', value);
  model.trailer.set('tag', 9);
  model.trailer.set('amount', 0);
  console.log('write', value, new RemessaFile(model).generate().split('\r\n')[0].slice(1));
}
END
cat >expected <<'END'
read 000000000001305 "130.05" total "130.05"
read 000000000001300 13 total 13
write 13.05 000000000001305
write 13.049999999999999 000000000001350
write -13.05 000000000001305
END
timeout 120 node try.cjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: nodenab 1.2.1 reads 13.05 as the text 130.05"
