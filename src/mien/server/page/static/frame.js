// The menu.

const chosen = document.getElementById("collections");
chosen?.addEventListener("change", () => {
  location.assign(`/collections/${encodeURIComponent(chosen.value)}/${chosen.dataset.view}`);
});
