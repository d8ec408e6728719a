// A page is printed as it looks in light: a dark screen's pale text would not show on white paper.

"use strict";

{
  const root = document.documentElement;
  let screen = null;

  function dress(printing) {
    if (printing) {
      screen ??= root.dataset.theme;
      root.dataset.theme = "light";
    } else if (screen !== null) {
      root.dataset.theme = screen;
      screen = null;
    }
  }

  addEventListener("beforeprint", () => dress(true));
  addEventListener("afterprint", () => dress(false));
  matchMedia("print").addEventListener("change", (event) => dress(event.matches));
}
