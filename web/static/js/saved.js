// The panel of saved prompts: search as one types, rename in place.
import { page, say, send } from "./api.js";

const panel = document.getElementById("saved");
let wait, turn = 0;

async function reload(find = "") {
  const mine = ++turn;
  const fresh = await page(`/assistant/saved?find=${encodeURIComponent(find)}`);
  // Somebody who is renaming or has a menu open keeps what is under their hands.
  if (mine !== turn || panel.querySelector(".saved-item > input, .item-menu[open]")) return;
  const list = fresh.querySelector("[data-saved-list]");
  const here = document.querySelector("docent-chat[data-page]")?.dataset.chat;
  list.querySelectorAll(".saved-item > a").forEach((link) => {
    if (here && link.pathname === `/assistant/${here}`) { link.setAttribute("aria-current", "page"); link.parentElement.dataset.state = "here"; }
  });
  panel.querySelector("[data-saved-list]").replaceWith(list);
}

panel?.addEventListener("input", (event) => {
  if (event.target.name !== "find") return;
  clearTimeout(wait);
  wait = setTimeout(() => reload(event.target.value).catch(() => {}), 150);
});
panel?.addEventListener("submit", (event) => {
  if (event.target.matches("[data-saved-search]")) { event.preventDefault(); reload(event.target.find.value).catch(() => {}); }
});

panel?.addEventListener("click", (event) => {
  const rename = event.target.closest("[data-rename]");
  if (!rename) return;
  event.preventDefault();
  const item = rename.closest(".saved-item");
  rename.closest("details").open = false;
  const label = item.querySelector("a > .cut");
  const input = Object.assign(document.createElement("input"), { className: "input input-sm", value: rename.dataset.title, maxLength: 200 });
  input.setAttribute("aria-label", "New name of the chat");
  item.querySelector("a").hidden = true;
  item.prepend(input);
  input.focus();
  input.select();
  let ended = false;
  const end = async (save) => {
    if (ended) return;
    ended = true;
    const title = input.value.trim();
    input.remove();
    item.querySelector("a").hidden = false;
    if (!save || !title || title === rename.dataset.title) return;
    try {
      await send("PATCH", `/api/v1/chats/${rename.dataset.rename}`, { title });
      label.textContent = title;
      rename.dataset.title = title;
      say("Renamed.");
      if (item.dataset.state === "here") document.querySelector("[data-chat-title]").textContent = title;
    } catch (error) { say(error.message); }
  };
  input.addEventListener("keydown", (key) => {
    if (key.key === "Enter") { key.preventDefault(); end(true); }
    if (key.key === "Escape") { key.stopPropagation(); end(false); }
  });
  input.addEventListener("blur", () => end(true));
});

addEventListener("docent:answered", () => reload(panel?.querySelector('[name="find"]')?.value ?? "").catch(() => {}));
