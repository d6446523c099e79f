// What a chart reads out of cells: numbers, moments, the marks of an axis, and how they are written.

// --- numbers -------------------------------------------------------------------------------------------------

const extreme = (number) => Math.abs(number) >= 1e15 || (number !== 0 && Math.abs(number) < 1e-6);
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 9 });

// For an axis and beside a bar: as it is while that is short, then 1.2M; `among` is the largest that stands with it.
export function short(number, among = number) {
  if (extreme(number)) return number.toExponential(1).replace(".0e", "e").replace("e+", "e");
  return (Math.abs(among) >= 100_000 ? compact : Math.abs(number) < 1 ? small : grouped).format(number);
}
export const long = (number) => (extreme(number) ? number.toExponential() : exact.format(number));
export const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
export const named = (value) => (value === null || value === undefined ? "none" : value === "" ? "(empty)" : String(value));
export const numberOf = (value) => (value === null || value === undefined || value === "" || typeof value === "boolean" || !Number.isFinite(Number(value)) ? null : Number(value));
export const finite = (number) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, number));
// Where a number lies between two others, 0 to 1; in halves, since the largest numbers are too far apart.
export const share = (number, low, high) => (number / 2 - low / 2) / (high / 2 - low / 2 || 1);

export function ticks(least, most) {
  const raw = (most / 2 - least / 2 || Math.abs(most) / 2 || 0.5) / 2, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= raw) ?? raw;
  const from = finite(Math.floor(least / step) * step), list = [];
  for (let at = 0; at < 8; at += 1) { // counted, since adding a small step to a large number may not change it
    const mark = finite(from + at * step);
    list.push(finite(Number(mark.toPrecision(12))));
    if (mark >= most) break;
  }
  return list;
}

// --- moments -------------------------------------------------------------------------------------------------

const MOMENT = /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?)?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?(?::\d{2})?)?$/;
const QUARTER = /^(\d{4})[- ]?Q([1-4])$/i, WEEK = /^(\d{4})-?W(\d{2})$/i, YEAR = /^[12]\d{3}$/;
const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

// { wall: as the source's clock shows it, zone: minutes from UTC or null } of a cell; null where it is no moment. The
// clock of this browser never comes in: the same rows give the same picture everywhere.
function parsed(value) {
  const text = named(value).trim();
  const found = MOMENT.exec(text);
  if (found) {
    const [, year, month, day = "01", hour = "00", minute = "00", second = "00", part = "", zone] = found;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59) return null;
    const wall = new Date(0);
    wall.setUTCFullYear(Number(year), month - 1, Number(day)); // Date.UTC takes the year 26 for 1926
    wall.setUTCHours(Number(hour), Number(minute), Number(second), Number(part.slice(0, 3).padEnd(3, "0")));
    const shift = /^([+-])(\d{2}):?(\d{2})?/.exec(zone ?? "");
    return { wall: wall.getTime(), zone: !zone ? null : shift ? (shift[1] === "-" ? -1 : 1) * (shift[2] * 60 + Number(shift[3] ?? 0)) : 0 };
  }
  const quarter = QUARTER.exec(text), week = WEEK.exec(text);
  if (quarter) return { wall: Date.UTC(quarter[1], (quarter[2] - 1) * 3, 1), zone: null };
  if (week && week[2] >= 1 && week[2] <= 53) { // the week with the fourth of January is the first
    const fourth = new Date(Date.UTC(week[1], 0, 4));
    return { wall: fourth.getTime() + ((week[2] - 1) * 7 - ((fourth.getUTCDay() + 6) % 7)) * DAY, zone: null };
  }
  return YEAR.test(text) ? { wall: Date.UTC(text, 0, 1), zone: null } : null;
}

// Places on a time axis for the cells of a column, null for one that is no moment. Where all share a zone they stand as the
// source wrote them; where zones differ they stand in UTC, and `utc` says so.
export function momentsOf(cells) {
  const found = cells.map((cell) => (cell === null || cell === undefined ? null : parsed(cell)));
  const zones = new Set(found.filter(Boolean).map((each) => each.zone));
  const utc = zones.size > 1;
  return { utc, places: found.map((each) => (each ? each.wall - (utc ? (each.zone ?? 0) * 60_000 : 0) : null)) };
}

// Is this column a time? By its type; else because every value reads as one. A number is a time only as a year by its name.
export function isTime(column, rows, at, numeric = false) {
  const given = rows.slice(0, 50).map((row) => row[at]).filter((value) => value !== null && value !== undefined);
  if (numeric) return /(^|_|\b)(year|yr)$/i.test(column.name) && given.length > 0 && given.every((value) => YEAR.test(String(value)));
  if (/date|timestamp/i.test(column.type)) return true;
  return given.length > 0 && given.every((value) => typeof value === "string" && parsed(value) !== null);
}

const STEPS = [
  [1000, 16], [5000, 16], [15_000, 16], [60_000, 16], [5 * 60_000, 16], [15 * 60_000, 16], [30 * 60_000, 16],
  [HOUR, 16], [3 * HOUR, 16], [6 * HOUR, 16], [12 * HOUR, 16], [DAY, 10], [2 * DAY, 10], [7 * DAY, 10], [14 * DAY, 10],
];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];

// Marks of a time axis where the calendar has them: [{ at, text }], at most `most` of them; `daily`: none within a day.
export function timeTicks(first, last, most, daily = false) {
  if (last === first) return [{ at: first, text: written(first, first % DAY ? 16 : 10) }];
  for (const [step, length] of STEPS) {
    if ((daily && step < DAY) || (last - first) / step > most * 2) continue; // or too many to be worth counting
    const monday = step % (7 * DAY) ? 0 : 4 * DAY, from = Math.ceil((first - monday) / step) * step + monday, list = [];
    for (let at = from; at <= last; at += step) list.push({ at, text: written(at, step < 60_000 ? 19 : length) });
    if (list.length <= most) return list.length ? list : [{ at: first, text: written(first, 16) }];
  }
  const start = new Date(first), end = new Date(last);
  for (const months of MONTHS) {
    const list = [];
    const begin = Math.floor((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;
    for (let month = begin; list.length <= most && month <= end.getUTCFullYear() * 12 + 11; month += months) {
      const day = new Date(0);
      day.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
      if (day >= start && day <= end) list.push({ at: day.getTime(), text: written(day.getTime(), months >= 12 ? 4 : 7) });
    }
    if (list.length <= most) return list.length ? list : [{ at: first, text: written(first, 10) }];
  }
  return [{ at: first, text: written(first, 4) }, { at: last, text: written(last, 4) }];
}

// The same for places that stand there themselves, such as bars: as short as tells them apart.
export function placeTexts(places, label) {
  const day = (each) => new Date(each).getUTCDate(), month = (each) => new Date(each).getUTCMonth();
  const length = places.some((each) => each % DAY) ? 16 : places.some((each) => day(each) !== 1) ? 10 : places.some((each) => month(each)) ? 7 : 4;
  return places.map((at) => ({ at, text: label(at).length < 10 ? label(at) : written(at, length) }));
}

function written(moment, length) {
  const text = new Date(moment).toISOString();
  return text.startsWith("+") || text.startsWith("-") ? text.slice(0, 7) : text.slice(0, length).replace("T", " ");
}
