for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].map(row => {
      const cell = row.cells[column];
      return {row, key: cell.dataset.value ?? cell.textContent.trim()};
    });
    const numeric = rows.every(({key}) => key === "" || !isNaN(key));
    const text = new Intl.Collator(undefined, {numeric: true});
    rows.sort(({key: x}, {key: y}) => {
      if (x === "" || y === "") return (x === "") - (y === "");
      return (up ? 1 : -1) * (numeric ? x - y : text.compare(x, y));
    });
    table.tBodies[0].append(...rows.map(({row}) => row));
  }));
}
for (const input of document.querySelectorAll("input[type=search]")) {
  const place = document.querySelector(input.dataset.place);
  const rows = [...place.querySelectorAll("tbody tr")].map(row => {
    const part = row.closest("[data-words]");
    return {row, words: ((part ? part.dataset.words : "") + " " + row.textContent).toLowerCase()};
  });
  const count = input.parentElement.querySelector("output");
  const filter = () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const {row, words} of rows) {
      row.hidden = !wanted.every(word => words.includes(word));
      shown += !row.hidden;
    }
    for (const part of place.querySelectorAll("[data-words]"))
      part.hidden = !part.querySelector("tbody tr:not([hidden])");
    count.textContent = wanted.length ? `${shown} of ${rows.length}` : "";
  };
  input.addEventListener("input", filter);
  filter();
}
addEventListener("hashchange", () => { if (document.querySelector(".inside:target")) scrollTo(0, 0); });
