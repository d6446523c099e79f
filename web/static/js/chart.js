// Charts of a result, drawn here as SVG from rows that only this page has. A chart is a list of settings that name columns;
// the person changes type and axes here, without asking the model. Loaded when a result has something to draw.
import { el } from "./api.js";

const SVG = "http://www.w3.org/2000/svg";
const TYPES = ["bar", "line", "area", "scatter", "pie", "number", "table"];
const MOST_BARS = 24, MOST_SLICES = 8, MOST_SERIES = 6;
const WIDE = 640, H = 280, RIGHT = 16, TOP = 12, BOTTOM = 34;
const NARROW = 340; // what a phone has room for: text keeps its size there, so a picture has less of it
let W = WIDE, LEFT = 64, slim = false;

const node = (name, attributes, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
const titled = (made, text) => { made.append(node("title", {}, text)); return made; };
const extreme = (number) => Math.abs(number) >= 1e15 || (number !== 0 && Math.abs(number) < 1e-6);
const short = (number) => (extreme(number) ? number.toExponential(1).replace(".0e", "e").replace("e+", "e") : new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(number));
const long = (number) => (extreme(number) ? number.toExponential() : new Intl.NumberFormat("en", { maximumFractionDigits: 6 }).format(number));
const share = (number, low, high) => (number / 2 - low / 2) / (high / 2 - low / 2 || 1); // halves, since the largest numbers are too far apart
const finite = (number) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, number));
const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
const named = (value) => (value === null || value === undefined ? "none" : value === "" ? "(empty)" : String(value));
const numberOf = (value) => (value === null || value === undefined || value === "" || !Number.isFinite(Number(value)) ? null : Number(value));
const momentOf = (value) => {
  const text = named(value);
  if (!/^\d{4}-\d{2}(-\d{2}|$)/.test(text)) return null;
  const moment = Date.parse(text.length === 7 ? `${text}-01` : text.replace(" ", "T"));
  return Number.isNaN(moment) ? null : moment;
};

// Is this column a time? By its type, or because every value reads as a date.
export function isTime(column, rows, at) {
  if (/date|time/i.test(column.type)) return true;
  const given = rows.slice(0, 50).map((row) => row[at]).filter((value) => value !== null);
  return given.length > 0 && given.every((value) => typeof value === "string" && momentOf(value) !== null);
}

export function chartOf(columns, rows, numeric, wanted = null, total = rows.length) {
  const place = (name) => columns.findIndex((column) => column.name === name);
  const values = columns.map((_, at) => at).filter((at) => numeric[at]);
  if (!values.length || !rows.length || (!wanted && rows.length < 2)) return null;
  const times = columns.map((column, at) => !numeric[at] && isTime(column, rows, at));
  const labels = columns.map((_, at) => at).filter((at) => !numeric[at]);
  const start = { x: times.indexOf(true) >= 0 ? times.indexOf(true) : labels.length ? labels[0] : -1, y: [values[values.length - 1]], series: -1, title: "" };
  start.type = times[start.x] ? "line" : "bar";
  // Several rows of one day are a line each where another column tells them apart; one line through all of them is a saw.
  if (times[start.x] && new Set(rows.map((row) => row[start.x])).size < rows.length) start.series = labels.find((at) => !times[at]) ?? -1;
  if (wanted) {
    start.type = TYPES.includes(wanted.type) ? wanted.type : start.type;
    if (wanted.x && place(wanted.x) >= 0) start.x = place(wanted.x);
    const ys = (wanted.y ?? []).map(place).filter((at) => at >= 0);
    if (ys.length) start.y = ys;
    if (wanted.series && place(wanted.series) >= 0) start.series = place(wanted.series);
    start.title = wanted.title ?? "";
  }
  const all = columns.map((_, at) => at);
  const pick = (label, list, chosen, names = (at) => (at < 0 ? "row" : columns[at].name)) => {
    const made = el("select", { class: "select input-sm", "aria-label": label }, ...list.map((at) => el("option", { value: at }, names(at))));
    made.value = String(chosen);
    return made;
  };
  const kind = pick("Chart type", TYPES, start.type, (type) => type[0].toUpperCase() + type.slice(1));
  const several = start.y.length > 1 ? start.y.map((at) => columns[at].name).join(" + ") : "";
  const value = pick("Value", several ? ["several", ...values] : [...new Set([...start.y, ...values])], several ? "several" : start.y[0], (at) => (at === "several" ? several : columns[at].name));
  const label = pick("By", [-1, ...all], start.x);
  const series = pick("Split by", [-1, ...all], start.series, (at) => (at < 0 ? "nothing" : columns[at].name));
  const title = el("figcaption", { class: "chart-title" }, start.title);
  const picture = el("div"), note = el("span", { class: "small muted", role: "status" });
  const draw = () => {
    const room = picture.clientWidth || document.documentElement.clientWidth - 64;
    slim = room < 480;
    W = slim ? Math.max(220, Math.min(NARROW, room)) : WIDE;
    LEFT = slim ? 60 : 64;
    const spec = { type: kind.value, x: Number(label.value), y: value.value === "several" ? start.y : [Number(value.value)], series: Number(series.value) };
    note.textContent = total > rows.length ? `of the first ${long(rows.length)} of ${long(total)} rows` : "";
    const made = PICTURES[spec.type]({ ...spec, columns, rows, time: spec.x >= 0 && (times[spec.x] || (!numeric[spec.x] && isTime(columns[spec.x], rows, spec.x))), numericX: spec.x >= 0 && numeric[spec.x], say: (text) => { note.textContent = [note.textContent, text].filter(Boolean).join("; "); } });
    picture.replaceChildren(made);
  };
  [kind, value, label, series].forEach((select) => select.addEventListener("change", draw));
  draw();
  let before = slim;
  new ResizeObserver(() => { // once it stands in the page, and when a phone is turned
    const now = picture.clientWidth > 0 && picture.clientWidth < 480;
    if (picture.clientWidth && now !== before) { before = now; draw(); }
  }).observe(picture);
  return el("figure", { class: "chart" }, start.title ? title : null, el("div", { class: "chart-head" }, kind, value, el("span", { class: "small muted" }, "by"), label, el("span", { class: "small muted" }, "split by"), series, note), picture);
}

// --- data ----------------------------------------------------------------------------------------------------

// Rows as lines: [{ name, points: [{ x, label, y }] }]. A row without a number has no point; a later row of one place adds up.
function linesOf({ rows, columns, x, y, series, time, numericX, say }) {
  const found = new Map();
  rows.forEach((row, index) => {
    y.forEach((at) => {
      const number = numberOf(row[at]);
      if (number === null) return;
      const name = [y.length > 1 ? columns[at].name : "", series >= 0 ? named(row[series]) : ""].filter(Boolean).join(" · ") || columns[at].name;
      const text = x < 0 ? String(index + 1) : named(row[x]);
      const position = x < 0 ? index : time ? momentOf(row[x]) : numericX ? numberOf(row[x]) : null;
      if (!found.has(name)) found.set(name, []);
      found.get(name).push({ x: position, label: text, y: number });
    });
  });
  let lines = [...found].map(([name, points]) => ({ name, points }));
  if (lines.length > MOST_SERIES) { say(`first ${MOST_SERIES} of ${lines.length} series`); lines = lines.slice(0, MOST_SERIES); }
  return lines;
}

function ticks(least, most) {
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

const labelOf = (spec) => `${spec.type} chart of ${spec.y.map((at) => spec.columns[at].name).join(", ")}${spec.x >= 0 ? ` by ${spec.columns[spec.x].name}` : ""}${spec.series >= 0 ? `, split by ${spec.columns[spec.series].name}` : ""}`;
const empty = () => el("p", { class: "small muted" }, "There is no number to draw.");

function legend(lines) {
  return lines.length < 2 ? null : el("ul", { class: "legend", "aria-label": "Series" }, ...lines.map((line, at) => {
    const mark = node("svg", { viewBox: "0 0 10 10", width: 10, height: 10, "aria-hidden": "true" });
    mark.append(node("rect", { class: `c${at}`, width: 10, height: 10, rx: 2 }));
    return el("li", {}, mark, cut(line.name, 40));
  }));
}

// --- lines, areas, points ----------------------------------------------------------------------------------------

function plane(spec, { area = false, dots = false } = {}) {
  const lines = linesOf(spec);
  if (!lines.length) return empty();
  const measured = spec.x < 0 || spec.time || spec.numericX;
  const names = [...new Set(lines.flatMap((line) => line.points.map((point) => point.label)))];
  lines.forEach((line) => {
    if (!measured) line.points.forEach((point) => { point.x = names.indexOf(point.label); });
    line.points = line.points.filter((point) => point.x !== null);
    if (!dots) line.points.sort((a, b) => a.x - b.x);
  });
  const points = lines.flatMap((line) => line.points);
  if (!points.length) return empty();
  const xs = points.map((point) => point.x), ys = points.map((point) => point.y);
  const marks = ticks(Math.min(...ys, dots ? Infinity : 0), Math.max(...ys, dots ? -Infinity : 0));
  const low = marks[0], high = marks[marks.length - 1], first = Math.min(...xs), last = Math.max(...xs);
  const px = (x) => LEFT + share(x, first, last) * (W - LEFT - RIGHT), py = (y) => H - BOTTOM - share(y, low, high) * (H - TOP - BOTTOM);
  const svg = node("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": labelOf(spec) });
  marks.forEach((mark) => svg.append(node("line", { class: mark === 0 ? "axis" : "grid", x1: LEFT, x2: W - RIGHT, y1: py(mark), y2: py(mark) }), node("text", { x: LEFT - 8, y: py(mark) + 4, "text-anchor": "end" }, short(mark))));
  axis(svg, spec, points, names, px, first, last, measured);
  lines.forEach((line, at) => {
    const path = line.points.map((point) => `${px(point.x).toFixed(1)},${py(point.y).toFixed(1)}`);
    if (area && path.length > 1) svg.append(node("polygon", { class: `fill c${at}`, points: [`${px(line.points[0].x)},${py(Math.max(0, low))}`, ...path, `${px(line.points[line.points.length - 1].x)},${py(Math.max(0, low))}`].join(" ") }));
    if (!dots) svg.append(node("polyline", { class: `trace c${at}`, points: path.join(" ") }));
    if (dots || line.points.length <= 120) line.points.forEach((point) => svg.append(titled(node("circle", { class: `dot c${at}`, cx: px(point.x), cy: py(point.y), r: 3 }), `${lines.length > 1 ? `${line.name}, ` : ""}${point.label}: ${long(point.y)}`)));
  });
  return el("div", {}, svg, legend(lines));
}

function axis(svg, spec, points, names, px, first, last, measured) {
  const y = H - BOTTOM + 18, put = (x, text, anchor) => svg.append(node("text", { x, y, "text-anchor": anchor }, cut(text, 16)));
  if (spec.time) {
    const days = (last - first) / 86_400_000, count = slim ? 3 : 5;
    const text = (moment) => new Date(moment).toISOString().slice(0, days > 365 * 5 ? 4 : days > 92 ? 7 : days > 3 ? 10 : 16).replace("T", " ");
    const seen = new Set();
    for (let at = 0; at < (last > first ? count : 1); at += 1) {
      const moment = first + ((last - first) * at) / (count - 1);
      if (!seen.has(text(moment))) put(px(moment), text(moment), at === 0 ? "start" : at === count - 1 ? "end" : "middle");
      seen.add(text(moment));
    }
  } else if (measured && spec.x >= 0) {
    ticks(first, last).filter((mark, at) => mark >= first && mark <= last && !(slim && at % 2)).forEach((mark) => put(px(mark), short(mark), "middle"));
  } else if (spec.x >= 0) {
    const every = Math.ceil(names.length / (slim ? 3 : 6));
    names.forEach((name, at) => { if (at % every === 0) put(px(at), cut(name, 11), at === 0 ? "start" : at === names.length - 1 ? "end" : "middle"); });
  } else { put(px(first), "1", "start"); put(px(last), String(last + 1), "end"); }
}

// --- bars, slices, one number, a table -------------------------------------------------------------------------------

function bars(spec) {
  const lines = linesOf(spec);
  if (!lines.length) return empty();
  let names = [...new Set(lines.flatMap((line) => line.points.map((point) => point.label)))];
  if (spec.time) names.sort();
  if (names.length > MOST_BARS) { spec.say(`first ${MOST_BARS} of ${names.length}`); names = names.slice(0, MOST_BARS); }
  const sums = lines.map((line) => {
    const found = new Map();
    line.points.forEach((point) => found.set(point.label, (found.get(point.label) ?? 0) + point.y));
    return found;
  });
  const every = names.flatMap((name) => sums.map((sum) => sum.get(name) ?? 0));
  const low = Math.min(0, ...every), high = Math.max(0, ...every), thick = lines.length > 1 ? 12 : 18, step = thick * lines.length + 8;
  const height = names.length * step + 6, from = slim ? 104 : 132, to = W - (slim ? 58 : 72), px = (number) => from + share(number, low, high) * (to - from);
  const svg = node("svg", { viewBox: `0 0 ${W} ${height}`, role: "img", "aria-label": labelOf(spec) });
  names.forEach((name, at) => {
    svg.append(titled(node("text", { x: from - 8, y: at * step + (thick * lines.length) / 2 + 8, "text-anchor": "end" }, cut(name, slim ? 12 : 14)), name));
    sums.forEach((sum, which) => {
      if (!sum.has(name)) return;
      const number = sum.get(name), y = at * step + 4 + which * thick;
      svg.append(titled(node("rect", { class: `c${which}`, x: Math.min(px(0), px(number)), y, width: Math.max(1, Math.abs(px(number) - px(0))), height: thick - 2, rx: 2 }), `${name}${lines.length > 1 ? `, ${lines[which].name}` : ""}: ${long(number)}`), node("text", { class: "v", x: number < 0 ? px(0) + 6 : px(number) + 6, y: y + thick - 5 }, short(number)));
    });
  });
  svg.append(node("line", { class: "axis", x1: px(0), x2: px(0), y1: 2, y2: height - 2 }));
  return el("div", {}, svg, legend(lines));
}

function pie(spec) {
  const sums = new Map();
  linesOf({ ...spec, series: -1, y: [spec.y[0]] }).forEach((line) => line.points.forEach((point) => sums.set(point.label, (sums.get(point.label) ?? 0) + point.y)));
  if (![...sums.values()].some(Boolean)) return empty();
  if ([...sums.values()].some((number) => number < 0)) return el("p", { class: "small muted" }, "A pie cannot show numbers below zero. Choose bars.");
  let parts = [...sums].sort((a, b) => b[1] - a[1]);
  if (parts.length > MOST_SLICES) parts = [...parts.slice(0, MOST_SLICES - 1), ["others", parts.slice(MOST_SLICES - 1).reduce((sum, [, number]) => sum + number, 0)]];
  const total = parts.reduce((sum, [, number]) => sum + number, 0) || 1, r = 100, cx = slim ? W / 2 : 130, cy = 120;
  const names = slim ? { x: 8, y: 240 } : { x: 270, y: 20 }; // beside the circle, or below it
  const svg = node("svg", { viewBox: `0 0 ${W} ${slim ? 240 + parts.length * 25 : 240}`, role: "img", "aria-label": labelOf(spec) });
  let turned = 0;
  parts.forEach(([name, number], at) => {
    const share = number / total, a = turned * 2 * Math.PI - Math.PI / 2, b = (turned + share) * 2 * Math.PI - Math.PI / 2;
    turned += share;
    const corner = (angle) => `${(cx + r * Math.cos(angle)).toFixed(2)} ${(cy + r * Math.sin(angle)).toFixed(2)}`;
    const text = `${name}: ${long(number)} (${(share * 100).toFixed(1)} %)`;
    svg.append(titled(share > 0.9999 ? node("circle", { class: `slice c${at}`, cx, cy, r }) : node("path", { class: `slice c${at}`, d: `M ${cx} ${cy} L ${corner(a)} A ${r} ${r} 0 ${share > 0.5 ? 1 : 0} 1 ${corner(b)} Z` }), text));
    svg.append(node("rect", { class: `c${at}`, x: names.x, y: names.y + at * 25, width: 12, height: 12, rx: 2 }), titled(node("text", { x: names.x + 20, y: names.y + 10 + at * 25 }, `${cut(name, 28)}  ${short(number)}  ${(share * 100).toFixed(1)} %`), text));
  });
  return svg;
}

function one(spec) {
  const number = numberOf(spec.rows[0]?.[spec.y[0]]);
  return el("p", { class: "chart-number" }, el("strong", {}, number === null ? "no value" : long(number)), el("span", { class: "small muted" }, `${spec.columns[spec.y[0]].name}${spec.x >= 0 ? `, ${named(spec.rows[0][spec.x])}` : ""}`));
}

function table(spec) {
  const shown = [...new Set([spec.x, spec.series, ...spec.y])].filter((at) => at >= 0);
  return el("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Chart as a table" }, el("table", { class: "table table-tight" }, el("thead", {}, el("tr", {}, ...shown.map((at) => el("th", { scope: "col" }, spec.columns[at].name)))), el("tbody", {}, ...spec.rows.slice(0, 200).map((row) => el("tr", {}, ...shown.map((at) => el("td", {}, named(row[at]))))))));
}

const PICTURES = { bar: bars, line: (spec) => plane(spec), area: (spec) => plane(spec, { area: true }), scatter: (spec) => plane(spec, { dots: true }), pie, number: one, table };
