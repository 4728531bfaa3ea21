// A picture on its own: Enter or a click opens it, arrows go on to the next, Escape or a click closes it.
const shots = [...document.querySelectorAll("button.zoom")];
const dialog = document.querySelector("dialog");
const big = new Image();
let shot = 0;

function show(number) {
  shot = (number + shots.length) % shots.length;
  const small = shots[shot].querySelector("img");
  const gain = shots[shot].querySelector(".gain");
  big.src = small.src;
  big.alt = small.alt;
  const more = gain ? `; dark, shown ${gain.textContent} as bright` : "";
  dialog.querySelector("p").textContent = `${small.alt}${more} (${shot + 1} of ${shots.length})`;
}

shots.forEach((button, number) =>
  button.addEventListener("click", () => {
    show(number);
    dialog.prepend(big);
    dialog.showModal();
  }),
);
dialog.addEventListener("click", (event) => {
  if (event.target.dataset.step) show(shot + Number(event.target.dataset.step));
  else if (event.target === big || event.target === dialog || event.target.dataset.close) dialog.close();
});
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  show(shot + step);
});
dialog.addEventListener("close", () => {
  big.remove();
  shots[shot].focus();
});
