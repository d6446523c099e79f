// AI settings: the try-it box, the preview and the live list of models. Nothing typed here is kept.
import { el, get, nodesOf, send } from "./api.js";

// A switch posts the other value at once.
const box = document.getElementById("try-in"), out = document.querySelector("[data-try-out]");
let wait, turn = 0;
box?.addEventListener("input", () => {
  clearTimeout(wait);
  wait = setTimeout(async () => {
    const mine = ++turn, text = box.value;
    if (!text.trim()) { out.replaceChildren(); return; }
    try {
      const found = await send("POST", "/api/v1/redaction/try", { text });
      if (mine !== turn) return;
      const parts = found.text.split(/(<[a-z]+(?:-[a-z]+)*-\d+>|\[removed: [^\]]+\])/);
      out.replaceChildren(...parts.filter(Boolean).map((part) => /^<[a-z-]+-\d+>$/.test(part) ? el("mark", { "data-mark": "stand-in" }, part) : part.startsWith("[removed: ") ? el("mark", { "data-mark": "gone" }, part) : part));
    } catch (error) { out.textContent = error.message; }
  }, 200);
});

const preview = document.querySelector("[data-preview]");
preview?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const place = preview.querySelector("[data-preview-out]");
  try {
    const response = await fetch(preview.action, { method: "POST", body: new FormData(preview) });
    const card = nodesOf(await response.text()).querySelector("main .card");
    place.replaceChildren(card ?? el("p", { class: "card-body" }, "That did not work."));
  } catch { place.textContent = "You are offline, or Docent does not answer."; }
});

const models = document.querySelector("[data-models]");
models?.addEventListener("focus", async () => {
  const hint = document.querySelector("[data-models-hint]");
  try {
    const found = await get("/api/v1/settings/ai/models");
    document.getElementById("models").replaceChildren(...found.items.map((name) => el("option", { value: name })));
    hint.textContent = found.items.length ? `${found.items.length} models, live from the provider.` : "This provider has no list of models.";
  } catch (error) { hint.textContent = error.message; }
}, { once: true });
