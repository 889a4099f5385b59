// The colours: those of the system, or what the reader chose before. Set before the data are unpacked.

function remembered(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch {
    // A page that is opened from disk may have no storage: it then follows the system.
  }
  return null;
}

function colours(theme) {
  const button = document.getElementById("theme");
  document.documentElement.dataset.theme = theme;
  button.textContent = theme === "dark" ? "Light" : "Dark";
  button.setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} colours`);
}

const system = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
colours(["dark", "light"].find((theme) => theme === remembered("tlbench-colours")) || system());
document.getElementById("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  colours(next);
  remembered("tlbench-colours", next);
});
