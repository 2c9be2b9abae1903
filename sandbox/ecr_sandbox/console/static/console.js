// What htmx does not do: copy buttons, dialogs, tabs, the choice in a list, and the stream of changes.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button, a[data-close]");
  if (!button) return;
  if (button.dataset.copy !== undefined) {
    const done = await navigator.clipboard.writeText(button.dataset.copy).then(() => "Copied", () => "Not allowed here");
    button.textContent = done;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  } else if (button.dataset.close !== undefined && dialog().open) {
    event.preventDefault();
    dialog().close();
  } else if (button.dataset.addFilter !== undefined) {
    const next = button.parentElement.querySelector("input[hidden]");
    if (next) { next.hidden = false; next.focus(); }
    button.disabled = !button.parentElement.querySelector("input[hidden]");
  } else if (button.getAttribute("role") === "tab") {
    choose(button);
  }
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || event.target.getAttribute("role") !== "tab") return;
  const tabs = [...event.target.parentElement.children];
  choose(tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length]);
});

function choose(tab) {
  for (const each of tab.parentElement.children) {
    each.setAttribute("aria-selected", String(each === tab));
    each.tabIndex = each === tab ? 0 : -1;
    document.getElementById(each.getAttribute("aria-controls")).hidden = each !== tab;
  }
  tab.focus();
}

// A list is replaced when something changes: the rows that were chosen stay chosen.
const chosen = new Set();
const rows = () => [...document.querySelectorAll("input[form=actions]")];
document.addEventListener("change", (event) => {
  if (event.target.getAttribute("form") !== "actions") return;
  for (const row of rows()) chosen[row.checked ? "add" : "delete"](row.value);
  ready();
});

function ready() {
  for (const row of rows()) row.checked = chosen.has(row.value);
  const any = rows().some((row) => row.checked);
  for (const button of document.querySelectorAll("[data-needs-choice]")) button.disabled = !any;
}

// A form, or a list with forms, shows the settings of now, until the user writes in it.
document.addEventListener("input", (event) => { event.target.form?.setAttribute("data-edited", ""); });
document.addEventListener("htmx:beforeRequest", (event) => {
  const list = event.target.id === "list" ? event.target.querySelector("form[data-edited]") : null;
  if (list || event.target.matches("form[data-edited][hx-get]")) event.preventDefault();
});

function dialog() { return document.getElementById("dialog"); }

document.addEventListener("DOMContentLoaded", ready);
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === dialog()) dialog().showModal();
  ready();
});
// An error is shown in the dialog, too, with the service's sentence.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== dialog()) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

// Show or hide that the sandbox does not answer; whether it was hidden before.
function lost(isLost) {
  const message = document.getElementById("lost"), wasHidden = message.hidden;
  message.hidden = !isLost;
  return wasHidden;
}
document.addEventListener("htmx:sendError", () => lost(true));

// A browser opens six connections to a host, so a page that nobody sees has none.
let stream = null;
function listen() {
  if (document.hidden) { stream?.close(); stream = null; return; }
  if (stream || !document.querySelector("[hx-trigger*='changes']")) return;
  stream = new EventSource(document.body.dataset.changes);
  stream.addEventListener("change", () => htmx.trigger(document.body, "changes"));
  stream.addEventListener("error", () => lost(true));
  stream.addEventListener("open", () => { if (!lost(false)) htmx.trigger(document.body, "changes"); });
}
document.addEventListener("DOMContentLoaded", listen);
document.addEventListener("visibilitychange", () => { if (!document.hidden) htmx.trigger(document.body, "changes"); listen(); });
