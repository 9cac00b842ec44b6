// The value of the nearest point beside the pointer; its line stands out.
const tip = document.getElementById("tip");
function show(target, x, y) {
  const [name, text] = target.dataset.tip.split("|");
  tip.replaceChildren(Object.assign(document.createElement("b"), { textContent: name }), text);
  tip.style.opacity = 1;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
  tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18) + "px";
}
for (const svg of document.querySelectorAll("svg.picture")) {
  const points = [...svg.querySelectorAll("circle[data-tip]")];
  const clear = () => {
    tip.style.opacity = 0;
    svg.classList.remove("hover");
    svg.querySelectorAll(".active").forEach((g) => g.classList.remove("active"));
  };
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("pointermove", (event) => {
    clear();
    const bar = event.target.closest("[data-tip]");
    if (!points.length) {
      if (bar) show(bar, event.clientX, event.clientY);
      return;
    }
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    let nearest = null, least = 40;
    for (const p of points) {
      const d = Math.hypot(p.cx.baseVal.value - at.x, p.cy.baseVal.value - at.y);
      if (d < least) [nearest, least] = [p, d];
    }
    const label = event.target.closest(".series");
    if (event.target.closest(".label")) {
      svg.classList.add("hover");
      label.classList.add("active");
    } else if (nearest) {
      show(nearest, event.clientX, event.clientY);
      svg.classList.add("hover");
      nearest.closest(".series").classList.add("active");
    }
  });
}
