// A button that chooses one or two files, which may also be dropped on it. Of files that are too
// large, only names and sizes are sent. They are sent as a message, which is not stored.

const ACCEPT = [
  ".csv", ".tsv", ".txt", ".xlsx", "text/csv", "text/tab-separated-values", "text/plain",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
].join(",");

function render({ model, el }) {
  const label = document.createElement("label");
  label.className = "ia-chooser";
  const text = label.appendChild(document.createElement("span"));
  const button = label.appendChild(document.createElement("b"));
  const input = label.appendChild(document.createElement("input"));
  input.type = "file";
  input.multiple = true;
  input.accept = ACCEPT;
  const speak = () => { text.textContent = model.get("label"); button.textContent = model.get("button"); };
  const choose = async (chosen) => {
    const files = [...chosen];
    if (!files.length) return;
    const fits = files.length <= 2
      && files.reduce((sum, file) => sum + file.size, 0) <= model.get("most");
    const contents = fits ? await Promise.all(files.map((file) => file.arrayBuffer())) : [];
    const about = files.slice(0, 3).map(({ name, size }) => ({ name, size }));
    model.send({ files: about }, undefined, contents);
    input.value = "";
  };
  input.addEventListener("change", () => choose(input.files));
  label.addEventListener("dragover", (event) => event.preventDefault());
  label.addEventListener("drop", (event) => { event.preventDefault(); choose(event.dataTransfer.files); });
  for (const name of ["label", "button"]) model.on(`change:${name}`, speak);
  speak();
  el.appendChild(label);
  const release = keepFocus(model, el);
  return () => { release(); ["label", "button"].forEach((name) => model.off(`change:${name}`, speak)); };
}

export default { render };
