// The lineage picture as a PNG file, drawn on a canvas with the colours of the page. Nothing leaves the browser.
import { say } from "./api.js";
import { curve, cut, FOLD, HEAD, LINE, place_of, WIDTH } from "./lineage-draw.js";

// Of a canvas: a side that every browser can, and an area of 256 MB. Names are to be read, however tall the picture.
const SIDE = 32000, AREA = 64e6, DIM = 0.28;

export function save(state) {
  const { width, height } = state.size, scale = Math.min(2, SIDE / width, SIDE / height, Math.sqrt(AREA / (width * height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale); canvas.height = Math.ceil(height * scale);
  const pen = canvas.getContext("2d"), styles = getComputedStyle(document.documentElement);
  const ink = (name) => styles.getPropertyValue(`--${name}`).trim();
  const mono = ink("font-mono") || "monospace", ui = ink("font-ui") || "sans-serif";
  pen.scale(scale, scale);
  pen.fillStyle = ink("canvas"); pen.fillRect(0, 0, width, height);
  for (const link of state.links) {
    const hot = link.path.classList.contains("edge-hot");
    pen.strokeStyle = pen.fillStyle = ink(hot ? "accent" : "control"); pen.lineWidth = hot ? 2 : 1.5;
    pen.setLineDash(link.edge && link.edge.confidence < 1 ? [2, 3] : link.edge?.source === "manual" ? [6, 4] : []);
    pen.globalAlpha = link.path.hasAttribute("data-dim") ? DIM : 1;
    pen.stroke(new Path2D(curve(link)));
    const x = link.b.x, y = link.b.y + link.y2;
    pen.fill(new Path2D(`M${x - 8} ${y - 4}L${x} ${y}L${x - 8} ${y + 4}z`));
  }
  pen.setLineDash([]);
  const text = (words, x, y, font, color) => { pen.font = font; pen.fillStyle = ink(color); pen.fillText(words, x, y); };
  for (const box of state.boxes) {
    const hit = box.g.hasAttribute("data-hit");
    pen.globalAlpha = box.g.hasAttribute("data-dim") ? DIM : 1;
    pen.beginPath(); pen.roundRect(box.x, box.y, WIDTH, box.fold ? FOLD : box.height, 6);
    pen.fillStyle = ink(hit ? "accent-soft" : box.fold ? "sunken" : "raised"); pen.fill();
    pen.strokeStyle = ink(box.here || hit ? "accent" : "line-strong"); pen.lineWidth = box.here || hit ? 2 : 1; pen.stroke();
    if (box.fold) { text(`${box.more.toLocaleString("en")} more`, box.x + 14, box.y + 17, `500 12px ${mono}`, "ink"); text(box.kinds, box.x + 14, box.y + 32, `11px ${ui}`, "ink-3"); continue; }
    text(cut(box.node.name, 24), box.x + 14, box.y + 20, `500 12px ${mono}`, "ink");
    text(place_of(box.node), box.x + 14, box.y + 36, `11px ${ui}`, "ink-3");
    box.columns.forEach((name, row) => text(cut(name, 26), box.x + 14, box.y + HEAD + 18 + row * LINE, `11.5px ${mono}`, box.rows[row].hasAttribute("data-lit") ? "accent" : "ink-2"));
    if (box.more) text(`${box.more} more columns`, box.x + 14, box.y + box.height - 8, `11.5px ${ui}`, "ink-2");
  }
  canvas.toBlob((blob) => {
    if (!blob) { say("The picture is too large for this browser to save."); return; }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "docent-lineage.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say("Saved as docent-lineage.png.");
  }, "image/png");
}
