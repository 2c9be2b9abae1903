// Code and tables that are wider than the page scroll. A keyboard can scroll them only if they can have the focus.
document.addEventListener("DOMContentLoaded", () =>
  document.querySelectorAll("pre, .table-wrapper").forEach((each) => { each.tabIndex = 0; }));

// Paper has no folded text.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
