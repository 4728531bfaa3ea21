"use strict";
// Where the reader is, and what a keyboard reaches. Without scripts the page can be read all the same.

// The link of the section that is read.
const links = [...document.querySelectorAll("nav a")];
const headings = links.map((link) => document.getElementById(link.hash.slice(1)));
const list = document.querySelector("nav ul");
let current = -2;
function follow() {
  const end = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  const at = end && scrollY > 0 ? links.length - 1 : headings.filter((h) => h.getBoundingClientRect().top < 90).length - 1;
  if (at === current) return;
  current = at;
  links.forEach((link, i) => (i === at ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  if (at >= 0) list.scrollLeft = links[at].offsetLeft - list.clientWidth / 2;
}
addEventListener("scroll", follow, { passive: true });
follow();

// A table or chart that is wider than the window can be scrolled with the keyboard.
const wide = [...document.querySelectorAll(".scroll")];
function reach() {
  for (const box of wide) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", "Wide content; arrow keys scroll it");
    } else for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
  }
}
addEventListener("resize", reach);
reach();

// A group of pictures is one stop of the Tab key; arrows go from picture to picture.
for (const group of document.querySelectorAll(".sheet,.refused,.captions")) {
  const stops = [...group.querySelectorAll(".zoom")];
  const only = (one) => stops.forEach((stop) => (stop.tabIndex = stop === one ? 0 : -1));
  only(stops[0]);
  group.addEventListener("focusin", (event) => stops.includes(event.target) && only(event.target));
  group.addEventListener("keydown", (event) => {
    const to = beside(stops, stops.indexOf(event.target), event.key);
    if (!to) return;
    event.preventDefault();
    to.focus();
  });
}

function beside(stops, at, key) {
  if (key === "ArrowRight") return stops[at + 1];
  if (key === "ArrowLeft") return stops[at - 1];
  if (key === "Home") return stops[0];
  if (key === "End") return stops[stops.length - 1];
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const here = stops[at].getBoundingClientRect();
  const down = key === "ArrowDown";
  const others = (down ? stops.slice(at + 1) : stops.slice(0, at).reverse()).map((s) => [s, s.getBoundingClientRect()]);
  const found = others.find(([, r]) => Math.abs(r.left - here.left) < 2 && (down ? r.top > here.top : r.top < here.top));
  return found && found[0];
}
