/**
 * Reads dates as HTTP writes them (RFC 9110 §5.6.7): in today's format, and in two old ones that a recipient MUST
 * accept as well.
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT     IMF-fixdate
 *     Sunday, 06-Nov-94 08:49:37 GMT    RFC 850
 *     Sun Nov  6 08:49:37 1994          asctime
 */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)';
const DAY_NAME = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY_NAME = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';

/** It does not matter whether the day of the week is right: the date is certain without it. */
const FORMATS = [
  new RegExp(`^${DAY_NAME}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY_NAME}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^${DAY_NAME} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/**
 * The time that a field value means, in milliseconds since 1970, or `null` if it is not an HTTP-date. Case-sensitive.
 *
 * @param nowMs decides the century of a year with two digits
 */
export function parseHttpDate(value: string, nowMs: number = Date.now()): number | null {
  for (const format of FORMATS) {
    const fields = format.exec(value)?.groups;
    if (fields !== undefined) return timeOf(fields, nowMs);
  }
  return null;
}

function timeOf(fields: Readonly<Record<string, string>>, nowMs: number): number | null {
  const year = Number(fields['year']);
  if (fields['year']!.length === 4) return timeIn(year, fields);
  const now = new Date(nowMs);
  const thisYear = now.getUTCFullYear();
  const inThisCentury = thisYear - (thisYear % 100) + year;
  const timeMs = timeIn(inThisCentury, fields);
  // RFC 9110 §5.6.7: what seems to be more than 50 years ahead MUST be taken for the past.
  return timeMs !== null && timeMs > now.setUTCFullYear(thisYear + 50) ? timeIn(inThisCentury - 100, fields) : timeMs;
}

function timeIn(year: number, fields: Readonly<Record<string, string>>): number | null {
  const month = MONTHS.indexOf(fields['month']!);
  const day = Number(fields['day']);
  const date = new Date(0);
  // Not Date.UTC, which takes the year 50 for 1950.
  date.setUTCFullYear(year, month, day);
  // 31 April would roll over into May.
  if (date.getUTCDate() !== day) return null;
  return date.setUTCHours(Number(fields['hour']), Number(fields['minute']), Number(fields['second']));
}
