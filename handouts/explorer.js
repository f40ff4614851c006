for (const box of document.querySelectorAll(".explorer")) {
  const { rates, values } = JSON.parse(box.querySelector(".explorer-data").textContent);
  const sliders = [...box.querySelectorAll("input[type=range]")];
  const rows = [...box.querySelectorAll("li")];
  const decimals = number => number.toFixed(3).replace(/^0/, "");
  const shown = (number, place) => place ? number.toFixed(2) : String(number);
  const update = () => {
    const factor = box.querySelector("input[type=radio]:checked").value;
    const found = rates[[factor, ...sliders.map(slider => slider.value)].join(" ")];
    sliders.forEach((slider, place) => {
      const text = shown(values[place][slider.value], place);
      slider.setAttribute("aria-valuetext", text);
      slider.nextElementSibling.textContent = text;
    });
    const said = rows.map((row, place) => {
      const rate = found[place] / 1000;
      row.querySelector("i").style.width = 100 * rate + "%";
      row.classList.toggle("off", Math.abs(rate - .05) > .02);
      row.querySelector("b").textContent = decimals(rate);
      return row.firstElementChild.textContent + " " + decimals(rate);
    });
    box.querySelector(".said").textContent = "False positives: " + said.join("; ") + ".";
  };
  box.addEventListener("input", update);
  update();
  box.hidden = false;
}
