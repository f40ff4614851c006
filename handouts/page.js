// Only what is wider than its column becomes a stop for the keyboard, with a name; all else needs no script.
const names = {};
function stops() {
  for (const box of document.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth + 1) {
      const name = box.dataset.name;
      if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", name + " " + (names[name] = (names[name] || 0) + 1));
      box.setAttribute("role", "region");
      box.tabIndex = 0;
    } else {
      box.removeAttribute("role");
      box.removeAttribute("tabindex");
      box.removeAttribute("aria-label");
    }
  }
}
addEventListener("load", stops);
addEventListener("resize", stops);
document.addEventListener("toggle", stops, true);
