// The ten questions as a form. What is written stays in this browser tab, also after a reload, for an
// hour after the last change; the page checks it and says beside each question what would be right.

const ITEM = "innovation-abm.answers", HOUR = 3_600_000, HOWS = ["open", "about", "range"];
const CHOICES = ["open", "yes", "no"], LARGEST = 100_000;

const made = (tag, into, about = {}) => into.appendChild(Object.assign(document.createElement(tag), about));

const remembered = () => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(ITEM));
    if (kept && Date.now() - kept.seen < HOUR) return kept.form;
    sessionStorage.removeItem(ITEM);
  } catch { /* no storage, or something else under this name */ }
  return null;
};
const remember = (form) => {
  try { sessionStorage.setItem(ITEM, JSON.stringify({ form, seen: Date.now() })); } catch { /* full, or not allowed */ }
};
const whole = (form) => ({ name: "", size: "people", people: "", layers: "", answers: {}, in_place: {}, ...form });

function render({ model, el }) {
  let form = whole(remembered() ?? model.get("filled").form);
  const get = (name) => model.get(name);
  const say = (key) => get("texts")[key] ?? "";
  const root = made("form", el, { className: "ia-questions", noValidate: true });
  const keep = () => remember(form);

  const field = (into, key, label, holder, name, unit = "", mode = "decimal") => {
    const line = made("label", into, { className: "ia-field" });
    made("span", line, { textContent: label });
    const input = made("input", line, { type: "text", inputMode: mode, value: holder[name] ?? "", maxLength: 200, autocomplete: "off" });
    input.dataset.key = key;
    if (unit) made("span", line, { textContent: unit });
    input.addEventListener("input", () => { holder[name] = input.value; keep(); });
    return input;
  };

  const radios = (into, name, options, chosen, choose) => {
    const row = made("div", into, { className: "ia-how" });
    for (const [value, text] of options) {
      const label = made("label", row);
      const input = made("input", label, { type: "radio", name, value, checked: value === chosen });
      made("span", label, { textContent: text });
      input.addEventListener("change", () => { choose(value); keep(); });
    }
  };

  const part = (key, title, hint, source) => {
    const box = made("fieldset", root);
    box.dataset.key = key;
    made("legend", box, { textContent: title });
    if (hint) made("p", box, { textContent: hint, className: "ia-about" });
    if (source) made("p", box, { textContent: source, className: "ia-about ia-source" });
    return box;
  };
  const wrong = (into, key) => {
    const line = made("p", into, { className: "ia-wrong", id: `ia-wrong-${key}`, role: "alert" });
    line.dataset.wrong = key;
  };

  const size = () => {
    const box = part("size", say("size"), say("size_says"));
    const chart = get("chart"), values = made("div", box, { className: "ia-values" });
    const fields = () => {
      values.replaceChildren();
      if (form.size === "chart" && chart) return;
      field(values, "people", say("people"), form, "people", "", "numeric");
      field(values, "layers", say("layers"), form, "layers", "", "numeric");
    };
    if (chart) {
      radios(box, "size", [["chart", chart], ["people", say("by_numbers")]], form.size, (value) => { form.size = value; fields(); });
      box.appendChild(values);
    }
    fields();
    const upload = made("button", box, { type: "button", textContent: say("upload"), className: "ia-link" });
    upload.addEventListener("click", () => model.send({ do: "upload" }));
    for (const key of ["people", "layers", "chart"]) wrong(box, key);
  };

  const question = (one, number) => {
    const box = part(one.key, `${number}. ${one.text}`, one.hint, one.source);
    const answer = form.answers[one.key] ??= { how: "open", about: "", low: "", high: "" };
    const values = document.createElement("div");
    values.className = "ia-values";
    const fields = (focus) => {
      values.replaceChildren();
      if (answer.how === "about") field(values, one.key, say("about_label"), answer, "about", one.unit);
      if (answer.how === "range") {
        field(values, one.key, say("low_label"), answer, "low");
        field(values, one.key, say("high_label"), answer, "high", one.unit);
      }
      if (focus) values.querySelector("input")?.focus();
    };
    radios(box, one.key, HOWS.map((how) => [how, say(how)]), answer.how, (how) => { answer.how = how; fields(true); });
    box.appendChild(values);
    fields(false);
    wrong(box, one.key);
  };

  const inPlace = (number) => {
    const box = part("in_place", `${number}. ${say("in_place")}`, say("in_place_says"));
    for (const one of get("in_place")) {
      const row = made("div", box, { className: "ia-there", role: "group" });
      row.setAttribute("aria-label", one.text);
      made("span", row, { textContent: one.text });
      radios(row, `in_place_${one.key}`, CHOICES.map((choice) => [choice, say(choice)]), form.in_place[one.key] ?? "open", (value) => { form.in_place[one.key] = value; });
      wrong(box, one.key);
    }
  };

  const buttons = () => {
    wrong(root, "");
    const row = made("div", root, { className: "ia-send" });
    const button = (key, type, act) => {
      const found = made("button", row, { type, textContent: say(key) });
      if (act) found.addEventListener("click", act);
      return found;
    };
    button("ask", "submit");
    button("save", "button", () => model.send({ do: "save", form }));
    const label = made("label", row, { className: "ia-load" });
    made("span", label, { textContent: say("load") });
    const input = made("input", label, { type: "file", accept: ".toml,text/plain,application/toml" });
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (file && file.size <= LARGEST) model.send({ do: "load", name: file.name }, undefined, [await file.arrayBuffer()]);
      else if (file) model.send({ do: "load", name: file.name });
      input.value = "";
    });
    button("empty", "button", () => { form = whole({}); keep(); draw(); model.send({ do: "empty" }); });
  };

  const faults = (focus) => {
    const found = get("faults");
    for (const line of root.querySelectorAll("[data-wrong]")) {
      const key = line.dataset.wrong, text = found[key] ?? "";
      line.textContent = text;
      for (const input of root.querySelectorAll(`input[data-key="${key}"]`)) {
        input.toggleAttribute("aria-invalid", Boolean(text));
        if (text) { input.setAttribute("aria-invalid", "true"); input.setAttribute("aria-describedby", line.id); }
        else input.removeAttribute("aria-describedby");
      }
    }
    const first = focus && [...root.querySelectorAll("[data-wrong]")].find((line) => line.textContent);
    if (!first) return;
    const box = first.closest("fieldset") ?? first;
    (box.querySelector("input[aria-invalid]") ?? box.querySelector("input") ?? first).focus?.();
    box.scrollIntoView({ block: "center" });
  };

  const draw = () => {
    root.replaceChildren();
    const name = part("name", say("name"), "");
    field(name, "name", say("name_label"), form, "name", "", "text");
    wrong(name, "name");
    size();
    get("questions").forEach((one, place) => question(one, place + 2));
    inPlace(get("questions").length + 2);
    buttons();
    faults(false);
  };

  const fill = () => { form = whole(get("filled").form); keep(); draw(); };
  const saved = () => {
    const { name, text } = get("saved");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  root.addEventListener("submit", (event) => { event.preventDefault(); model.send({ do: "ask", form }); });
  const charted = () => { if (get("chart")) form.size = "chart"; draw(); }; // it was uploaded for this, presumably
  const listens = { texts: draw, questions: draw, in_place: draw, chart: charted, faults: () => faults(true), filled: fill, saved };
  for (const [name, act] of Object.entries(listens)) model.on(`change:${name}`, act);
  if (form.people === "") charted(); else draw();
  const release = keepFocus(model, el);
  return () => { release(); for (const [name, act] of Object.entries(listens)) model.off(`change:${name}`, act); };
}

export default { render };
