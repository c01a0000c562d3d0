// Makes dialogs out of pages. Every page works without this: a link marked `data-dialog` leads to a page with one panel,
// and a form marked `data-live` is answered by a page. Here the panel comes as a dialog, and what was typed stays where it
// is whatever the answer.
const dialog = document.getElementById("dialog");
const say = document.body.dataset;
let opener;

const parse = (text) => new DOMParser().parseFromString(text, "text/html");
const panelOf = (page) => page.querySelector("[data-panel]");
const panel = () => panelOf(dialog);
const isSticky = () => panel()?.hasAttribute("data-sticky");

// What was just done is told once: not again when the page is fetched anew.
function told(address) {
  const url = new URL(address);
  url.searchParams.delete("notice");
  url.searchParams.delete("since");
  return url.href;
}

// Puts another page in place of this one, without leaving it: what it says is in its address too.
function show(page, address) {
  document.getElementById("main").replaceWith(page.getElementById("main"));
  document.getElementById("notice").replaceChildren(...page.getElementById("notice").children);
  document.querySelector(".top").replaceWith(page.querySelector(".top"));
  document.title = page.title;
  if (address) history.replaceState(null, "", told(address));
  prepare(document);
}

function openDialog(content) {
  const isOpen = dialog.open;
  // What is put into a page focuses nothing by itself, least of all in a frame: it is done here.
  const wanted = content.querySelector("[autofocus]");
  wanted?.removeAttribute("autofocus");
  dialog.replaceChildren(content);
  prepare(dialog);
  dialog.closedBy = isSticky() ? "none" : "closerequest";
  if (!isOpen) {
    dialog.showModal();
    // Going back closes the dialog and stays on the page.
    history.pushState({ dialog: true }, "");
  }
  const first = dialog.querySelector("[aria-invalid]") ?? wanted ?? dialog.querySelector(".panel-end .button, .panel-end button");
  first?.focus();
}

function closeDialog() {
  if (!dialog.open) return;
  dialog.close();
  dialog.replaceChildren();
  if (opener?.isConnected) opener.focus();
}

// The entry that the dialog made in the history is gone before anything else is done with it.
async function leaveDialog() {
  if (!history.state?.dialog) return closeDialog();
  await new Promise((resolve) => {
    addEventListener("popstate", resolve, { once: true });
    dialog.dataset.leaving = "";
    history.back();
  });
  delete dialog.dataset.leaving;
  closeDialog();
}

function alertIn(scope, text) {
  const slot = scope.querySelector("[data-alert]") ?? document.querySelector("#main [data-alert]");
  if (!slot) return;
  slot.textContent = text;
  slot.hidden = false;
  slot.scrollIntoView({ block: "nearest" });
}

function setBusy(form, button, busy) {
  form.toggleAttribute("data-sending", busy);
  form.setAttribute("aria-busy", String(busy));
  if (!button) return;
  button.setAttribute("aria-disabled", String(busy));
  if (busy && button.dataset.busy) {
    button.dataset.text = button.textContent;
    button.textContent = button.dataset.busy;
  } else if (button.dataset.text) {
    button.textContent = button.dataset.text;
  }
}

async function send(form, button) {
  if (form.hasAttribute("data-sending")) return;
  setBusy(form, button, true);
  const scope = form.closest("dialog") ?? form.closest("section") ?? document;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    await take(answer, form, scope);
  } catch {
    alertIn(scope, say.offline);
  } finally {
    setBusy(form, button, false);
  }
}

async function take(answer, form, scope) {
  if (answer.status === 401) return alertIn(scope, say.signedOut);
  const page = (answer.headers.get("content-type") ?? "").startsWith("text/html") ? parse(await answer.text()) : undefined;
  if (!page?.getElementById("main")) return alertIn(scope, say.odd);
  if (answer.redirected) {
    await leaveDialog();
    show(page, answer.url);
    return document.getElementById("main").focus();
  }
  const next = panelOf(page);
  // Why not is told where it was asked for: what was typed stays.
  if (next?.hasAttribute("data-refusal")) return alertIn(scope, next.querySelector("[role=alert]").textContent);
  if (next && form.closest("dialog")) return openDialog(document.adoptNode(next));
  show(page);
  (document.querySelector("#main [aria-invalid]") ?? document.querySelector("#main [data-alert]:not([hidden])"))?.scrollIntoView({ block: "center" });
  document.querySelector("#main [aria-invalid]")?.focus();
}

async function openLink(link) {
  opener = link;
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.href);
    const next = panelOf(parse(await answer.text()));
    if (answer.status === 401 || !next) location.assign(link.href);
    else openDialog(document.adoptNode(next));
  } catch {
    location.assign(link.href);
  } finally {
    link.removeAttribute("aria-busy");
  }
}

// The list behind the dialog is as it was: what happened meanwhile is fetched.
async function finish(link) {
  const inDialog = dialog.contains(link);
  if (!inDialog) return location.assign(link.href);
  await leaveDialog();
  const here = new URL(link.href).pathname === location.pathname ? location.href : link.href;
  try {
    const answer = await fetch(here);
    const page = parse(await answer.text());
    if (answer.ok && page.getElementById("main")) {
      show(page, here);
      document.getElementById("main").focus();
    } else location.assign(here);
  } catch {
    location.assign(here);
  }
}

async function copy(button) {
  const field = button.dataset.copy && document.getElementById(button.dataset.copy);
  const text = field ? field.value : button.dataset.copyText;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // In a frame that may not use the clipboard, the older way still works.
    const carrier = document.createElement("textarea");
    carrier.value = text;
    button.after(carrier);
    carrier.select();
    document.execCommand("copy");
    carrier.remove();
  }
  button.dataset.was ??= button.textContent;
  button.textContent = button.dataset.copied;
  const said = button.closest("[data-panel]")?.querySelector("[data-said]");
  if (said) said.textContent = button.dataset.copied;
}

function reveal(button) {
  const field = document.getElementById(button.dataset.reveal);
  const isShown = field.type === "text";
  field.type = isShown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!isShown));
}

function addLine(button) {
  const field = document.getElementById(button.dataset.to);
  const lines = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!lines.includes(button.dataset.add)) lines.push(button.dataset.add);
  field.value = lines.join("\n");
  field.focus();
}

// Where in a JSON text the value begins and ends that a JSON Pointer (RFC 6901) names; where a parent does, if it is absent.
function locate(text, pointer) {
  const token = /\s*(?:("(?:[^"\\]|\\.)*")|([{}[\],:])|([^\s{}[\],:"]+))/y;
  const wanted = pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  let found = [0, text.length];
  const next = () => {
    const match = token.exec(text);
    return match && { text: match[1] ?? match[2] ?? match[3], start: token.lastIndex - (match[1] ?? match[2] ?? match[3]).length, end: token.lastIndex };
  };
  const value = (path, first) => {
    const start = first ?? next();
    if (!start) return;
    let end = start.end;
    if (start.text === "{" || start.text === "[") {
      for (let index = 0, part = next(); part && part.text !== "}" && part.text !== "]"; part = next()) {
        if (part.text === ",") continue;
        if (start.text === "{") {
          next();
          end = value([...path, JSON.parse(part.text)]) ?? end;
        } else end = value([...path, String(index++)], part) ?? end;
      }
      end = token.lastIndex;
    }
    if (path.length <= wanted.length && path.every((part, index) => part === wanted[index])) {
      if (path.length >= found.depth || found.depth === undefined) found = Object.assign([start.start, end], { depth: path.length });
    }
    return end;
  };
  try {
    value([]);
  } catch {
    // What is not JSON has no places.
  }
  return found;
}

function point(button) {
  const field = document.getElementById(button.closest("[data-faults]").dataset.faults);
  const [start, end] = locate(field.value, button.dataset.pointer);
  const line = field.value.slice(0, start).split("\n").length;
  field.focus();
  field.setSelectionRange(start, end);
  field.scrollTop = Math.max(0, (line - 4) * (field.scrollHeight / field.value.split("\n").length));
}

// What works only here is shown only here.
function prepare(scope) {
  for (const button of scope.querySelectorAll("[data-add][hidden]")) button.hidden = false;
  for (const button of scope.querySelectorAll("[data-pointer]")) {
    const field = document.getElementById(button.closest("[data-faults]").dataset.faults);
    const line = field.value.slice(0, locate(field.value, button.dataset.pointer)[0]).split("\n").length;
    button.after(` ${say.line} ${line}:`);
  }
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const target = event.target.closest("a, button");
  if (!target) return;
  const { dataset } = target;
  if ("dialog" in dataset && !dialog.open) {
    event.preventDefault();
    openLink(target);
  } else if ("close" in dataset && dialog.contains(target)) {
    event.preventDefault();
    leaveDialog();
  } else if ("done" in dataset && dialog.contains(target)) {
    event.preventDefault();
    finish(target);
  } else if ("copy" in dataset || "copyText" in dataset) copy(target);
  else if ("reveal" in dataset) reveal(target);
  else if ("add" in dataset) addLine(target);
  else if ("pointer" in dataset) point(target);
});

document.addEventListener("submit", (event) => {
  if (!("live" in event.target.dataset)) return;
  event.preventDefault();
  send(event.target, event.submitter ?? event.target.querySelector("button:not([type])"));
});

// Choosing a date is choosing to have one.
document.addEventListener("input", (event) => {
  if (event.target.name !== "date") return;
  const choice = event.target.closest("fieldset")?.querySelector('[value="date"]');
  if (choice) choice.checked = true;
});

// A secret that is shown once is not closed by accident. Browsers let the second Escape in a row through unless the key
// itself is held back.
dialog.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isSticky()) event.preventDefault();
});
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  if (!isSticky()) leaveDialog();
});

addEventListener("popstate", () => {
  if ("leaving" in dialog.dataset) return;
  if (!dialog.open) return;
  if (isSticky() || dialog.querySelector("[data-sending]")) history.pushState({ dialog: true }, "");
  else closeDialog();
});

// A page that is come back to may tell what is no longer so.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// Also the entry of a dialog that a reload left behind is an ordinary one.
history.replaceState(null, "", told(location.href));
prepare(document);
