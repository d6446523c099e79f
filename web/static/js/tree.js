// The catalog's tree: a level is fetched when it is opened, long levels in pages.
import { page } from "./api.js";

document.addEventListener("toggle", async (event) => {
  const node = event.target;
  if (!node.matches?.("details[data-level]") || !node.open || node.dataset.loaded) return;
  node.dataset.loaded = "yes";
  const list = node.querySelector(":scope > ul");
  const waiting = document.createElement("li");
  waiting.className = "small muted";
  waiting.textContent = "Reading…";
  list.append(waiting);
  try { list.replaceChildren(await page(node.dataset.level)); } catch (error) { waiting.textContent = error.message; delete node.dataset.loaded; }
}, true);

document.addEventListener("click", async (event) => {
  const more = event.target.closest("[data-more]");
  if (!more) return;
  more.disabled = true;
  try { more.closest("li").replaceWith(await page(more.dataset.more)); } catch (error) { more.textContent = error.message; more.disabled = false; }
});
