// Sorting, searching, hiding names and printing. Without this script the pages show all there is.
"use strict";
(() => {
  const root = document.documentElement;
  const NAMES = "autograder-report-names";

  // --- names: what this reader chose last counts. It is kept where the browser keeps things for files; the address
  // carries it, too, since some browsers keep them for each file apart.
  const remembered = (text) => {
    const found = /^(shown|hidden)-([0-9a-z]+)$/.exec(text || "");
    return found ? { state: found[1], when: parseInt(found[2], 36) } : null;
  };
  const stored = () => {
    try { return remembered(localStorage.getItem(NAMES)); } catch { return null; }
  };
  const chosen = () => {
    const both = [stored(), remembered(new URLSearchParams(location.search).get("names"))].filter(Boolean);
    return both.sort((a, b) => b.when - a.when)[0] || null;
  };

  const show = (state) => {
    if (root.dataset.names === state) return;
    for (const element of document.querySelectorAll("[data-n]")) {
      const other = element.dataset.n;
      element.dataset.n = element.textContent;
      element.textContent = other;
    }
    root.dataset.names = state;
    document.getElementById("names").setAttribute("aria-checked", String(state === "hidden"));
    for (const list of document.querySelectorAll("[data-order=names]")) {
      const items = [...list.children].map((item) => [item.textContent, item]);
      list.append(...items.sort((a, b) => compareText(a[0], b[0])).map((pair) => pair[1]));
    }
    for (const again of renamed) again();
  };

  const carry = (choice) => {
    if (!choice) return;
    const query = `?names=${choice.state}-${choice.when.toString(36)}`;
    for (const link of document.querySelectorAll("a[href]")) {
      const parts = /^([^?#]+\.html)(?:\?[^#]*)?(#.*)?$/.exec(link.getAttribute("href"));
      if (parts) link.setAttribute("href", parts[1] + query + (parts[2] || ""));
    }
    try { history.replaceState(null, "", query + location.hash); } catch { /* then the links carry it alone */ }
  };

  const choose = (state) => {
    const choice = { state, when: Date.now() };
    try { localStorage.setItem(NAMES, `${state}-${choice.when.toString(36)}`); } catch { /* the links carry it */ }
    show(state);
    carry(choice);
  };

  // --- tables
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const compareText = (a, b) => collator.compare(a, b);
  const renamed = [];

  const valueOf = (row, column, kind) => {
    const cell = row.cells[column];
    if (kind === "text") return cell.textContent.trim();
    const text = cell.dataset.v ?? cell.textContent.replace(/[^\d.−-]/g, "").replace("−", "-");
    return text === "" || text === "-" ? -Infinity : Number(text);
  };

  const sortable = (table) => {
    const body = table.tBodies[0];
    const headers = [...table.tHead.rows[0].cells];
    let current = null;
    const sort = () => {
      const { column, kind, down } = current;
      const rows = [...body.rows].filter((row) => !row.classList.contains("most"));
      const keyed = rows.map((row) => [valueOf(row, column, kind), row]);
      const compare = kind === "text" ? compareText : (a, b) => (a === b ? 0 : a < b ? -1 : 1);
      keyed.sort((a, b) => (down ? -1 : 1) * compare(a[0], b[0]));
      body.append(...keyed.map((pair) => pair[1]));
      headers.forEach((header, index) => {
        if (index === column) header.setAttribute("aria-sort", down ? "descending" : "ascending");
        else header.removeAttribute("aria-sort");
      });
    };
    headers.forEach((header, column) => {
      const kind = header.dataset.sort;
      if (!kind) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      if (header.hasAttribute("aria-sort")) {
        const down = header.getAttribute("aria-sort") === "descending";
        current = { column, kind, down };
      }
      button.addEventListener("click", () => {
        const down = current && current.column === column ? !current.down : kind === "num";
        current = { column, kind, down };
        sort();
      });
    });
    renamed.push(() => current && current.kind === "text" && sort());
  };

  const searchable = (search) => {
    const table = document.getElementById(search.dataset.for);
    const input = search.querySelector("input");
    const output = search.querySelector("output");
    const rows = [...table.tBodies[0].rows];
    let texts = null;
    const filter = () => {
      const words = input.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      texts ??= new Map(rows.map((row) => [row, row.textContent.toLocaleLowerCase()]));
      let count = 0;
      for (const row of rows) {
        const fits = words.every((word) => texts.get(row).includes(word));
        if (row.hidden === fits) row.hidden = !fits;
        count += fits;
      }
      output.value = words.length ? `${count} of ${rows.length} rows` : `${rows.length} rows`;
    };
    input.addEventListener("input", filter);
    renamed.push(() => { texts = null; filter(); });
    output.value = `${rows.length} rows`;
    search.hidden = false;
  };

  // --- printing shows what is folded away
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
    opened = [];
  });

  const follow = () => {
    const choice = chosen();
    if (choice) show(choice.state);
    carry(choice);
  };

  const first = chosen();
  if (first && first.state !== root.dataset.names) root.classList.add("swapping");
  addEventListener("DOMContentLoaded", () => {
    try {
      const names = document.getElementById("names");
      names.hidden = false;
      names.addEventListener("click", () => choose(root.dataset.names === "hidden" ? "shown" : "hidden"));
      document.querySelectorAll("table[data-sortable]").forEach(sortable);
      document.querySelectorAll(".search").forEach(searchable);
      follow();
    } finally {
      root.classList.remove("swapping");
    }
  });
  addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
})();
