// Sets a page's equations a few at a time: all at once would hold up a reader's first scroll and click.
// Loaded before MathJax, whose `startup.promise` then is that of the last equation; a page without any has no MathJax.

"use strict";

const AT_ONCE = 10; // some 20 ms on a desktop; each piece costs a layout of its own

window.MathJax = {
  ...window.MathJax,
  startup: {
    async pageReady() {
      const waiting = [...document.querySelectorAll(".math")];
      while (waiting.length) {
        await new Promise((resolve) => setTimeout(resolve));
        await MathJax.typesetPromise(waiting.splice(0, AT_ONCE));
      }
      reachable();
      document.fonts.ready.then(reachable); // its letters have their width only then
      addEventListener("resize", reachable);
    },
  },
};

// What is too wide scrolls in its own box, which the keyboard has to reach.
function reachable() {
  for (const box of document.querySelectorAll(".math, mjx-container")) {
    if (box.scrollWidth > box.clientWidth && box.clientWidth > 0) box.tabIndex = 0;
  }
}
