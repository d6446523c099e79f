// Charts of a result, drawn here as SVG from rows that only this page has. A chart is a list of settings that name columns;
// the person changes type, axes and stacking here, without asking the model. Loaded when a result has something to draw.
import { el } from "./api.js";
import { PICTURES } from "./chart-draw.js";
import { isTime, long, numberOf } from "./chart-values.js";

const TYPES = ["bar", "line", "area", "scatter", "pie", "number", "table"];
const STACKS = { bar: { none: "Side by side", stack: "Stacked", share: "Share of all" }, area: { stack: "Stacked", none: "Overlaid", share: "Share of all" } };
const WIDE = 640;
const NARROW = 340; // what a phone has room for: text keeps its size there, so a picture has less of it
const MOST_VALUES = 8;

// What a chart of these rows starts as, where nobody said: settings that hold places of columns.
function begun(columns, rows, numeric, times) {
  const values = columns.map((_, at) => at).filter((at) => numeric[at]), labels = columns.map((_, at) => at).filter((at) => !numeric[at]);
  const time = times.indexOf(true);
  const start = { type: "bar", x: time >= 0 ? time : labels.length ? labels[0] : -1, y: [], series: -1, title: "" };
  if (rows.length === 1) start.type = "number";
  else if (time >= 0) start.type = "line";
  else if (!labels.length && values.length > 1) { // numbers only: the first one is where the others are measured
    [start.x] = values;
    const places = rows.map((row) => numberOf(row[start.x]));
    start.type = places.every((place, at) => place !== null && (at === 0 || place > places[at - 1])) ? "line" : "scatter";
  }
  const measures = values.filter((at) => at !== start.x);
  start.y = [measures.length ? measures[measures.length - 1] : values[values.length - 1]];
  // Several rows of one day are a line each where another column tells them apart; one line through all of them is a saw.
  // A column that differs in every row tells nothing apart.
  if (time >= 0 && new Set(rows.map((row) => row[time])).size < rows.length) {
    const kinds = (at) => new Set(rows.map((row) => row[at])).size;
    start.series = labels.find((at) => !times[at] && kinds(at) > 1 && kinds(at) <= Math.max(12, rows.length / 3)) ?? -1;
    if (start.series < 0) start.type = "scatter";
  }
  return start;
}

export function chartOf(columns, rows, numeric, wanted = null, total = rows.length) {
  const place = (name) => columns.findIndex((column) => column.name === name);
  const values = columns.map((_, at) => at).filter((at) => numeric[at]);
  if (!values.length || !rows.length) return null;
  const times = columns.map((column, at) => isTime(column, rows, at, numeric[at]));
  const start = begun(columns, rows, numeric, times);
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
  // Several values at once: those that the answer named, else every number that is no axis.
  const together = start.y.length > 1 ? start.y : values.filter((at) => at !== start.x).slice(0, MOST_VALUES);
  const several = together.length > 1 ? together.map((at) => columns[at].name).join(" + ") : "";
  const single = [...new Set([...start.y, ...values])];
  const value = pick("Value", several ? [...single, "several"] : single, start.y.length > 1 ? "several" : start.y[0], (at) => (at === "several" ? several : columns[at].name));
  const label = pick("By", [-1, ...all], start.x);
  const series = pick("Split by", [-1, ...all], start.series, (at) => (at < 0 ? "nothing" : columns[at].name));
  const stack = el("select", { class: "select input-sm", "aria-label": "Stacking" });
  const title = el("figcaption", { class: "chart-title" }, start.title);
  const picture = el("div"), note = el("span", { class: "small muted", role: "status" });
  const chosen = {}; // how each type was stacked by the person
  let slim = false;
  const draw = () => {
    const room = picture.clientWidth || document.documentElement.clientWidth - 64;
    slim = room < 480;
    const said = total > rows.length ? [`of the first ${long(rows.length)} of ${long(total)} rows`] : [];
    const spec = {
      type: kind.value, x: Number(label.value), y: value.value === "several" ? together : [Number(value.value)], series: Number(series.value),
      stack: chosen[kind.value] ?? Object.keys(STACKS[kind.value] ?? { none: "" })[0],
      columns, rows, slim, wide: slim ? Math.max(220, Math.min(NARROW, room)) : WIDE, left: slim ? 60 : 64,
      say: (text) => { if (!said.includes(text)) said.push(text); },
    };
    const several = spec.series >= 0 || spec.y.length > 1;
    spec.time = spec.x >= 0 && times[spec.x];
    spec.numericX = spec.x >= 0 && numeric[spec.x] && !spec.time;
    stack.replaceChildren(...Object.entries(STACKS[spec.type] ?? {}).map(([name, words]) => el("option", { value: name }, words)));
    stack.value = spec.stack;
    stack.hidden = !several || !STACKS[spec.type];
    picture.replaceChildren(PICTURES[spec.type](spec));
    note.textContent = said.join("; ");
  };
  [kind, value, label, series].forEach((select) => select.addEventListener("change", draw));
  stack.addEventListener("change", () => { chosen[kind.value] = stack.value; draw(); });
  draw();
  let before = slim;
  new ResizeObserver(() => { // once it stands in the page, and when a phone is turned
    const now = picture.clientWidth > 0 && picture.clientWidth < 480;
    if (picture.clientWidth && now !== before) { before = now; draw(); }
  }).observe(picture);
  return el("figure", { class: "chart" }, start.title ? title : null, el("div", { class: "chart-head" }, kind, value, el("span", { class: "small muted" }, "by"), label, el("span", { class: "small muted" }, "split by"), series, stack, note), picture);
}
