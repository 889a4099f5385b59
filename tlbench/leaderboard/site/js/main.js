// The pages, the colours, and which page is shown.

const PAGES = [
  ["choose", "Choose"],
  ["board", "Board"],
  ["tradeoff", "Trade-off"],
  ["compare", "Compare"],
  ["about", "Guide"],
];

const VIEWS = new Map([
  ["choose", ({ parameters }) => chooseView(parameters)],
  ["board", ({ parameters }) => boardView(parameters)],
  ["tradeoff", ({ parameters }) => tradeoffView(parameters)],
  ["compare", ({ parameters }) => compareView(parameters)],
  ["task", ({ rest, parameters }) => taskView(rest, parameters)],
  ["strategy", ({ rest }) => strategyView(rest)],
  ["run", ({ rest }) => runView(rest)],
  ["about", () => aboutView()],
]);

function show(focus) {
  const here = place();
  if (!VIEWS.has(here.page)) Object.assign(here, DATA.start ? { page: "run", rest: DATA.start } : { page: "choose" });
  const main = document.getElementById("main");
  main.classList.remove("wide");
  replace(main, VIEWS.get(here.page)(here));
  replace(
    document.getElementById("pages"),
    PAGES.map(([name, title]) =>
      h("a", { href: address(name), "aria-current": name === here.page ? "page" : null }, title),
    ),
  );
  const heading = main.querySelector("h1");
  document.title = `${heading ? heading.textContent : ""} · ${TEXTS[DATA.title]}`;
  if (focus) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

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
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
addEventListener("hashchange", () => show(true));
show(false);
