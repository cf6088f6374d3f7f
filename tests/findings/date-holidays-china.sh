#!/bin/bash
# date-holidays calls China's Army Day and Children's Day public holidays, and knows no day that is made up for.
#
# Guess:   type "public" is a day off for all: 1 June and 1 August are none in China (国务院:
#          全国年节及纪念日放假办法, 第三条: of some citizens only); and the days of the State Council's
#          notice for the year are known.
# Happens: 8 March, 4 May, 1 June and 1 August are "public". The days off that the notice adds (5 October 2026) are
#          working days, and of the weekends that are worked for them (10 October 2026) nothing is said.
# Version: date-holidays 3.37.0, chinese-days 1.5.7 (npm) on Node.js 20.20.2.
# Seen:                 date-holidays         chinese-days
#          2026-05-04   off                   off (by the notice)
#          2026-06-01   off                   worked
#          2026-10-05   worked                off
#          2026-10-10   off (a Saturday)      worked
# Matters: a payment that is due on the next banking day, and the alarm that a file has not come, are wrong on the days
#          on which the most money moves.
# Sallyport guesses no calendar: days off and days worked are given, or in a file (holidays-file) that is made of the
# notice.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cannot() { echo "cannot be tried here: $1"; exit 2; }
command -v npm >"$work/npm" || cannot "no npm"
npm install --no-audit --no-fund --ignore-scripts --prefix "$work" date-holidays@3.37.0 chinese-days@1.5.7 \
  >"$work/log" 2>&1 || cannot "npm install: $(tail -n 1 "$work/log")"

cd "$work"
cat >try.mjs <<'END'
import Holidays from 'date-holidays';
import chineseDays from 'chinese-days';
const china = new Holidays('CN');
const isWorked = day => {
  const noon = new Date(day + 'T12:00:00+08:00');
  const weekend = [0, 6].includes(new Date(day + 'T12:00:00Z').getUTCDay());
  return !weekend && !(china.isHoliday(noon) || []).some(each => each.type === 'public');
};
const word = works => works ? 'worked' : 'off';
for (const day of ['2026-05-04', '2026-06-01', '2026-10-05', '2026-10-10'])
  console.log(day, word(isWorked(day)), word(chineseDays.isWorkday(day)));
console.log('public:', china.getHolidays(2026).filter(each => each.type === 'public')
  .map(each => each.date.slice(5, 10)).filter(day => ['03-08', '05-04', '06-01', '08-01'].includes(day)).join(' '));
END
cat >expected <<'END'
2026-05-04 off off
2026-06-01 off worked
2026-10-05 worked off
2026-10-10 off worked
public: 03-08 05-04 06-01 08-01
END
TZ=Asia/Shanghai timeout 120 node --no-warnings try.mjs >seen 2>&1 || true
diff expected seen || { echo "changed: see above (< as found, > now)"; exit 1; }
echo "as found: date-holidays 3.37.0 has public holidays in China that are none"
