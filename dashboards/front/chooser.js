// A button that chooses a file, which may also be dropped on it. A file that is too large is not
// sent: only its name and size are.

function render({ model, el }) {
  const label = document.createElement("label");
  label.className = "ia-chooser";
  const text = label.appendChild(document.createElement("span"));
  const input = label.appendChild(document.createElement("input"));
  input.type = "file";
  input.accept = ".csv,text/csv";
  const speak = () => { text.textContent = model.get("label"); };
  const choose = async (file) => {
    if (!file) return;
    const content = file.size <= model.get("most") ? new DataView(await file.arrayBuffer()) : null;
    model.set("chosen", { name: file.name, size: file.size, content, time: Date.now() });
    model.save_changes();
    input.value = "";
  };
  input.addEventListener("change", () => choose(input.files[0]));
  label.addEventListener("dragover", (event) => event.preventDefault());
  label.addEventListener("drop", (event) => { event.preventDefault(); choose(event.dataTransfer.files[0]); });
  model.on("change:label", speak);
  speak();
  el.appendChild(label);
  return () => model.off("change:label", speak);
}

export default { render };
