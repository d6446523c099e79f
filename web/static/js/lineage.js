// The lineage picture: which resources are shown, folded or fetched, and what a person does to them. Where the boxes go
// is dagre's work (lineage-draw.js), the pixels of a PNG are lineage-png.js's.
import { el, get, icon, say } from "./api.js";
import { anchor, drawn, HEAD, LINE, place, WIDTH } from "./lineage-draw.js";

const frame = document.querySelector("[data-lineage]");
if (frame) start(frame).catch((error) => { say(error.message); });

const FOLD = 8; // neighbours of one box without neighbours of their own; more are one box that says how many
const COLUMNS = 10;

async function start(frame) {
  const state = {
    frame, start: Number(frame.dataset.lineage), columns: frame.dataset.columns === "true", nodes: new Map(), edges: new Map(),
    closed: new Set(), turned: new Set(), opened: new Set(), all: new Set(), pinned: new Set(), view: { x: 0, y: 0, k: 1 }, at: null, seek: "", trace: null,
  };
  const way = frame.dataset.direction, options = `depth=${frame.dataset.depth}&columns=${state.columns}&limit=500`;
  take(state, await get(`/api/v1/resources/${state.start}/lineage?${options}&upstream=${way !== "downstream"}&downstream=${way !== "upstream"}`));
  if (!state.nodes.has(state.start) || !state.edges.size) return;
  const first = state.nodes.get(state.start);
  if (first.kind === "column") { state.columns = true; state.start = [...state.nodes.keys()].find((id) => id === first.parent_id) ?? state.start; state.nodes.delete(first.id); state.trace = `${first.parent_id}\n${first.name}`; }
  state.at = `n${state.start}`;
  frame.replaceChildren();
  frame.removeAttribute("tabindex");
  frame.dataset.live = "";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("role", "group");
  svg.setAttribute("tabindex", "-1");
  svg.setAttribute("aria-label", `Lineage of ${first.name}. Arrow keys move between the boxes, Enter opens one, plus and minus unfold and fold.`);
  state.svg = svg;
  frame.append(tools(state), svg);
  paint(state);
  fit(state, true);
  listen(state);
}

function take(state, found) {
  for (const each of found.resources) {
    const [up, down] = found.degrees[each.id] ?? [0, 0];
    state.nodes.set(each.id, { ...each, up, down });
  }
  for (const edge of found.edges) {
    const key = `${edge.upstream_id} ${edge.downstream_id} ${edge.upstream_column ?? ""} ${edge.downstream_column ?? ""}`;
    if (!state.edges.has(key)) state.edges.set(key, edge);
  }
  if (found.cut) state.cut = true;
}

// What is shown: everything reached from the start on its two sides without crossing a closed side, leaves folded; and
// what a person unfolded on the side of a box that faces the start: others that it feeds, or that feed it.
function shown(state) {
  const near = { up: new Map(), down: new Map() };
  for (const { upstream_id: u, downstream_id: d } of state.edges.values()) {
    if (u === d || !state.nodes.has(u) || !state.nodes.has(d)) continue;
    for (const [side, a, b] of [["down", u, d], ["up", d, u]]) { if (!near[side].has(a)) near[side].set(a, new Set()); near[side].get(a).add(b); }
  }
  const boxes = new Map(), folds = [];
  const add = (id, side) => {
    if (!boxes.has(id)) boxes.set(id, { key: `n${id}`, node: state.nodes.get(id), columns: [], here: id === state.start, ways: new Set() });
    boxes.get(id).ways.add(side);
  };
  const walk = (from, side, turned) => {
    const waiting = [from], seen = new Set(waiting);
    while (waiting.length) {
      const id = waiting.shift();
      if (state.closed.has(`${side}${id}`)) continue;
      const others = [...(near[side].get(id) ?? [])].filter((other) => !seen.has(other) && !(turned && boxes.has(other)));
      const leaf = (other) => !(near[side].get(other)?.size) && !boxes.has(other) && !state.pinned.has(other);
      const leaves = others.filter(leaf).sort((a, b) => (state.nodes.get(b).popularity - state.nodes.get(a).popularity) || state.nodes.get(a).name.localeCompare(state.nodes.get(b).name));
      const total = state.nodes.get(id)[side];
      const missing = Math.max(0, total - (near[side].get(id)?.size ?? 0));
      const folded = state.all.has(`${side}${id}`) || leaves.length <= FOLD + 1 ? [] : leaves.slice(FOLD);
      const hidden = new Set(folded);
      for (const other of others) { if (hidden.has(other)) continue; seen.add(other); add(other, side); waiting.push(other); }
      const more = folded.length + (state.opened.has(`${side}${id}`) || near[side].get(id)?.size ? missing : 0);
      if (more) folds.push({ key: `f${side}${id}`, fold: true, side, of: id, more, loaded: folded.length, ids: folded, kinds: missing ? "" : kinds(state, folded) });
    }
  };
  for (const side of ["up", "down"]) { add(state.start, side); walk(state.start, side); }
  for (const which of state.turned) {
    const side = which.startsWith("up") ? "up" : "down", id = Number(which.slice(side.length));
    if (boxes.has(id) && !boxes.get(id).ways.has(side)) walk(id, side, true);
  }
  return { boxes, folds, near };
}

function kinds(state, ids) {
  const counted = new Map();
  for (const id of ids) counted.set(state.nodes.get(id).kind, (counted.get(state.nodes.get(id).kind) ?? 0) + 1);
  return [...counted].sort((a, b) => b[1] - a[1]).slice(0, 2).map(([kind, number]) => `${number} ${kind.replaceAll("_", " ")}${number > 1 ? "s" : ""}`).join(", ");
}

function paint(state) {
  const { boxes, folds, near } = shown(state);
  const lines = [];
  for (const edge of state.edges.values()) {
    if (!boxes.has(edge.upstream_id) || !boxes.has(edge.downstream_id) || edge.upstream_id === edge.downstream_id) continue;
    if (!state.columns && edge.kind === "column") continue;
    if (state.columns && edge.kind === "column") {
      for (const [id, name] of [[edge.upstream_id, edge.upstream_column], [edge.downstream_id, edge.downstream_column]]) {
        const box = boxes.get(id);
        if (name && !box.columns.includes(name)) box.columns.push(name);
      }
    }
    lines.push(edge);
  }
  const withColumns = new Set();
  if (state.columns) for (const edge of lines) if (edge.kind === "column") withColumns.add(`${edge.upstream_id} ${edge.downstream_id}`);
  for (const box of boxes.values()) {
    box.columns.sort();
    box.more = state.all.has(`columns${box.node.id}`) || box.columns.length <= COLUMNS + 1 ? 0 : box.columns.length - COLUMNS;
    if (box.more) box.columns.length = COLUMNS;
    box.height = HEAD + (box.columns.length ? (box.columns.length + (box.more ? 1 : 0)) * LINE + 6 : 0);
    box.left = side(state, near, box, boxes, "up");
    box.right = side(state, near, box, boxes, "down");
  }
  const all = [...boxes.values(), ...folds.map((fold) => ({ ...fold, height: 40 }))];
  const links = [
    ...lines.map((edge) => ({ edge, from: `n${edge.upstream_id}`, to: `n${edge.downstream_id}` })),
    ...folds.map((fold) => (fold.side === "up" ? { from: fold.key, to: `n${fold.of}` } : { from: `n${fold.of}`, to: fold.key })),
  ].filter(({ edge, from, to }) => !edge || edge.kind === "column" || !withColumns.has(`${from.slice(1)} ${to.slice(1)}`));
  state.size = place(all, links);
  state.boxes = all;
  state.by = new Map(all.map((box) => [box.key, box]));
  if (!state.by.has(state.at)) state.at = `n${state.start}`;
  for (const link of links) {
    link.a = state.by.get(link.from); link.b = state.by.get(link.to);
    link.y1 = anchor(link.a, link.edge?.upstream_column); link.y2 = anchor(link.b, link.edge?.downstream_column);
  }
  state.links = links;
  state.near = near;
  state.reach = reach(state, near);
  drawn(state);
  mark(state);
  move(state);
}

// All that can be shown by opening everything: what was fetched and hangs together with the start on one side of it.
function reach(state, near) {
  const found = new Set();
  for (const side of ["up", "down"]) {
    const waiting = [state.start], seen = new Set(waiting);
    while (waiting.length) for (const other of near[side].get(waiting.pop()) ?? []) if (!seen.has(other)) { seen.add(other); found.add(other); waiting.push(other); }
  }
  return [...found];
}

// What the button on a side of a box does: nothing there, unfold (with how many), or fold.
function side(state, near, { node, ways }, boxes, which) {
  const known = near[which].get(node.id) ?? new Set(), total = Math.max(node[which], known.size);
  if (!total) return null;
  if (ways.has(which)) return { open: !state.closed.has(`${which}${node.id}`) && known.size > 0, total };
  const hidden = total - [...known].filter((id) => boxes.has(id)).length;
  return state.turned.has(`${which}${node.id}`) ? { open: true, total } : hidden ? { open: false, total: hidden } : null;
}

async function toggle(state, key, which) {
  const box = state.by.get(key);
  if (!box || !box.node) return;
  const { id, name } = box.node, mark = `${which}${id}`, known = state.near[which].get(id)?.size ?? 0;
  const there = which === "up" ? box.left : box.right;
  if (!there) return;
  if (there.open) {
    if (box.ways.has(which)) state.closed.add(mark); else state.turned.delete(mark);
    say(`Folded what ${which === "up" ? "feeds" : "depends on"} ${name}.`);
  } else {
    if (box.ways.has(which) ? !known && box.node[which] : known < box.node[which]) { if (!(await fetchMore(state, id, which))) return; }
    if (box.ways.has(which)) state.closed.delete(mark); else state.turned.add(mark);
    say(`Unfolded ${there.total} ${which === "up" ? "above" : "below"} ${name}.`);
  }
  keep(state, key);
}

async function fetchMore(state, id, which) {
  try {
    take(state, await get(`/api/v1/resources/${id}/lineage?depth=1&columns=${state.columns}&limit=500&upstream=${which === "up"}&downstream=${which === "down"}`));
    state.opened.add(`${which}${id}`);
    return true;
  } catch (error) { say(error.message); return false; }
}

async function unfold(state, key) {
  const fold = state.by.get(key);
  if (fold.loaded) state.all.add(`${fold.side}${fold.of}`);
  else if (!state.opened.has(`${fold.side}${fold.of}`)) await fetchMore(state, fold.of, fold.side);
  else { say("More than fit in a picture. The CSV file has them all."); document.querySelector("[data-all-edges]")?.focus(); return; }
  state.at = `n${fold.of}`;
  keep(state, state.at);
}

// Draws anew with this box at the same place of the screen.
function keep(state, key) {
  const before = state.by.get(key), x = before.x * state.view.k + state.view.x, y = before.y * state.view.k + state.view.y;
  state.at = key;
  paint(state);
  const after = state.by.get(key);
  state.view.x = x - after.x * state.view.k; state.view.y = y - after.y * state.view.k;
  move(state);
  focus(state, key);
}

function tools(state) {
  const button = (name, label, act) => el("button", { class: "btn btn-sm btn-icon", type: "button", "aria-label": label, title: label, onclick: act }, icon(name));
  const seek = el("input", { class: "input", type: "search", placeholder: "Find in the picture", "aria-label": "Find in the picture", autocomplete: "off" });
  const count = el("span", { class: "small soft graph-count", role: "status" });
  const told = () => {
    const folded = state.folded.length ? `, ${state.folded.length} folded` : "", of = state.cut ? ` of the ${state.nodes.size.toLocaleString("en")} loaded` : "";
    count.textContent = state.seek ? `${state.hits.length} found${folded}${of}` : "";
  };
  seek.addEventListener("input", () => { state.seek = seek.value.trim().toLowerCase(); mark(state); told(); });
  seek.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && state.hits.length + state.folded.length) {
      event.preventDefault();
      const at = state.hits.indexOf(state.at) + 1;
      if (at < state.hits.length || !state.folded.length) { go(state, state.hits[at % state.hits.length], false); return; }
      const id = state.folded[0];
      unhide(state, id); go(state, `n${id}`, false); told();
    }
    if (event.key === "Escape") { if (seek.value) event.stopPropagation(); seek.value = ""; state.seek = ""; mark(state); told(); }
  });
  return el("div", { class: "graph-tools" },
    el("div", { class: "graph-seek" }, seek, count),
    el("div", { class: "graph-buttons", role: "group", "aria-label": "Picture" },
      button("zoom-out", "Zoom out", () => zoom(state, 1 / 1.3)), button("zoom-in", "Zoom in", () => zoom(state, 1.3)),
      button("maximize", "Show all of it", () => fit(state)), button("map-pin", "Back to where it began", () => { go(state, `n${state.start}`, false); }),
      button("maximize-2", "Larger or smaller", () => { state.frame.toggleAttribute("data-large"); fit(state, true); }),
      el("button", { class: "btn btn-sm", type: "button", onclick: async () => { const { save } = await import("./lineage-png.js"); save(state); } }, icon("download"), "PNG")));
}

// Shows a resource that is folded: out of the box that stands for many, else by opening what was closed.
function unhide(state, id) {
  if (state.boxes.some((box) => box.ids?.includes(id))) state.pinned.add(id);
  else { state.closed.clear(); state.pinned.add(id); }
  paint(state);
}

function mark(state) {
  const lit = state.trace ? traced(state) : null;
  state.hits = [];
  const sought = (id) => state.seek && state.nodes.get(id).qualified_name.toLowerCase().includes(state.seek);
  state.folded = state.reach.filter((id) => !state.by.has(`n${id}`) && sought(id));
  for (const box of state.boxes) {
    const names = box.node ? [box.node.qualified_name, ...box.columns].join(" ").toLowerCase() : "";
    const hit = state.seek && (box.node ? names.includes(state.seek) : box.ids.some(sought));
    if (hit && box.node) state.hits.push(box.key);
    box.g.toggleAttribute("data-hit", Boolean(hit));
    box.g.toggleAttribute("data-dim", Boolean((state.seek && !hit) || (lit && !lit.boxes.has(box.key))));
    for (const row of box.rows ?? []) row.toggleAttribute("data-lit", Boolean(lit?.rows.has(`${box.node.id}\n${row.dataset.column}`)));
  }
  for (const link of state.links) {
    const hot = lit ? lit.links.has(link) : (link.a.key === state.at || link.b.key === state.at);
    link.path.setAttribute("class", hot ? "edge edge-hot" : "edge");
    link.path.setAttribute("marker-end", hot ? "url(#l-tip-hot)" : "url(#l-tip)");
    link.path.toggleAttribute("data-dim", Boolean((lit && !hot) || state.seek));
  }
}

// Everything that feeds a column and that it feeds, within the picture.
function traced(state) {
  const found = { boxes: new Set(), rows: new Set([state.trace]), links: new Set() };
  for (const [near, far, near_column, far_column] of [["a", "b", "upstream_column", "downstream_column"], ["b", "a", "downstream_column", "upstream_column"]]) {
    const waiting = [state.trace], seen = new Set(waiting);
    while (waiting.length) {
      const at = waiting.pop();
      for (const link of state.links) {
        if (!link.edge?.upstream_column || `${link[near].node.id}\n${link.edge[near_column]}` !== at) continue;
        found.links.add(link);
        const next = `${link[far].node.id}\n${link.edge[far_column]}`;
        if (!seen.has(next)) { seen.add(next); waiting.push(next); found.rows.add(next); }
      }
    }
  }
  for (const row of found.rows) found.boxes.add(`n${row.split("\n")[0]}`);
  return found;
}

// --- moving about ----------------------------------------------------------------------------------------------------

function move(state) {
  const { x, y, k } = state.view;
  state.svg.querySelector(".world").setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
  state.svg.toggleAttribute("data-far", k < 0.45);
}

function zoom(state, by, x, y) {
  const box = state.svg.getBoundingClientRect(), k = Math.min(2.5, Math.max(0.05, state.view.k * by));
  x ??= box.width / 2; y ??= box.height / 2;
  state.view.x = x - (x - state.view.x) * (k / state.view.k);
  state.view.y = y - (y - state.view.y) * (k / state.view.k);
  state.view.k = k;
  move(state);
}

// All of it where it can still be read; else the start at a size that can, at the side of the frame that nothing is on.
function fit(state, first = false) {
  const box = state.svg.getBoundingClientRect(), { width, height } = state.size;
  const k = Math.min(1, (box.width - 24) / width, (box.height - 24) / height);
  const here = state.by.get(`n${state.start}`);
  if (first && k < 0.6) {
    const wide = WIDTH * 0.85, left = state.links.some((link) => link.b === here), right = state.links.some((link) => link.a === here);
    const x = left === right ? (box.width - wide) / 2 : left ? box.width - wide - 36 : 36;
    state.view = { k: 0.85, x: x - here.x * 0.85, y: box.height / 2 - (here.y + here.height / 2) * 0.85 };
  } else state.view = { k, x: (box.width - width * k) / 2, y: (box.height - height * k) / 2 };
  move(state);
}

function go(state, key, take = true) {
  const box = state.by.get(key), size = state.svg.getBoundingClientRect();
  state.at = key;
  if (state.view.k < 0.6) state.view.k = 0.85;
  const { k } = state.view;
  state.view.x = size.width / 2 - (box.x + WIDTH / 2) * k;
  state.view.y = size.height / 2 - (box.y + box.height / 2) * k;
  move(state); mark(state);
  if (take) focus(state, key);
}

function focus(state, key) {
  for (const box of state.boxes) box.g.setAttribute("tabindex", box.key === key ? "0" : "-1");
  state.by.get(key).g.focus({ preventScroll: true });
}

function intoView(state, key) {
  const box = state.by.get(key), size = state.svg.getBoundingClientRect(), { k } = state.view;
  const x = box.x * k + state.view.x, y = box.y * k + state.view.y;
  if (x < 0 || y < 0 || x + WIDTH * k > size.width || y + box.height * k > size.height) go(state, key);
  else { state.at = key; mark(state); focus(state, key); }
}

function listen(state) {
  const { svg } = state, fingers = new Map();
  let moved = 0;
  svg.addEventListener("click", (event) => {
    if (moved > 6) { event.preventDefault(); event.stopPropagation(); return; }
    const act = event.target.closest("[data-act]"), key = event.target.closest("[data-key]")?.dataset.key;
    if (key && svg.hasAttribute("data-far") && !event.ctrlKey && !event.metaKey) { event.preventDefault(); event.stopPropagation(); go(state, key); return; } // nobody meant to open what nobody can read
    if (!act || !key) return;
    event.preventDefault();
    if (act.dataset.act === "unfold") unfold(state, key);
    else if (act.dataset.act === "columns") { state.all.add(`columns${state.by.get(key).node.id}`); keep(state, key); }
    else if (act.dataset.act === "column") { const name = `${state.by.get(key).node.id}\n${act.dataset.column}`; state.trace = state.trace === name ? null : name; mark(state); }
    else toggle(state, key, act.dataset.act);
  }, true);
  svg.addEventListener("pointerdown", (event) => { fingers.set(event.pointerId, [event.clientX, event.clientY]); moved = 0; });
  const up = (event) => { fingers.delete(event.pointerId); svg.removeAttribute("data-held"); };
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) svg.addEventListener(name, up);
  svg.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY], box = svg.getBoundingClientRect();
    if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      zoom(state, far(now, other) / Math.max(1, far(before, other)), (now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top);
    } else { state.view.x += now[0] - before[0]; state.view.y += now[1] - before[1]; move(state); }
    moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    if (moved > 6) svg.setAttribute("data-held", "");
    fingers.set(event.pointerId, now);
  });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls, as anywhere
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    zoom(state, Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  svg.addEventListener("focusin", (event) => { const key = event.target.closest("[data-key]")?.dataset.key; if (key && key !== state.at) { state.at = key; mark(state); } });
  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.target.closest("[data-key]")?.dataset.key ?? state.at, here = state.by.get(key);
    const best = (boxes, cost) => boxes.sort((a, b) => cost(a) - cost(b))[0];
    const flat = (box) => Math.abs(box.y + box.height / 2 - here.y - here.height / 2);
    let next = null;
    if (event.key === "ArrowLeft") next = best(state.links.filter((each) => each.b === here).map((each) => each.a), flat);
    else if (event.key === "ArrowRight") next = best(state.links.filter((each) => each.a === here).map((each) => each.b), flat);
    else if (event.key === "ArrowUp") next = best(state.boxes.filter((box) => Math.abs(box.x - here.x) < WIDTH && box.y < here.y), flat);
    else if (event.key === "ArrowDown") next = best(state.boxes.filter((box) => Math.abs(box.x - here.x) < WIDTH && box.y > here.y), flat);
    else if (event.key === "Home") next = state.by.get(`n${state.start}`);
    else if (event.key === "Enter" && here.fold) { event.preventDefault(); unfold(state, key); return; }
    else if ((event.key === "+" || event.key === "-") && here.node) {
      event.preventDefault();
      for (const which of ["up", "down"]) {
        const there = which === "up" ? here.left : here.right;
        if (there && there.open === (event.key === "-")) { toggle(state, key, which); return; }
      }
      return;
    } else return;
    event.preventDefault();
    if (next) intoView(state, next.key);
  });
  state.frame.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !state.frame.hasAttribute("data-large")) return;
    state.frame.removeAttribute("data-large");
    fit(state, true);
  });
  new ResizeObserver(() => move(state)).observe(svg);
}
