#!/bin/bash
# Two calendars of China's working days say that New Year's Day is worked: one of 2018, both of 2027.
#
# Guess:   1 January is a day off in every year (全国年节及纪念日放假办法, 第二条), and the days of a
#          year that the State Council's notice has settled long ago are right. A year that the package knows nothing of
#          gives an error.
# Happens: chinese-workday has 1 January 2018 as worked, 3 January 2023 as a day off (the notice: 31 December 2022 to 2
#          January), and not the days by which Spring Festival 2020 was made longer. Both packages take each year
#          without data (before the first, behind the last) for one without holidays, without an error.
# Version: chinese-days 1.5.7, chinese-workday 1.16.1 (npm) on Node.js 20.20.2.
# Seen:                 chinese-days    chinese-workday
#          2018-01-01   off             worked
#          2020-01-31   off             worked
#          2023-01-03   worked          off
#          2027-01-01   worked          worked
#          2003-10-01   worked          worked
# Matters: a package that was not renewed in December gives cut-offs and due dates of a year without holidays from 1
#          January on, and periods that are computed again for an old year come out otherwise.
# Sallyport has no list of its own: look each December that the calendar's holidays-file has the new year's notice.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" chinese-days@1.5.7 chinese-workday@1.16.1 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.mjs <<'END'
import chineseDays from 'chinese-days';
import {isWorkday} from 'chinese-workday';
const word = works => works ? 'worked' : 'off';
for (const day of ['2018-01-01', '2020-01-31', '2023-01-03', '2027-01-01', '2003-10-01', '2026-10-01'])
  console.log(day, word(chineseDays.isWorkday(day)), word(isWorkday(day)));
END
cat >expected <<'END'
2018-01-01 off worked
2020-01-31 off worked
2023-01-03 worked off
2027-01-01 worked worked
2003-10-01 worked worked
2026-10-01 off off
END
TZ=Asia/Shanghai timeout 120 node --no-warnings try.mjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: chinese-workday 1.16.1 works on 1 January 2018, and with chinese-days 1.5.7 on 1 January 2027"
