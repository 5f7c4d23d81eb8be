// Photos come in: dropped, pasted or chosen.

/** Call `take` with the image files that somebody gives to the page. */
export function receive(zone, input, take) {
  const images = (files) => [...files].filter((file) => file.type.startsWith("image/") || /\.hei[cf]$/i.test(file.name));
  const given = (files) => {
    const found = images(files);
    if (found.length) take(found);
  };
  const chosen = () => {
    given(input.files);
    input.value = "";
  };
  input.addEventListener("change", chosen);
  // Somebody may have been quicker than this script.
  chosen();
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    given(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => given(event.clipboardData.files));
}
