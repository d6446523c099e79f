// The catalog's tree: a level is fetched when it is opened, long levels in pages.
import { el, page } from "./api.js";

document.addEventListener("toggle", async (event) => {
  const node = event.target;
  if (!node.matches?.("details[data-level]") || !node.open || node.dataset.loaded) return;
  node.dataset.loaded = "yes";
  const list = node.querySelector(":scope > ul");
  const waiting = el("li", { class: "tree-wait", role: "status" }, ...[88, 120, 104].map((width) => el("span", { class: `skel skel-${width}` })), el("span", { class: "vh" }, "Reading this level"));
  const long = setTimeout(() => waiting.append(el("span", { class: "small muted" }, "Still reading this level")), 2000);
  list.append(waiting);
  try { list.replaceChildren(await page(node.dataset.level)); } catch (error) { waiting.replaceChildren(el("span", { class: "small" }, error.message)); delete node.dataset.loaded; }
  clearTimeout(long);
}, true);

document.addEventListener("click", async (event) => {
  const more = event.target.closest("[data-more]");
  if (!more) return;
  more.disabled = true;
  try { more.closest("li").replaceWith(await page(more.dataset.more)); } catch (error) { more.textContent = error.message; more.disabled = false; }
});
