// The lineage picture as SVG: dagre says where each box goes, this makes the boxes and the lines.
import { layout, Graph } from "../vendor/dagre/dagre.js";

export const WIDTH = 208, HEAD = 46, LINE = 22, FOLD = 40;
const SVG = "http://www.w3.org/2000/svg";
const KINDS = { database: "database", schema: "folder", table: "table-2", view: "eye", materialized_view: "eye", foreign_table: "table-2", dashboard: "layout-dashboard", chart: "gauge", model: "braces", metric: "gauge", job: "workflow", query: "file-question-mark" };

const make = (name, attributes = {}, ...children) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null));
  return node;
};

// Gives each box its x and y; returns the size of the whole.
export function place(boxes, links) {
  const graph = new Graph();
  // The exact ranking is for small pictures: it takes seconds where there are hundreds of boxes.
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 64, marginx: 8, marginy: 8, ranker: boxes.length > 150 ? "longest-path" : "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const box of boxes) graph.setNode(box.key, { width: WIDTH, height: box.height });
  for (const link of links) if (link.from !== link.to) graph.setEdge(link.from, link.to);
  layout(graph);
  for (const box of boxes) {
    const at = graph.node(box.key);
    box.x = at.x - WIDTH / 2; box.y = at.y - box.height / 2;
  }
  const { width, height } = graph.graph();
  return { width, height };
}

export function anchor(box, column) {
  const row = column ? box.columns?.indexOf(column) ?? -1 : -1;
  if (row >= 0) return HEAD + 3 + row * LINE + LINE / 2;
  if (column && box.more) return box.height - LINE / 2;
  return box.fold ? FOLD / 2 : HEAD / 2;
}

export function curve({ a, b, y1, y2 }) {
  const x1 = a.x + WIDTH, x2 = b.x - 7, top = a.y + y1, end = b.y + y2;
  if (x2 < x1) return `M${x1} ${top}C${x1 + 70} ${top} ${b.x - 70} ${end} ${x2} ${end}`; // back to an earlier layer
  const bend = Math.max(24, (x2 - x1) / 2);
  return `M${x1} ${top}C${x1 + bend} ${top} ${x2 - bend} ${end} ${x2} ${end}`;
}

export const cut = (text, most) => (text.length <= most ? text : `${text.slice(0, Math.ceil(most * 0.55))}…${text.slice(-Math.floor(most * 0.45) + 1)}`);
export const place_of = (node) => cut(`${node.path?.length ? node.path[node.path.length - 1] : node.integration} · ${node.kind.replaceAll("_", " ")}`, 27);

export function drawn(state) {
  const tip = (id, name, size) => make("marker", { id, viewBox: "0 0 8 8", refX: 1, refY: 4, markerWidth: size, markerHeight: size, markerUnits: "userSpaceOnUse", orient: "auto" }, make("path", { class: name, d: "M0 0 8 4 0 8z" }));
  const world = make("g", { class: "world" }), lines = make("g", { "aria-hidden": "true" });
  for (const link of state.links) {
    link.path = make("path", { class: "edge", d: curve(link) });
    if (link.edge && link.edge.source === "manual") link.path.dataset.manual = "";
    if (link.edge && link.edge.confidence < 1) link.path.dataset.unsure = "";
    lines.append(link.path);
  }
  world.append(lines);
  for (const box of [...state.boxes].sort((a, b) => a.x - b.x || a.y - b.y)) {
    box.g = box.fold ? foldBox(box) : nodeBox(box);
    box.g.setAttribute("tabindex", box.key === state.at ? "0" : "-1");
    world.append(box.g);
  }
  state.svg.replaceChildren(make("defs", {}, tip("l-tip", "tip", 8), tip("l-tip-hot", "tip-hot", 9)), world);
}

function nodeBox(box) {
  const { node } = box;
  const words = `${node.name}, ${node.kind.replaceAll("_", " ")}, fed by ${node.up}, feeds ${node.down}`;
  const head = make("a", { href: box.here ? `/r/${node.id}` : `/r/${node.id}/lineage`, class: "open", tabindex: "-1", "aria-hidden": "true" },
    make("rect", { class: `box${box.here ? " box-here" : ""}`, width: WIDTH, height: box.height, rx: 6 }),
    make("use", { class: `glyph${box.here ? " glyph-here" : ""}`, href: `/static/icons.svg#${KINDS[node.kind] ?? "circle"}`, x: 12, y: 16, width: 14, height: 14 }),
    make("text", { class: "name", x: 34, y: 20 }, cut(node.name, 21)), make("text", { class: "sub", x: 34, y: 36 }, place_of(node)));
  const g = make("g", { class: "node", role: "link", "aria-label": words, "data-key": box.key, transform: `translate(${box.x} ${box.y})` }, make("title", {}, node.qualified_name), head);
  g.addEventListener("keydown", (event) => { if (event.key === "Enter") location.assign(head.getAttribute("href")); });
  if (box.columns.length) g.append(make("path", { class: "rule", d: `M0 ${HEAD}H${WIDTH}` }));
  box.rows = box.columns.map((name, row) => {
    const line = make("g", { class: "row", "data-act": "column", "data-column": name, transform: `translate(0 ${HEAD + 3 + row * LINE})` },
      make("rect", { class: "band", x: 1, width: WIDTH - 2, height: LINE }), make("text", { class: "col", x: 34, y: 15 }, cut(name, 24)), make("title", {}, name));
    g.append(line);
    return line;
  });
  if (box.more) g.append(make("g", { class: "row", "data-act": "columns" }, make("rect", { class: "band", x: 1, y: box.height - LINE - 2, width: WIDTH - 2, height: LINE }), make("text", { class: "more", x: 34, y: box.height - 8 }, `${box.more} more columns`)));
  for (const [which, there, x] of [["up", box.left, 0], ["down", box.right, WIDTH]]) if (there) g.append(knob(which, there, x));
  return g;
}

function knob(which, { open, total }, x) {
  const text = open ? "−" : total > 99 ? "99+" : `+${total}`, width = open ? 18 : 14 + text.length * 6;
  const label = `${open ? "Fold" : "Unfold"} ${total} ${which === "up" ? "upstream" : "downstream"}`;
  return make("g", { class: "knob", "data-act": which, transform: `translate(${x - width / 2} ${HEAD / 2 - 9})` },
    make("title", {}, label), make("rect", { class: "knob-hit", x: -6, y: -6, width: width + 12, height: 30 }), make("rect", { class: "knob-box", width, height: 18, rx: 9 }), make("text", { x: width / 2, y: 13, "text-anchor": "middle" }, text));
}

function foldBox(box) {
  const g = make("g", { class: "node fold", role: "button", "aria-label": `${box.more} more ${box.side === "up" ? "upstream" : "downstream"}, unfold`, "data-key": box.key, transform: `translate(${box.x} ${box.y})` },
    make("g", { "data-act": "unfold" }, make("rect", { class: "box box-fold", width: WIDTH, height: FOLD, rx: 6 }), make("text", { class: "name", x: 14, y: 17 }, `${box.more.toLocaleString("en")} more`), make("text", { class: "sub", x: 14, y: 32 }, box.kinds || (box.loaded ? `${box.loaded.toLocaleString("en")} of them loaded` : "not loaded"))));
  return g;
}
