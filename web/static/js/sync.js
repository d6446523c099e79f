// A running sync, looked at again every second until it ends.
import { page } from "./api.js";

document.querySelectorAll("[data-progress]").forEach((place) => {
  let quiet = 0;
  const look = async () => {
    try {
      place.replaceChildren(await page(place.dataset.progress));
      quiet = 0;
      const status = place.querySelector("[data-sync-status]")?.dataset.syncStatus;
      if (!["queued", "running"].includes(status)) { setTimeout(() => location.reload(), 1500); return; }
    } catch { quiet += 1; }
    if (quiet < 10) setTimeout(look, 1000 * (1 + quiet));
  };
  setTimeout(look, 800);
});
