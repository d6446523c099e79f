// The palette: find, go to, ask. Ctrl K or Cmd K. The last line always asks.
import { el, get, icon } from "./api.js";

const box = document.getElementById("palette");
const KINDS = { table: "table-2", view: "eye", column: "columns-3", term: "book-open", schema: "folder", database: "database", dashboard: "layout-dashboard", model: "braces", document: "scroll-text" };
let options = [], selected = 0, reading = null, waits = false;

const places = () => [...document.querySelectorAll(".rail-nav a, .rail-foot > a")].map((link) => ({ title: link.querySelector(".word").textContent, href: link.href }));

function option(id, node, go) {
  options.push(go);
  const line = el("div", { role: "option", id: `pal-${id}`, "aria-selected": "false" }, ...node);
  line.addEventListener("click", () => go());
  line.addEventListener("pointermove", () => select(id));
  return line;
}

function select(at) {
  selected = at;
  box.querySelectorAll('[role="option"]').forEach((line, index) => line.setAttribute("aria-selected", String(index === at)));
  box.querySelector("input")?.setAttribute("aria-activedescendant", `pal-${at}`);
  box.querySelector(`#pal-${at}`)?.scrollIntoView({ block: "nearest" });
}

function ask(text) {
  box.close();
  const chat = document.querySelector("docent-chat");
  if (chat && text) { chat.askFromOutside(text); return; }
  location.href = `/assistant?q=${encodeURIComponent(text)}`;
}

// `said` stands where hits would: that there are none, or why they did not come.
function draw(text, found, said = "") {
  options = [];
  const list = box.querySelector('[role="listbox"]');
  list.replaceChildren();
  const group = (title, lines) => { if (lines.length) list.append(el("div", { role: "group", "aria-label": title }, el("h3", { role: "presentation" }, title), ...lines)); };
  group("Find", found.map((thing) => option(options.length, [icon(KINDS[thing.kind] ?? "database"), el("span", { class: "mono" }, thing.qualified_name), el("span", { class: "muted small cut" }, thing.description ?? "")], () => { location.href = `/r/${thing.id}`; })));
  if (said) list.append(el("p", { class: "palette-said small muted", role: "presentation" }, said));
  box.querySelector("[role=status]").textContent = !text ? "" : said || `${found.length} found`;
  const wanted = text.toLowerCase();
  group("Go to", places().filter((place) => !wanted || place.title.toLowerCase().includes(wanted)).slice(0, 6).map((place) => option(options.length, [icon("corner-down-left"), place.title], () => { location.href = place.href; })));
  if (text) group("Ask", [
    option(options.length, [icon("search"), `Search for “${text}”`], () => search(text)),
    option(options.length, [icon("message-square-text"), `Ask “${text}”`, el("kbd", { class: "kbd push", "aria-hidden": "true" }, "Ctrl ↵")], () => ask(text)),
  ]);
  select(0);
}

// Only the answer to what was typed last is shown: one that is under way for less is called off.
async function look(text) {
  reading?.abort();
  const mine = reading = new AbortController();
  if (!text) { waits = false; draw("", []); return; }
  try {
    const found = await get(`/api/v1/suggest?q=${encodeURIComponent(text)}&limit=8`, { signal: mine.signal });
    if (mine === reading) draw(text, found.items, found.items.length ? "" : "Nothing that you may see begins like this.");
  } catch (error) {
    if (mine !== reading || error.name === "AbortError") return;
    draw(text, [], error.message);
  }
  if (mine === reading) waits = false;
}

const search = (text) => { location.href = `/search?q=${encodeURIComponent(text)}`; };

function open() {
  const input = el("input", { type: "text", role: "combobox", "aria-label": "Find, go to or ask", "aria-expanded": "true", "aria-controls": "pal", autocomplete: "off", placeholder: "Find, go to or ask" });
  box.replaceChildren(el("div", { class: "palette" }, el("div", { class: "find" }, icon("search"), input, el("kbd", { class: "kbd", "aria-hidden": "true" }, "Esc")), el("div", { role: "listbox", id: "pal", "aria-label": "Results" }), el("p", { class: "vh", role: "status" })));
  let wait;
  input.addEventListener("input", () => { clearTimeout(wait); waits = true; wait = setTimeout(() => look(input.value.trim()), 80); });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) { event.preventDefault(); select((selected + step + options.length) % options.length); }
    if (event.key === "Enter") { event.preventDefault(); const text = input.value.trim();
      if (event.ctrlKey || event.metaKey) ask(text);
      else if (waits && text) search(text); // what is listed belongs to a text that is no longer there
      else options[selected]?.();
    }
  });
  box.showModal();
  draw("", []);
  input.focus();
}

if (box) {
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); box.open ? box.close() : open(); }
  });
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  document.querySelectorAll("[data-palette]").forEach((button) => button.addEventListener("click", open));
}
