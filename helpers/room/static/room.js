// Asks for the table again and replaces it when it has changed. The focus and the scroll positions stay.
"use strict";
const INTERVAL = 1000; // milliseconds
const live = document.getElementById("live");
const summary = document.getElementById("summary");
const problem = document.getElementById("problem");
let shown = "";

async function update() {
  let sentence = "";
  try {
    const answer = await fetch("learners", { signal: AbortSignal.timeout(5000) });
    if (answer.ok) replace(await answer.text());
    else sentence = "The room has a new key. Open the address that ecr-lab room printed.";
  } catch {
    sentence = "The room does not answer. The page shows its last state, and tries again.";
  }
  if (problem.textContent !== sentence) problem.textContent = sentence;
  setTimeout(update, INTERVAL);
}

function replace(text) {
  if (text === shown) return;
  shown = text;
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  const positions = [...live.querySelectorAll(".scroll")].map((each) => [each.id, each.scrollLeft]);
  live.innerHTML = text;
  for (const [id, left] of positions) if (document.getElementById(id)) document.getElementById(id).scrollLeft = left;
  if (focused) document.getElementById(focused)?.focus();
  const sentence = live.querySelector("[data-summary]").dataset.summary;
  if (summary.textContent !== sentence) summary.textContent = sentence;
}

setTimeout(update, INTERVAL);
