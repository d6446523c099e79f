// A chart of a result, drawn here as SVG from rows that only this page has. Loaded when a result has something to draw.
import { el } from "./api.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST = 24;
const node = (name, attributes, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
const short = (number) => new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(number);
const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

export function chartOf(columns, rows, numeric) {
  const values = columns.map((_, at) => at).filter((at) => numeric[at]);
  const labels = columns.map((_, at) => at).filter((at) => !numeric[at]);
  if (!values.length || rows.length < 2) return null;
  const pick = (label, list) => el("select", { class: "select input-sm", "aria-label": label }, ...list.map((at) => el("option", { value: at }, at < 0 ? "row" : columns[at].name)));
  const kind = el("select", { class: "select input-sm", "aria-label": "Chart type" }, el("option", { value: "bar" }, "Bar"), el("option", { value: "line" }, "Line"));
  const value = pick("Value", values), label = pick("By", labels.length ? [...labels, ...values.slice(1)] : [-1]);
  const place = el("div");
  const draw = () => {
    const v = Number(value.value), l = Number(label.value);
    const data = rows.slice(0, MOST).map((row, at) => ({ name: l < 0 ? String(at + 1) : String(row[l] ?? "none"), number: Number(row[v]) || 0 }));
    const picture = kind.value === "bar" ? bars(data) : line(data);
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `${kind.value} chart of ${columns[v].name}: ${data.slice(0, 8).map((each) => `${each.name} ${short(each.number)}`).join(", ")}`);
    place.replaceChildren(picture);
  };
  [kind, value, label].forEach((select) => select.addEventListener("change", draw));
  draw();
  return el("figure", { class: "chart" }, el("div", { class: "chart-head" }, kind, value, el("span", { class: "small muted" }, "by"), label, rows.length > MOST ? el("span", { class: "small muted" }, `first ${MOST} rows`) : null), place);
}

function bars(data) {
  const height = data.length * 24 + 4, most = Math.max(...data.map((each) => Math.abs(each.number)), 1);
  const svg = node("svg", { viewBox: `0 0 480 ${height}` });
  svg.append(node("line", { x1: 120, y1: 2, x2: 120, y2: height - 2 }));
  data.forEach((each, at) => {
    const y = at * 24 + 4, width = (Math.abs(each.number) / most) * 280;
    svg.append(node("text", { x: 112, y: y + 13, "text-anchor": "end" }, cut(each.name, 16)), node("rect", { x: 120.5, y, width, height: 18, rx: 2 }), node("text", { class: "v", x: 128 + width, y: y + 13 }, short(each.number)));
  });
  return svg;
}

function line(data) {
  const most = Math.max(...data.map((each) => each.number)), least = Math.min(0, ...data.map((each) => each.number)), span = most - least || 1;
  const svg = node("svg", { viewBox: "0 0 480 180" });
  const x = (at) => 40 + (at * 420) / Math.max(1, data.length - 1), y = (number) => 150 - ((number - least) / span) * 130;
  svg.append(node("line", { x1: 40, y1: 150, x2: 464, y2: 150 }), node("text", { x: 34, y: 24, "text-anchor": "end" }, short(most)), node("text", { x: 34, y: 154, "text-anchor": "end" }, short(least)));
  svg.append(node("polyline", { class: "trace", points: data.map((each, at) => `${x(at)},${y(each.number)}`).join(" ") }));
  data.forEach((each, at) => {
    const dot = node("circle", { class: "trace-dot", cx: x(at), cy: y(each.number), r: 3 });
    dot.append(node("title", {}, `${each.name}: ${each.number}`));
    svg.append(dot);
    if (at === 0 || at === data.length - 1) svg.append(node("text", { x: x(at), y: 170, "text-anchor": at ? "end" : "start" }, cut(each.name, 20)));
  });
  return svg;
}
