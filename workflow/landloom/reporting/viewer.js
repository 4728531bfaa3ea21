// Whole scenes: image and mask side by side, moved and enlarged together. Pieces are decoded when they come into sight.
const HELD = 96; // pieces that stay decoded, each of at most 1 MB
const MOST = 16; // pixels of the screen for one of the finest scale
document.querySelectorAll(".viewer").forEach(view);

function view(box) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const panels = [...box.querySelectorAll(".panel")].map((element, side) => {
    const canvas = element.appendChild(document.createElement("canvas"));
    canvas.setAttribute("aria-hidden", "true");
    return { element, canvas, side, base: element.querySelector("img"), pen: canvas.getContext("2d") };
  });
  const said = box.querySelector("output");
  const held = new Map();
  const fingers = new Map();
  const finest = data.finest; // pixels of the scene for one of the finest scale that is here
  let x, y, scale; // the place in the middle, in pixels of the scene, and pixels of the page for each of them
  let mark = null;
  let waiting = false;

  const size = () => [panels[0].element.clientWidth, panels[0].element.clientHeight];
  const least = () => Math.min(size()[0] / data.width, size()[1] / data.height);
  const within = (value, low, high) => Math.min(Math.max(value, low), high);

  function move(newX, newY, newScale) {
    scale = within(newScale, least(), Math.max(MOST / finest, least()));
    const [w, h] = size().map((side) => side / scale / 2);
    x = 2 * w >= data.width ? data.width / 2 : within(newX, w, data.width - w);
    y = 2 * h >= data.height ? data.height / 2 : within(newY, h, data.height - h);
    box.dataset.place = [x, y, scale].map((v) => v.toFixed(3)).join(" ");
    said.textContent = `${(100 * scale).toPrecision(3)} %`;
    box.dataset.loading = "?";
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  }
  const whole = () => move(data.width / 2, data.height / 2, 0);
  // Enlarges around a point of a panel, in pixels from its middle.
  const zoom = (by, dx = 0, dy = 0) => {
    const next = within(scale * by, least(), Math.max(MOST / finest, least()));
    move(x + dx / scale - dx / next, y + dy / scale - dy / next, next);
  };

  function piece(level, index, side) {
    const key = `${level}/${index}/${side}`;
    let image = held.get(key);
    held.delete(key);
    if (!image) {
      image = new Image();
      image.onload = () => move(x, y, scale);
      image.src = data.levels[level].pieces[index][side];
    }
    held.set(key, image);
    if (held.size > HELD) held.delete(held.keys().next().value);
    return image;
  }

  function draw() {
    waiting = false;
    for (const panel of panels) {
      const [w, h] = size();
      const dots = devicePixelRatio;
      if (panel.canvas.width !== Math.round(w * dots)) panel.canvas.width = Math.round(w * dots);
      if (panel.canvas.height !== Math.round(h * dots)) panel.canvas.height = Math.round(h * dots);
      const column = (at) => Math.round(((at - x) * scale + w / 2) * dots);
      const row = (at) => Math.round(((at - y) * scale + h / 2) * dots);
      const put = (image, left, top, right, bottom) =>
        panel.pen.drawImage(image, column(left), row(top), column(right) - column(left), row(bottom) - row(top));
      panel.pen.clearRect(0, 0, panel.canvas.width, panel.canvas.height);
      panel.pen.imageSmoothingEnabled = panel.side === 0 && scale * dots * finest < 1;
      put(panel.base, 0, 0, data.width, data.height);
      const wanted = data.levels.findIndex((level) => (data.width / level.width) * scale * dots <= 1.5);
      const last = wanted < 0 ? data.levels.length - 1 : wanted;
      data.levels.slice(0, last + 1).forEach((level, number) => {
        const step = (data.width / level.width) * data.side;
        const columns = Math.ceil(level.width / data.side);
        level.pieces.forEach((_, index) => {
          const [left, top] = [(index % columns) * step, Math.floor(index / columns) * step];
          const [right, bottom] = [Math.min(left + step, data.width), Math.min(top + step, data.height)];
          const outside = column(right) < 0 || row(bottom) < 0 || column(left) > w * dots || row(top) > h * dots;
          if (outside || (number < last && !held.has(`${number}/${index}/${panel.side}`))) return;
          const image = piece(number, index, panel.side);
          if (image.complete) put(image, left, top, right, bottom);
        });
      });
      if (mark) cross(panel.pen, column(mark[0]), row(mark[1]), dots);
    }
    box.dataset.loading = [...held.values()].filter((image) => !image.complete).length;
  }

  function cross(pen, column, row, dots) {
    for (const [color, width] of [["#000", 3], ["#fff", 1]]) {
      pen.fillStyle = color;
      const [wide, long] = [width * dots, 16 * dots + width * dots];
      pen.fillRect(column - wide / 2, row - long / 2, wide, long);
      pen.fillRect(column - long / 2, row - wide / 2, long, wide);
    }
  }

  const keys = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  };
  const acts = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: whole, 1: () => zoom(1 / scale) };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = keys[event.key];
    if (step) move(x + (step[0] * size()[0]) / scale / 6, y + (step[1] * size()[1]) / scale / 6, scale);
    else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
  });
  box.addEventListener("click", (event) => event.target.dataset.act && acts[event.target.dataset.act]());

  for (const { element } of panels) {
    const middle = (event) => {
      const frame = element.getBoundingClientRect();
      return [event.clientX - frame.left - frame.width / 2, event.clientY - frame.top - frame.height / 2];
    };
    element.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !box.contains(document.activeElement)) return; // the page scrolls
      event.preventDefault();
      zoom(2 ** (-event.deltaY / 300), ...middle(event));
    }, { passive: false });
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, middle(event));
    });
    element.addEventListener("pointermove", (event) => {
      const [to, from] = [middle(event), fingers.get(event.pointerId)];
      mark = [x + to[0] / scale, y + to[1] / scale];
      const other = [...fingers].find(([id]) => id !== event.pointerId);
      if (from && other) zoom(Math.hypot(to[0] - other[1][0], to[1] - other[1][1]) / Math.hypot(from[0] - other[1][0], from[1] - other[1][1]), ...other[1]);
      else if (from) move(x - (to[0] - from[0]) / scale, y - (to[1] - from[1]) / scale, scale);
      else move(x, y, scale);
      if (from) fingers.set(event.pointerId, to);
    });
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, (event) => fingers.delete(event.pointerId));
    element.addEventListener("pointerleave", () => { mark = null; move(x, y, scale); });
    element.addEventListener("dblclick", (event) => zoom(2, ...middle(event)));
  }
  // The scene stays as it is when the window changes; one that was seen whole is seen whole again.
  let before = 0;
  new ResizeObserver(() => {
    if (scale === undefined || scale <= before) whole();
    else move(x, y, scale);
    before = least();
  }).observe(panels[0].element);
  Promise.all(panels.map((panel) => panel.base.decode())).then(() => { whole(); box.classList.add("ready"); });
}
