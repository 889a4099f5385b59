// The pages, and which of them is shown.

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

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
addEventListener("hashchange", () => show(true));
show(false);
