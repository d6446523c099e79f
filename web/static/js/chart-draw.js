// The pictures of a chart: from settings that name columns, and rows, to SVG. Series colours are classes c0 to c7.
import { el } from "./api.js";
import { DAY, cut, long, momentsOf, named, numberOf, placeTexts, share, short, ticks, timeTicks } from "./chart-values.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST_BARS = 24, MOST_SLICES = 8, MOST_SERIES = 8, MOST_DOTS = 120, MOST_MARKS = 2000;
const H = 280, RIGHT = 16, TOP = 12, BOTTOM = 34;

const node = (name, attributes, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
const titled = (made, text) => { made.append(node("title", {}, text)); return made; };
const drawing = (spec, height) => node("svg", { viewBox: `0 0 ${spec.wide} ${height}`, role: "img", "aria-label": labelOf(spec) });
const labelOf = (spec) => `${spec.type} chart of ${spec.y.map((at) => spec.columns[at].name).join(", ")}${spec.x >= 0 ? ` by ${spec.columns[spec.x].name}` : ""}${spec.series >= 0 ? `, split by ${spec.columns[spec.series].name}` : ""}`;
const empty = () => el("p", { class: "small muted" }, "There is no number to draw.");

// --- data ----------------------------------------------------------------------------------------------------

// Rows as series: [{ name, points: [{ x, label, y }] }]. A row without a number has no point, and that is said.
function linesOf(spec) {
  const { rows, columns, x, y, series, time, numericX, say } = spec;
  const moments = time ? momentsOf(rows.map((row) => row[x])) : null;
  if (moments?.utc) say("times in UTC");
  const found = new Map();
  let without = 0;
  rows.forEach((row, index) => {
    const position = x < 0 ? index : time ? moments.places[index] : numericX ? numberOf(row[x]) : null;
    y.forEach((at) => {
      const number = numberOf(row[at]);
      if (number === null) { without += 1; return; }
      const name = [y.length > 1 ? columns[at].name : "", series >= 0 ? named(row[series]) : ""].filter(Boolean).join(" · ") || columns[at].name;
      if (!found.has(name)) found.set(name, []);
      found.get(name).push({ x: position, label: x < 0 ? String(index + 1) : named(row[x]), y: number });
    });
  });
  if (without && found.size) say(`${long(without)} ${without === 1 ? "row has" : "rows have"} no number`);
  return [...found].map(([name, points]) => ({ name, points }));
}

const weight = (line) => line.points.reduce((sum, point) => sum + Math.abs(point.y), 0);

// At most as many series as there are colours: the largest. What is stacked keeps its sum, so the rest stand there together.
function fewer(lines, spec, together) {
  if (lines.length <= MOST_SERIES) return lines;
  const largest = new Set([...lines].sort((a, b) => weight(b) - weight(a)).slice(0, MOST_SERIES - (together ? 1 : 0)));
  const kept = lines.filter((line) => largest.has(line)), rest = lines.filter((line) => !largest.has(line));
  spec.say(`the ${kept.length} largest of ${long(lines.length)} series${together ? ", the rest as others" : ""}`);
  return together ? [...kept, { name: `others (${rest.length})`, points: rest.flatMap((line) => line.points) }] : kept;
}

// One number for each series and place, and what lies under it: negatives stack below zero. `key` tells places apart.
function layered(lines, keys, key, spec) {
  const sums = lines.map((line) => {
    const found = new Map();
    line.points.forEach((point) => found.set(key(point), (found.get(key(point)) ?? 0) + point.y));
    return found;
  });
  let how = spec.stack;
  if (how === "share" && sums.some((sum) => [...sum.values()].some((number) => number < 0))) { spec.say("stacked, since numbers below zero have no share"); how = "stack"; }
  const up = new Map(), down = new Map();
  const total = new Map(keys.map((each) => [each, sums.reduce((sum, one) => sum + (one.get(each) ?? 0), 0)]));
  const layers = sums.map((sum) => new Map(keys.map((each) => {
    const number = sum.get(each) ?? 0, drawn = how === "share" ? (total.get(each) ? (number / total.get(each)) * 100 : 0) : number;
    if (how === "none") return [each, { from: 0, to: drawn, number, there: sum.has(each) }];
    const side = drawn < 0 ? down : up, from = side.get(each) ?? 0;
    side.set(each, from + drawn);
    return [each, { from, to: from + drawn, number, there: sum.has(each) }];
  })));
  return { layers, total, how };
}

const valueText = (piece, how) => `${long(piece.number)}${how === "share" ? ` (${(piece.to - piece.from).toFixed(1)} %)` : ""}`;

function legend(lines) {
  return lines.length < 2 ? null : el("ul", { class: "legend", "aria-label": "Series" }, ...lines.map((line, at) => {
    const mark = node("svg", { viewBox: "0 0 10 10", width: 10, height: 10, "aria-hidden": "true" });
    mark.append(node("rect", { class: `c${at}`, width: 10, height: 10, rx: 2 }));
    return el("li", { title: line.name.length > 40 ? line.name : undefined }, mark, cut(line.name, 40));
  }));
}

// --- lines, areas, columns, points --------------------------------------------------------------------------------

// The ground of a picture with a measured or counted x: grid, axis, and where things lie on it.
function ground(spec, points, low, high, names, pad = 0) {
  const marks = ticks(low, high), bottom = marks[0], top = marks[marks.length - 1];
  const xs = points.map((point) => point.x), first = xs.reduce((a, b) => Math.min(a, b)), last = xs.reduce((a, b) => Math.max(a, b));
  const room = spec.wide - spec.left - RIGHT - 2 * pad, svg = drawing(spec, H);
  const px = (x) => (first === last && pad ? spec.left + pad + room / 2 : spec.left + pad + share(x, first, last) * room);
  const py = (y) => H - BOTTOM - share(y, bottom, top) * (H - TOP - BOTTOM);
  marks.forEach((mark) => svg.append(node("line", { class: mark === 0 ? "axis" : "grid", x1: spec.left, x2: spec.wide - RIGHT, y1: py(mark), y2: py(mark) }), node("text", { x: spec.left - 8, y: py(mark) + 4, "text-anchor": "end" }, short(mark, Math.max(Math.abs(bottom), Math.abs(top))) + (spec.percent ? " %" : ""))));
  spec.daily = spec.time && xs.every((x) => x % DAY === 0);
  axis(svg, spec, names, px, first, last);
  return { svg, px, py, zero: py(Math.max(bottom, Math.min(top, 0))) };
}

// Text that would leave the picture at an end, or run into what stands before it, gives way.
function axis(svg, spec, names, px, first, last) {
  const y = H - BOTTOM + 18;
  let free = 0;
  const put = (x, text) => {
    const shown = cut(text, 16), half = shown.length * 3.6;
    const from = Math.max(2, Math.min(x - half, spec.wide - 2 - 2 * half));
    if (from < free) return;
    free = from + 2 * half + 8;
    svg.append(node("text", { x: from + half, y, "text-anchor": "middle" }, shown));
  };
  if (spec.marks) spec.marks.forEach((mark) => put(px(mark.at), mark.text));
  else if (spec.time) timeTicks(first, last, spec.slim ? 4 : 7, spec.daily).forEach((mark) => put(px(mark.at), mark.text));
  else if (spec.x < 0) { put(px(first), String(first + 1)); if (last > first) put(px(last), String(last + 1)); }
  else if (spec.numericX) (first === last ? [first] : ticks(first, last).filter((mark) => mark >= first && mark <= last)).forEach((mark) => put(px(mark), short(mark)));
  else {
    const every = Math.ceil(names.length / (spec.slim ? 3 : 6));
    names.forEach((name, at) => { if (at % every === 0) put(px(at), cut(name, 14)); });
  }
}

// Series with every point in its place; what has no place on the axis is left out, and that is said.
function placed(spec, lines, sorted) {
  const measured = spec.x < 0 || spec.time || spec.numericX;
  const names = [...new Set(lines.flatMap((line) => line.points.map((point) => point.label)))], order = new Map(names.map((name, at) => [name, at]));
  let lost = 0;
  lines.forEach((line) => {
    if (!measured) line.points.forEach((point) => { point.x = order.get(point.label); });
    const kept = line.points.filter((point) => point.x !== null);
    lost += line.points.length - kept.length;
    line.points = sorted ? kept.sort((a, b) => a.x - b.x) : kept;
  });
  if (lost) spec.say(`${long(lost)} ${lost === 1 ? "row has" : "rows have"} no place on this axis`);
  return { names, points: lines.flatMap((line) => line.points) };
}

function least(numbers, start) { return numbers.reduce((a, b) => Math.min(a, b), start); }
function most(numbers, start) { return numbers.reduce((a, b) => Math.max(a, b), start); }

function plane(spec, dots = false) {
  const lines = fewer(linesOf(spec), spec, false), { names, points } = placed(spec, lines, !dots);
  if (!points.length) return empty();
  const ys = points.map((point) => point.y);
  const { svg, px, py, zero } = ground(spec, points, least(ys, dots ? Infinity : 0), most(ys, dots ? -Infinity : 0), names);
  lines.forEach((line, at) => {
    if (!line.points.length) return;
    const path = line.points.map((point) => `${px(point.x).toFixed(1)},${py(point.y).toFixed(1)}`);
    if (spec.type === "area" && path.length > 1) svg.append(node("polygon", { class: `fill c${at}`, points: [`${px(line.points[0].x)},${zero}`, ...path, `${px(line.points[line.points.length - 1].x)},${zero}`].join(" ") }));
    if (!dots) svg.append(node("polyline", { class: `trace c${at}`, points: path.join(" ") }));
    if (dots && points.length > MOST_MARKS) svg.append(node("path", { class: `cloud c${at}`, d: path.map((each) => `M${each}h0`).join("") })); // one mark for all: a node for each of 10,000 takes seconds
    else if (dots || line.points.length <= MOST_DOTS) line.points.forEach((point) => svg.append(titled(node("circle", { class: `dot c${at}`, cx: px(point.x), cy: py(point.y), r: 3 }), `${lines.length > 1 ? `${line.name}, ` : ""}${point.label}: ${long(point.y)}`)));
  });
  return el("div", {}, svg, legend(lines));
}

function area(spec) {
  const given = linesOf(spec);
  if (given.length < 2 || spec.stack === "none") return plane(spec);
  const lines = fewer(given, spec, true), { names, points } = placed(spec, lines, true);
  if (!points.length) return empty();
  const places = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b), words = new Map(points.map((point) => [point.x, point.label]));
  const { layers, how } = layered(lines, places, (point) => point.x, spec);
  spec.percent = how === "share";
  const ends = layers.flatMap((layer) => [...layer.values()].map((piece) => piece.to));
  const { svg, px, py } = ground(spec, points, least(ends, 0), spec.percent ? 100 : most(ends, 0), names);
  layers.forEach((layer, at) => {
    const pieces = places.map((each) => [each, layer.get(each)]);
    const upper = pieces.map(([x, piece]) => `${px(x).toFixed(1)},${py(piece.to).toFixed(1)}`), lower = pieces.map(([x, piece]) => `${px(x).toFixed(1)},${py(piece.from).toFixed(1)}`);
    if (upper.length > 1) svg.append(node("polygon", { class: `layer c${at}`, points: [...upper, ...lower.reverse()].join(" ") }));
    svg.append(node("polyline", { class: `trace c${at}`, points: upper.join(" ") }));
    if (places.length <= MOST_DOTS) pieces.forEach(([x, piece]) => piece.there && svg.append(titled(node("circle", { class: `dot c${at}`, cx: px(x), cy: py(piece.to), r: 3 }), `${lines[at].name}, ${words.get(x)}: ${valueText(piece, how)}`)));
  });
  return el("div", {}, svg, legend(lines));
}

// Bars over time stand upright, each in its own place, so that a day without a row leaves a gap.
function columns(spec, lines, names) {
  const points = lines.flatMap((line) => line.points), places = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const words = new Map(points.map((point) => [point.x, point.label]));
  const { layers, how } = layered(lines, places, (point) => point.x, spec), beside = how === "none" ? lines.length : 1;
  spec.percent = how === "share";
  if (places.length <= 12) spec.marks = placeTexts(places, (x) => words.get(x));
  const gap = places.slice(1).reduce((smallest, place, at) => Math.min(smallest, place - places[at]), Infinity), span = places[places.length - 1] - places[0];
  const room = spec.wide - spec.left - RIGHT, band = Math.max(1, Math.min(72, Number.isFinite(gap) ? (room * gap) / (span + gap) : 72)), wide = Math.max(0.5, (band * 0.8) / beside);
  const ends = layers.flatMap((layer) => [...layer.values()].map((piece) => piece.to));
  const { svg, px, py } = ground(spec, points, least(ends, 0), spec.percent ? 100 : most(ends, 0), names, band / 2);
  if (places.length * lines.length > MOST_MARKS) {
    layers.forEach((layer, at) => svg.append(node("path", { class: `trace c${at}`, d: places.map((x) => `M${px(x).toFixed(1)},${py(layer.get(x).from).toFixed(1)}V${py(layer.get(x).to).toFixed(1)}`).join("") })));
    return el("div", {}, svg, legend(lines));
  }
  layers.forEach((layer, at) => places.forEach((x) => {
    const piece = layer.get(x), left = px(x) - (wide * beside) / 2 + (how === "none" ? at * wide : 0), top = Math.min(py(piece.from), py(piece.to));
    if (piece.there) svg.append(titled(node("rect", { class: `c${at}`, x: left, y: top, width: wide, height: Math.max(0.5, Math.abs(py(piece.to) - py(piece.from))) }), `${lines.length > 1 ? `${lines[at].name}, ` : ""}${words.get(x)}: ${valueText(piece, how)}`));
  }));
  return el("div", {}, svg, legend(lines));
}

// --- bars, slices, one number, a table -------------------------------------------------------------------------------

function bars(spec) {
  const given = linesOf(spec);
  if (!given.length) return empty();
  const lines = fewer(given, spec, spec.stack !== "none");
  if (spec.time) {
    const { names, points } = placed(spec, lines, true);
    return points.length ? columns(spec, lines, names) : empty();
  }
  let names = [...new Set(lines.flatMap((line) => line.points.map((point) => point.label)))];
  if (names.length > MOST_BARS) { spec.say(`first ${MOST_BARS} of ${long(names.length)}`); names = names.slice(0, MOST_BARS); }
  const { layers, how, total } = layered(lines, names, (point) => point.label, spec), beside = how === "none" ? lines.length : 1;
  const ends = layers.flatMap((layer) => [...layer.values()].map((piece) => piece.to));
  const low = least(ends, 0), high = how === "share" ? 100 : most(ends, 0), thick = beside > 1 ? 14 : 18, step = thick * beside + 8;
  const height = names.length * step + 6, from = spec.slim ? 104 : 132, to = spec.wide - (spec.slim ? 58 : 72), px = (number) => from + share(number, low, high) * (to - from);
  const svg = drawing(spec, height);
  names.forEach((name, at) => {
    svg.append(titled(node("text", { x: from - 8, y: at * step + (thick * beside) / 2 + 8, "text-anchor": "end" }, cut(name, spec.slim ? 12 : 14)), name));
    let right = px(0);
    layers.forEach((layer, which) => {
      const piece = layer.get(name), y = at * step + 4 + (how === "none" ? which * thick : 0), [a, b] = [px(piece.from), px(piece.to)];
      if (!piece.there) return;
      svg.append(titled(node("rect", { class: `c${which}`, x: Math.min(a, b), y, width: Math.max(1, Math.abs(b - a)), height: thick - 2, rx: how === "none" ? 2 : 0 }), `${name}${lines.length > 1 ? `, ${lines[which].name}` : ""}: ${valueText(piece, how)}`));
      right = Math.max(right, a, b);
      if (how === "none") svg.append(node("text", { class: "v", x: (piece.number < 0 ? px(0) : b) + 6, y: y + thick - 5 }, short(piece.number)));
    });
    if (how !== "none") svg.append(node("text", { class: "v", x: right + 6, y: at * step + 4 + thick - 5 }, short(total.get(name))));
  });
  svg.append(node("line", { class: "axis", x1: px(0), x2: px(0), y1: 2, y2: height - 2 }));
  return el("div", {}, svg, legend(lines));
}

function pie(spec) {
  const sums = new Map();
  linesOf({ ...spec, series: -1, y: [spec.y[0]] }).forEach((line) => line.points.forEach((point) => sums.set(point.label, (sums.get(point.label) ?? 0) + point.y)));
  if (![...sums.values()].some(Boolean)) return empty();
  if ([...sums.values()].some((number) => number < 0)) return el("p", { class: "small muted" }, "A pie cannot show numbers below zero. Choose bars.");
  if (spec.series >= 0 || spec.y.length > 1) spec.say(`${spec.columns[spec.y[0]].name} only, not split`);
  let parts = [...sums].sort((a, b) => b[1] - a[1]);
  if (parts.length > MOST_SLICES) parts = [...parts.slice(0, MOST_SLICES - 1), [`others (${parts.length - MOST_SLICES + 1})`, parts.slice(MOST_SLICES - 1).reduce((sum, [, number]) => sum + number, 0)]];
  const total = parts.reduce((sum, [, number]) => sum + number, 0) || 1, r = 100, cx = spec.slim ? spec.wide / 2 : 130, cy = 120;
  const names = spec.slim ? { x: 8, y: 240 } : { x: 270, y: 20 }; // beside the circle, or below it
  const svg = drawing(spec, spec.slim ? 240 + parts.length * 25 : 240);
  let turned = 0;
  parts.forEach(([name, number], at) => {
    const part = number / total, a = turned * 2 * Math.PI - Math.PI / 2, b = (turned + part) * 2 * Math.PI - Math.PI / 2;
    turned += part;
    const corner = (angle) => `${(cx + r * Math.cos(angle)).toFixed(2)} ${(cy + r * Math.sin(angle)).toFixed(2)}`;
    const text = `${name}: ${long(number)} (${(part * 100).toFixed(1)} %)`;
    svg.append(titled(part > 0.9999 ? node("circle", { class: `slice c${at}`, cx, cy, r }) : node("path", { class: `slice c${at}`, d: `M ${cx} ${cy} L ${corner(a)} A ${r} ${r} 0 ${part > 0.5 ? 1 : 0} 1 ${corner(b)} Z` }), text));
    svg.append(node("rect", { class: `c${at}`, x: names.x, y: names.y + at * 25, width: 12, height: 12, rx: 2 }), titled(node("text", { x: names.x + 20, y: names.y + 10 + at * 25 }, `${cut(name, spec.slim ? 22 : 28)}  ${short(number)}  ${(part * 100).toFixed(1)} %`), text));
  });
  return svg;
}

function one(spec) {
  const number = numberOf(spec.rows[0]?.[spec.y[0]]);
  if (spec.rows.length > 1) spec.say(`the first of ${long(spec.rows.length)} rows`);
  return el("p", { class: "chart-number" }, el("strong", {}, number === null ? "no value" : long(number)), el("span", { class: "small muted" }, `${spec.columns[spec.y[0]].name}${spec.x >= 0 ? `, ${named(spec.rows[0][spec.x])}` : ""}`));
}

function table(spec) {
  const shown = [...new Set([spec.x, spec.series, ...spec.y])].filter((at) => at >= 0);
  if (spec.rows.length > 200) spec.say(`first 200 of ${long(spec.rows.length)}`);
  return el("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Chart as a table" }, el("table", { class: "table table-tight" }, el("thead", {}, el("tr", {}, ...shown.map((at) => el("th", { scope: "col", class: spec.y.includes(at) ? "num" : undefined }, spec.columns[at].name)))), el("tbody", {}, ...spec.rows.slice(0, 200).map((row) => el("tr", {}, ...shown.map((at) => el("td", { class: spec.y.includes(at) ? "num" : undefined }, named(row[at]))))))));
}

export const PICTURES = { bar: bars, line: (spec) => plane(spec), area, scatter: (spec) => plane(spec, true), pie, number: one, table };
