// The page of a result: below the rows that the server wrote, a chart of all of them.
import { pictured } from "./result.js";

const place = document.querySelector("[data-chart-of]");
if (place) {
  pictured({ result_id: place.dataset.chartOf, rows: [] })
    .then((figure) => (figure ? place.replaceChildren(figure) : place.remove()))
    .catch(() => place.remove()); // the table stands without it
}
