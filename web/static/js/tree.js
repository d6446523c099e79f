// The catalog's tree, as the ARIA practices have it: one stop of the Tab key, arrows, Home, End, typing a name. A level is
// fetched when it is opened, a long one in parts; a name that is typed is looked for at the server where a part is missing.
// What was open is kept for this tab of the browser, and the place that the page is about is opened and marked.
import { el, page, say } from "./api.js";

const tree = document.querySelector(".catalog > .tree"), root = tree?.querySelector(":scope > ul");

const KEPT = "docent.tree", MOST_KEPT = 40, PAUSE = 700;

function items(from = root) { return [...from.querySelectorAll('[role="treeitem"]')].filter((item) => !item.closest('[role="group"][hidden]')); }
function groupOf(item) { return item.parentElement.querySelector(":scope > ul"); }
function above(item) { return item.parentElement.parentElement.parentElement.querySelector(':scope > [role="treeitem"]'); }
function nameOf(item) { return (item.querySelector("[data-name]") ?? item).textContent.trim().toLowerCase(); }

function start() {
  root.setAttribute("role", "tree");
  root.setAttribute("aria-label", "Catalog");
  for (const item of root.querySelectorAll("li > a[data-level]")) {
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-expanded", "false");
    item.parentElement.setAttribute("role", "none");
    item.tabIndex = -1;
  }
  number(root, 1, root.children.length);
  const first = root.querySelector('[role="treeitem"]');
  if (!first) return;
  here(first);
  root.addEventListener("click", clicked);
  root.addEventListener("keydown", pressed);
  root.addEventListener("focusin", (event) => { const item = event.target.closest('[role="treeitem"]'); if (item) here(item); });
  addEventListener("pagehide", keep);
  restore();
}

// Where the Tab key comes back to.
let current = null;
function here(item) {
  if (current) current.tabIndex = -1;
  current = item;
  item.tabIndex = 0;
}

// Neighbours step by step: of a tree with 10,000 items shown nobody makes a list for one key.
const itemOf = (line) => line?.querySelector(':scope > [role="treeitem"]') ?? null;
const shownIn = (item) => (item.getAttribute("aria-expanded") === "true" ? itemOf(groupOf(item)?.firstElementChild) : null);
function after(item) {
  const inside = shownIn(item);
  if (inside) return inside;
  for (let at = item; at; at = above(at)) { const next = itemOf(at.parentElement.nextElementSibling); if (next) return next; }
  return null;
}
function lastIn(item) {
  while (shownIn(item)) item = itemOf(groupOf(item).lastElementChild) ?? item;
  return item;
}
function before(item) {
  const previous = itemOf(item.parentElement.previousElementSibling);
  return previous ? lastIn(previous) : above(item);
}

function focus(item) { if (item) { here(item); item.focus(); } }

// Says of each item how deep it is and which of how many; of a level that begins in its middle only how many.
function number(list, level, total) {
  let at = 0;
  const middle = Boolean(list.querySelector(":scope > li > [data-first]"));
  for (const { firstElementChild: item } of list.children) {
    if (item?.getAttribute("role") !== "treeitem") continue;
    if (item.hasAttribute("data-aside")) { item.setAttribute("aria-level", level); continue; }
    at += 1;
    if (item.hasAttribute("aria-level") && item.hasAttribute("aria-setsize")) continue;
    item.setAttribute("aria-level", level);
    if (total) item.setAttribute("aria-setsize", Math.max(total, at));
    if (!middle) item.setAttribute("aria-posinset", at);
  }
}

function put(item, list, nodes) {
  list.replaceChildren(nodes);
  settle(item, list);
}

function settle(item, list) {
  const total = Number(item.dataset.count ?? 0), level = Number(item.getAttribute("aria-level"));
  number(list, level + 1, total);
  const shown = list.querySelectorAll(":scope > li > :not([data-aside])").length, more = list.querySelector(":scope > li > [data-more]");
  if (more && total > shown && !list.querySelector(":scope > li > [data-first]")) more.textContent = `Show more of ${(total - shown).toLocaleString("en")}`;
  const place = tree.dataset.path && JSON.parse(tree.dataset.path).at(-1)[0];
  if (place) list.querySelector(`:scope > li > a[data-id="${place}"]`)?.setAttribute("aria-current", "page");
}

// Opens a level; resolves to true once it is there. Closed before it came, it is not wanted any more.
async function open(item, from = "") {
  let list = groupOf(item);
  if (!list) { list = el("ul", { role: "group", id: `tree-${root.querySelectorAll("ul").length}-${item.dataset.id}` }); item.after(list); item.setAttribute("aria-owns", list.id); }
  list.hidden = false;
  item.setAttribute("aria-expanded", "true");
  if (item.dataset.loaded && !from) return true;
  item.reading?.abort();
  const reading = item.reading = new AbortController();
  const waiting = el("li", { role: "none", class: "tree-wait" }, ...[88, 120, 104].map((width) => el("span", { class: `skel skel-${width}` })));
  const long = setTimeout(() => say("Still reading this level."), 2000);
  if (!item.dataset.loaded) list.replaceChildren(waiting);
  item.setAttribute("aria-busy", "true");
  try {
    const found = await page(from ? `${item.dataset.level}&from=${encodeURIComponent(from)}` : item.dataset.level, { signal: reading.signal });
    if (from) { const name = found.querySelector("[data-id] [data-name]")?.textContent.toLowerCase() ?? ""; if (!name.startsWith(from)) return false; }
    put(item, list, found);
    item.dataset.loaded = "yes";
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    if (item.dataset.loaded) { say(error.message); return false; }
    put(item, list, el("li", { role: "none" }, el("button", { type: "button", class: "link-btn small", role: "treeitem", tabindex: "-1", "data-aside": true, "data-again": true }, `${error.message} Try again`)));
    say(error.message);
    return false;
  } finally {
    clearTimeout(long);
    if (item.reading === reading) { item.reading = null; item.removeAttribute("aria-busy"); }
  }
}

function close(item) {
  const list = groupOf(item);
  if (list?.contains(current)) { const inside = list.contains(document.activeElement); here(item); if (inside) item.focus(); }
  item.reading?.abort();
  item.setAttribute("aria-expanded", "false");
  if (list) list.hidden = true;
}

const toggle = (item) => (item.getAttribute("aria-expanded") === "true" ? close(item) : open(item));

async function clicked(event) {
  const item = event.target.closest('[role="treeitem"]');
  if (!item || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window has the list
  if (item.dataset.level) { event.preventDefault(); here(item); toggle(item); return; }
  if (item.hasAttribute("data-again")) { const owner = above(item); focus(owner); if (await open(owner)) focus(shownIn(owner)); return; }
  const from = item.dataset.more ?? item.dataset.first;
  if (!from || item.hasAttribute("aria-disabled")) return;
  const list = item.closest("ul"), owner = above(item);
  item.setAttribute("aria-disabled", "true");
  try {
    const found = await page(from), first = found.querySelector("[data-id]");
    if (item.dataset.first) list.replaceChildren(found); else item.parentElement.replaceWith(found);
    settle(owner, list);
    if (list.contains(document.activeElement) || document.activeElement === document.body) focus(first);
  } catch (error) { item.textContent = `${error.message} Try again`; item.removeAttribute("aria-disabled"); say(error.message); }
}

let typed = "", last = 0;
function pressed(event) {
  const item = event.target.closest('[role="treeitem"]');
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const opened = item.getAttribute("aria-expanded") === "true";
  let to;
  if (event.key === "ArrowDown") to = after(item) ?? item;
  else if (event.key === "ArrowUp") to = before(item) ?? item;
  else if (event.key === "Home") to = itemOf(root.firstElementChild);
  else if (event.key === "End") to = lastIn(itemOf(root.lastElementChild));
  else if (event.key === "ArrowRight") { if (item.dataset.level && !opened) open(item); else to = shownIn(item); }
  else if (event.key === "ArrowLeft") { if (opened) close(item); else to = above(item); }
  else if (event.key === " " && !(typed && performance.now() - last < PAUSE)) { event.preventDefault(); item.click(); return; }
  else if (event.key.length === 1) { event.preventDefault(); type(item, event.key.toLowerCase()); return; }
  else return;
  event.preventDefault();
  typed = "";
  focus(to);
}

// A name that is typed: in the same level first, there at the server too where a part is missing, then anywhere shown.
async function type(item, letter) {
  const now = performance.now();
  typed = now - last < PAUSE ? typed + letter : letter;
  last = now;
  const wanted = [...typed].every((each) => each === typed[0]) ? typed[0] : typed, on = wanted === typed && typed.length > 1 ? 0 : 1;
  const find = (all) => { const from = all.indexOf(item) + on; return [...all.slice(from), ...all.slice(0, from)].find((each) => !each.hasAttribute("data-aside") && nameOf(each).startsWith(wanted)); };
  const list = item.closest("ul"), level = [...list.children].map((each) => each.firstElementChild).filter((each) => each?.getAttribute("role") === "treeitem");
  const near = find(level);
  if (near && near !== item) { focus(near); return; }
  if (near && on === 0) return;
  const owner = above(item), partial = list.querySelector(":scope > li > [data-more], :scope > li > [data-first]");
  if (owner && partial) {
    const asked = typed;
    if (await open(owner, asked)) { if (asked === typed || typed.startsWith(asked)) focus(groupOf(owner).querySelector("[data-id]")); return; }
    if (asked !== typed) return;
  }
  const far = find(items());
  if (far) focus(far); else say(`Nothing here begins with ${typed}.`);
}

function keep() {
  const opened = [...root.querySelectorAll('[aria-expanded="true"]')].filter((item) => !item.closest('[role="group"][hidden]')).slice(0, MOST_KEPT).map((item) => item.dataset.level);
  try { sessionStorage.setItem(KEPT, JSON.stringify({ opened, top: tree.scrollTop, at: current?.getAttribute("href") })); } catch { /* a browser that keeps nothing */ }
}

async function restore() {
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem(KEPT)); } catch { /* none */ }
  const path = tree.dataset.path ? JSON.parse(tree.dataset.path) : [];
  let list = root;
  for (const [index, [id, name]] of path.entries()) {
    const owner = list === root ? null : list.parentElement.firstElementChild, seek = () => list.querySelector(`:scope > li > a[data-id="${id}"]`);
    if (owner && !seek() && list.querySelector(":scope > li > [data-more]")) await open(owner, name.toLowerCase());
    const item = seek();
    if (!item) break;
    if (index === path.length - 1) { here(item); item.scrollIntoView({ block: "nearest" }); break; }
    if (!item.dataset.level || !(await open(item))) break;
    list = groupOf(item);
  }
  const wanted = new Set(kept?.opened ?? []);
  const deeper = async (from) => Promise.all([...from.querySelectorAll(":scope > li > a[data-level]")].filter((item) => wanted.has(item.dataset.level)).map(async (item) => { if (await open(item)) await deeper(groupOf(item)); }));
  await deeper(root);
  if (path.length || !kept) return;
  const item = items().find((each) => each.getAttribute("href") === kept.at);
  if (item && !root.contains(document.activeElement)) here(item);
  tree.scrollTop = kept.top;
}

if (root) start();
