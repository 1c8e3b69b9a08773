// A button that chooses a file or two, which may also be dropped on it. Files that are too large
// are not sent: only their names and sizes are.

function render({ model, el }) {
  const label = document.createElement("label");
  label.className = "ia-chooser";
  const text = label.appendChild(document.createElement("span"));
  const button = label.appendChild(document.createElement("b"));
  const input = label.appendChild(document.createElement("input"));
  input.type = "file";
  input.multiple = true;
  input.accept = ".csv,text/csv";
  const speak = () => { text.textContent = model.get("label"); button.textContent = model.get("button"); };
  const choose = async (chosen) => {
    const files = [...chosen];
    if (!files.length) return;
    const fits = files.length <= 2
      && files.reduce((sum, file) => sum + file.size, 0) <= model.get("most");
    const sent = await Promise.all(files.slice(0, 3).map(async ({ name, size }, i) =>
      ({ name, size, content: fits ? new DataView(await files[i].arrayBuffer()) : null })));
    model.set("chosen", { files: sent, time: Date.now() });
    model.save_changes();
    input.value = "";
  };
  input.addEventListener("change", () => choose(input.files));
  label.addEventListener("dragover", (event) => event.preventDefault());
  label.addEventListener("drop", (event) => { event.preventDefault(); choose(event.dataTransfer.files); });
  for (const name of ["label", "button"]) model.on(`change:${name}`, speak);
  speak();
  el.appendChild(label);
  return () => ["label", "button"].forEach((name) => model.off(`change:${name}`, speak));
}

export default { render };
