// Offline: one line under the bar. What is on the page stays, nothing can be asked, edits wait.
import { el, icon, say } from "./api.js";

const loaded = new Date();
let line = null;

function composers(off) {
  document.querySelectorAll("[data-composer]").forEach((form) => {
    const box = form.querySelector("textarea"), chip = form.querySelector(".egress .cut"), dot = form.querySelector(".egress .dot");
    if (off && !form.was) {
      form.was = { placeholder: box.placeholder, disabled: box.disabled, chip: [...chip.childNodes], tone: dot.dataset.tone };
      box.placeholder = "Asking needs a connection";
      chip.replaceChildren("Offline · nothing leaves");
      delete dot.dataset.tone;
      form.querySelectorAll("[data-ask], [data-mention]").forEach((button) => { button.disabled = true; });
      box.disabled = true; // what is typed in it stays
    } else if (!off && form.was) {
      box.placeholder = form.was.placeholder;
      chip.replaceChildren(...form.was.chip);
      if (form.was.tone) dot.dataset.tone = form.was.tone;
      box.disabled = form.was.disabled;
      form.querySelectorAll("[data-ask], [data-mention]").forEach((button) => { button.disabled = form.was.disabled; });
      form.was = null;
    }
  });
}

function show() {
  const off = !navigator.onLine;
  composers(off);
  document.documentElement.toggleAttribute("data-offline", off);
  if (off && !line) {
    const at = loaded.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    line = el("div", { class: "offline", role: "status" }, icon("wifi-off"), el("strong", {}, "You are offline."), el("span", {}, `This page is from ${at}. What you typed stays; an edit waits and is saved when you are back.`));
    document.body.append(line);
  } else if (!off && line) {
    line.remove();
    line = null;
    say("You are back online.");
  }
}

addEventListener("offline", show);
addEventListener("online", show);
show();
