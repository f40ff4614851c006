// Pictures that answer to sliders: each draws from the sliders' values `v` and the page's `data`, into 700 × 340.
const live = {
  // A scale from numbers to pixels.
  scale: (low, high, from, to) => x => from + (x - low) / (high - low) * (to - from),
  text: (x, y, words, more = "") => `<text x="${x}" y="${y}" ${more}>${words}</text>`,

  labels: (x, y) => live.text(370, 334, x, 'text-anchor="middle"') + live.text(-150, 12, y, 'text-anchor="middle" transform="rotate(-90)"'),

  // The standard normal distribution function, to 1e-7 (Abramowitz & Stegun 1964, 26.2.17).
  normal: z => {
    const t = 1 / (1 + .2316419 * Math.abs(z));
    const tail = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * t *
      (.319381530 + t * (-.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    return z > 0 ? 1 - tail : tail;
  },
  // Power of a two-sided t test that is off by `shift` standard errors: the normal tail, averaged over the estimated
  // standard error by Simpson's rule. `bar` is the critical value of t, `log` the logarithm of the density's constant.
  power: (df, bar, log, shift) => {
    const points = df < 5 ? 600 : 60;  // with few df the tail changes fast
    let total = 0, low = Math.max(0, 1 - 7 / Math.sqrt(2 * df)), high = 1 + 7 / Math.sqrt(2 * df) + 2 / df;
    for (let k = 0; k <= points; k++) {
      const s = low + (high - low) * k / points, weight = k % points ? (k % 2 ? 4 : 2) : 1;
      total += weight * Math.exp(log + (df > 1 ? (df - 1) * Math.log(s) : 0) - df * s * s / 2) *
        (1 - live.normal(bar * s - shift) + live.normal(-bar * s - shift));
    }
    return total * (high - low) / points / 3;
  },

  scores: (v, data) => data.repeats.map((luck, place) =>
    v.intercept + v.effect * data.high[place] + v.athlete_sd * data.athletes[place] + v.residual_sd * luck),
  equation_terms: (v, data) => {
    const x = live.scale(-2, 202, 50, 690), y = live.scale(.4, 1.2, 290, 10);
    const dots = live.scores(v, data).map((score, place) =>
      `<circle cx="${x(place)}" cy="${y(score)}" r="2.4" class="${data.high[place] ? "two" : "one"}"/>`);
    const mean = data.high.map((high, place) => `${x(place)},${y(v.intercept + v.effect * high)}`);
    const names = data.names.map((name, k) => live.text(x(25 + 50 * k), 310, name, 'text-anchor="middle"'));
    return [`<polyline points="${mean.join(" ")}" class="line"/>` + dots.join("") + names.join("") + live.ticks(y, [.4, .6, .8, 1, 1.2]) + live.labels("repeats, athlete by athlete", "score"),
      `The average athlete: ${v.intercept.toFixed(2)} in the short session, ${(v.intercept + v.effect).toFixed(2)} in the long one.`];
  },

  kept: v => [50, 50, 50, v.repeats].map(n => n * v.athlete_sd ** 2 / (n * v.athlete_sd ** 2 + v.residual_sd ** 2)),
  shrinkage: v => {
    const x = live.scale(-.12, .12, 90, 690), means = [.08, .03, -.04, -.09];
    const rows = live.kept(v).map((share, k) => {
      const y = 40 + 70 * k, own = x(means[k]), drawn = x(share * means[k]);
      return `<line x1="${own}" x2="${drawn}" y1="${y}" y2="${y}" class="line"/><circle cx="${own}" cy="${y}" r="6" class="one"/>` +
        `<path d="M${drawn} ${y - 8}l8 8-8 8-8-8z" class="two"/>` + live.text(80, y + 4, "λ " + share.toFixed(2), 'text-anchor="end"');
    });
    return [`<line x1="${x(0)}" x2="${x(0)}" y1="10" y2="290" class="line"/>` + rows.join("") + live.text(x(0), 312, "average of all", 'text-anchor="middle"'),
      `With ${v.repeats} scores the last athlete keeps ${(100 * live.kept(v)[3]).toFixed(0)} % of their own deviation; those with 50 keep ${(100 * live.kept(v)[0]).toFixed(0)} %.`];
  },

  powers: (v, data) => data.athletes.map((m, k) => data.repeats.map(n =>
    live.power(m - 1, data.bars[k], data.logs[k], v.effect / Math.sqrt((v.slope_sd ** 2 + 2 * data.residual_sd ** 2 / n) / m)))),
  power_map: (v, data) => {
    const x = live.scale(1.5, 40.5, 50, 690), y = live.scale(.5, 60.5, 290, 10), powers = live.powers(v, data);
    const wide = x(3) - x(2) + .5, tall = y(1) - y(2) + .5;
    let cells = "", best = [-1, 0, 0];
    data.athletes.forEach((m, k) => data.repeats.forEach((n, l) => {
      const power = powers[k][l], hours = m * (data.athlete_hours + 2 * n * data.repeat_hours);
      cells += `<rect x="${x(m) - wide / 2}" y="${y(n) - tall / 2}" width="${wide}" height="${tall}" fill-opacity="${power.toFixed(2)}" class="cell"/>`;
      const rank = Math.round(1000 * power) / 1000 - 1e-6 * hours;
      if (hours <= v.budget && rank > best[0]) best = [rank, m, n, power];
    }));
    const line = data.athletes.map(m => [m, (v.budget / m - data.athlete_hours) / (2 * data.repeat_hours)])
      .filter(([, n]) => n > .5 && n < 60.5).map(([m, n]) => `${x(m)},${y(n)}`);
    return [cells + `<polyline points="${line.join(" ")}" class="budget"/><circle cx="${x(best[1])}" cy="${y(best[2])}" r="7" class="two"/>` +
      live.ticks(y, [5, 20, 40, 60]) + [4, 10, 20, 30, 40].map(m => live.text(x(m), 312, m, 'text-anchor="middle"')).join("") +
      live.labels("athletes", "scored repeats in each session"),
      `${v.budget} hours buy most power, ${best[3].toFixed(2)}, with ${best[1]} athletes and ${best[2]} scored repeats in each session.`];
  },
  ticks: (y, values) => values.map(value => live.text(42, y(value) + 4, value, 'text-anchor="end"')).join(""),
};
for (const box of document.querySelectorAll(".explorer.live")) {
  const data = JSON.parse(box.querySelector(".explorer-data").textContent);
  const sliders = [...box.querySelectorAll("input")];
  const update = () => {
    const v = Object.fromEntries(sliders.map(slider => [slider.name, +slider.value]));
    for (const slider of sliders) {
      const shown = slider.step < 1 ? (+slider.value).toFixed(2) : slider.value;
      slider.setAttribute("aria-valuetext", shown);
      slider.nextElementSibling.textContent = shown;
    }
    [box.querySelector("svg").innerHTML, box.querySelector(".said").textContent] = live[box.dataset.live](v, data);
  };
  box.addEventListener("input", update);
  update();
  box.hidden = false;
}
