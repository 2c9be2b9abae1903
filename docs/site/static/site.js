// Without this script the pages are complete; it helps keyboards, phones and paper.

function each(selector, change) {
  document.querySelectorAll(selector).forEach(change);
}

document.addEventListener("DOMContentLoaded", () => {
  // Code and tables that are wider than the page scroll. A keyboard can scroll them only if they can have the focus.
  each("pre, .table-wrapper", (box) => { box.tabIndex = 0; });

  // Sphinx marks the titles in the list of pages as headings, without a level.
  each(".caption[role=heading]", (title) => { title.ariaLevel = 2; });

  // A tap opens a picture alone, where it can be enlarged.
  each("article img:not(a img)", (picture) => {
    const link = document.createElement("a");
    link.href = picture.src;
    picture.replaceWith(link);
    link.append(picture);
  });

  each("table.docutils:has(th:nth-child(4))", (table) => {
    const titles = [...table.querySelectorAll("thead th")].map((title) => title.textContent);
    table.classList.add("wide");
    table.querySelectorAll("tbody tr").forEach((row) =>
      [...row.cells].forEach((cell, column) => { cell.dataset.title = titles[column]; }));
  });
});

// Paper has no folded text.
addEventListener("beforeprint", () => each("details", (folded) => { folded.open = true; }));
