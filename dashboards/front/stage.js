// The organisation, alive: people at their posts, ideas on their way, queues where they pile up.
//
// Python sends the picture (chart) and a whole recorded run (film) once; the browser plays it, so
// that playing costs the server nothing and scrubbing responds at once. What the room does here
// (week, playing, picked, command) is sent back in traits of the same names.

const SHAPES = { // in a box from -1 to 1
  circle: "M0-1A1 1 0 1 1 0 1A1 1 0 1 1 0-1Z",
  ring: "M0-1A1 1 0 1 1 0 1A1 1 0 1 1 0-1ZM0-.55A.55.55 0 1 0 0 .55A.55.55 0 1 0 0-.55Z",
  square: "M-.9-.9H.9V.9H-.9Z",
  triangle: "M0-1.05L1.05.9H-1.05Z",
  down: "M0 1.05L1.05-.9H-1.05Z",
  diamond: "M0-1.2L1 0L0 1.2L-1 0Z",
  pentagon: "M0-1.1L1.05-.3L.65.95H-.65L-1.05-.3Z",
  bar: "M-1.1-.6H1.1V.6H-1.1Z",
  cross: "M-1-.6L-.6-1L0-.4L.6-1L1-.6L.4 0L1 .6L.6 1L0 .4L-.6 1L-1 .6L-.4 0Z",
  hourglass: "M-.9-1H.9L.15 0L.9 1H-.9L-.15 0Z",
  plus: "M-.3-1H.3V-.3H1V.3H.3V1H-.3V.3H-1V-.3H-.3Z",
  star: "M0-1.25L.36-.42L1.2-.39L.54.16L.78 1.02L0 .53L-.78 1.02L-.54.16L-1.2-.39L-.36-.42Z",
};
const PATHS = Object.fromEntries(Object.entries(SHAPES).map(([k, d]) => [k, new Path2D(d)]));

// Colours, mostly those of Okabe and Ito, can be distinguished without red or green cones too, as a
// test computes; each fate also has its own shape. figures.py has the same colours for the same fates.
const FATES = {
  waiting: ["circle", "#e69f00"], adopted: ["star", "#009e73"], lapsed: ["hourglass", "#994580"],
  rejected: ["cross", "#d55e00"], denied: ["square", "#8e6df2"], withheld: ["ring", "#8a8f98"],
  orphaned: ["diamond", "#56b4e9"], dropped: ["down", "#0072b2"], failed_pilot: ["plus", "#8c622a"],
};
const ENDS = new Set(["withheld", "denied", "rejected", "lapsed", "orphaned", "dropped",
  "failed_pilot", "adopted"]);
const ROLES = [["circle", .3], ["square", .36], ["triangle", .5], ["pentagon", .55], ["bar", .55]];
const LOOSE = 1.6; // most spacing, relative to what the marks need, to fill the picture
const PILE = 8; // ideas on top of each other before a queue begins a second column
const PILED = 40; // most ideas of a queue that are drawn; the others are a number beside it
const LINKS = 400; // most links that are drawn, the newest: all of a long run would hide the people
const BED = .9, TEAM = 2; // heights, as in placing.py: of what came to rest, and down to a team
const RIM = .5; // of a team's frame, around its marks
const GRAIN = .13; // largest size of an idea at rest, in widths of one person
const UNBORN = 0, DESK = 1, QUEUE = 2, PLATFORM = 3, PILOT = 4, ENDED = 5;

const LOOKS = {
  light: { ground: "#ffffff", line: "#8d969f", node: "#5b6470", text: "#1f2933", quiet: "#56616d", faint: "#8d969f",
    business: "#8d969f", link: "#56b4e9", spot: "#0072b2", clay: "#f3e9dc", team: "#ffffff" },
  dark: { ground: "#11161c", line: "#5f6b77", node: "#aab4bf", text: "#eef2f6", quiet: "#b4bec8", faint: "#7b8794",
    business: "#66727e", link: "#56b4e9", spot: "#56b4e9", clay: "#2a2118", team: "#11161c" },
};

// Copied, as numbers of several bytes must begin at a multiple of their size, and the parts of a
// message need not.
const ints = (view) => new Int32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const shorts = (view) => new Uint16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const ease = (t) => t * t * (3 - 2 * t);

// The state of a film at the end of a week. Weeks are replayed event by event; going back starts
// again at the first one, which takes a few milliseconds.
class Replay {
  constructor(film, chart, eventNames) {
    this.weeks = film.weeks;
    this.from = ints(film.from);
    this.events = ints(film.events);
    this.authors = ints(film.authors);
    this.posts = ints(film.posts);
    this.born = ints(film.born);
    this.worth = bytes(film.worth);
    this.links = ints(film.links);
    this.business = shorts(film.business);
    this.tired = ints(film.tired);
    this.bodies = bytes(film.bodies);
    this.nodes = chart.x.length;
    this.names = eventNames;
    this.leads = chart.x.map(() => false);
    for (const boss of chart.above) if (boss >= 0) this.leads[boss] = true;
    this.beds = this.bedsOf(chart);
    this.rewind();
  }

  // Where ideas come to rest: below the desk where they died, or below the team of their author;
  // adopted ones above the leader, in a bed numbered after all others.
  bedsOf({ above, role }) {
    const heads = [];
    above.forEach((boss, node) => heads.push(boss < 0 ? node : heads[boss])); // superiors come first
    const dead = above.map((boss, node) => this.leads[node] || boss < 0 || role[node] > 2 ? node : above.length + boss);
    return { dead, adopted: heads.map((head) => 2 * above.length + head) };
  }

  rewind() {
    const ideas = this.authors.length;
    this.week = 0;
    this.mode = new Uint8Array(ideas);
    this.at = new Int32Array(ideas).fill(-1);
    this.since = new Int32Array(ideas);
    this.fate = new Array(ideas).fill("");
    this.ended = new Int32Array(ideas);
    this.queues = Array.from({ length: this.nodes }, () => []);
    this.flying = new Set();
    this.fresh = [];
    this.lit = new Int32Array(this.nodes);
    this.rest = new Map(); // ideas at rest, by bed, in the order in which they ended
    this.place = new Int32Array(ideas);
    this.weary = new Int32Array(this.nodes);
    this.counts = Object.fromEntries(Object.keys(FATES).map((name) => [name, 0]));
    this.conceived = 0;
    this.flashes = [];
    this.linked = 0;
    this.wearied = 0;
  }

  seek(week) {
    week = Math.max(0, Math.min(week, this.weeks));
    if (week < this.week) this.rewind();
    while (this.week < week) this.advance();
  }

  advance() {
    const week = ++this.week;
    this.fresh = []; // ideas that ended this week, and sink to where they come to rest
    this.flashes = [];
    for (let i = this.from[week - 1]; i < this.from[week]; i++) {
      this.happen(this.events[3 * i], this.names[this.events[3 * i + 1]], this.events[3 * i + 2]);
    }
    while (3 * this.linked < this.links.length && this.links[3 * this.linked] <= week) this.linked++;
    while (3 * this.wearied < this.tired.length && this.tired[3 * this.wearied] <= week) {
      this.weary[this.tired[3 * this.wearied + 1]] += this.tired[3 * this.wearied + 2];
      this.wearied++;
    }
    this.counts.waiting = this.flying.size;
  }

  happen(idea, event, node) {
    if (event === "endorsed" || event === "refused" || event === "granted") {
      this.flashes.push([node, event]);
    }
    if (this.mode[idea] === ENDED) return; // events after adoption or after a lapse
    if (event === "conceived") {
      this.conceived++;
      this.flying.add(idea);
      this.put(idea, DESK, this.authors[idea]);
    } else if (event === "queued") {
      this.put(idea, QUEUE, node);
      this.queues[node].push(idea);
    } else if (event === "posted") {
      this.put(idea, PLATFORM, this.authors[idea]);
    } else if (event === "pilot_started") {
      this.put(idea, PILOT, node);
    } else if (ENDS.has(event)) {
      if (node >= 0 && this.mode[idea] !== QUEUE) this.at[idea] = node;
      this.put(idea, ENDED, this.at[idea]);
      this.fate[idea] = event;
      this.ended[idea] = this.week;
      this.flying.delete(idea);
      this.fresh.push(idea);
      this.counts[event]++;
      if (event === "adopted") this.lit[this.authors[idea]]++;
      this.lay(idea, event === "adopted" ? this.beds.adopted[this.authors[idea]] : this.beds.dead[this.at[idea]]);
    } else if (event === "granted" || event === "left_platform" || event === "sent_to_rework") {
      this.put(idea, DESK, this.authors[idea]);
    } else if (this.mode[idea] === QUEUE && (event === "endorsed" || event === "refused"
        || event === "opened" || event === "forwarded" || event === "collected" || event === "bypassed")) {
      this.put(idea, DESK, this.at[idea]); // on the way: it arrives in the same week
    }
  }

  lay(idea, bed) {
    const there = this.rest.get(bed);
    this.place[idea] = there ? there.push(idea) - 1 : 0;
    if (!there) this.rest.set(bed, [idea]);
  }

  put(idea, mode, node) {
    if (this.mode[idea] === QUEUE) {
      const queue = this.queues[this.at[idea]];
      queue.splice(queue.indexOf(idea), 1); // they do not leave in the order in which they came
    }
    this.mode[idea] = mode;
    this.at[idea] = node;
    this.since[idea] = this.week;
  }

  name(idea) { return `w${this.born[idea]}-p${this.posts[idea]}`; }

  // The name as the room reads it; with the post's own name where there is one.
  called(name, words, chart) {
    const [, week, post] = name.match(/^w(\d+)-p(\d+)$/) ?? [];
    const own = chart.grouped ? "" : chart.names[this.authors[this.find(name)]];
    return (own ? words.idea_called_by : words.idea_called).replace("{week}", week).replace("{post}", () => own || post);
  }

  find(name) {
    for (let i = 0; i < this.born.length; i++) if (this.name(i) === name) return i;
    return -1;
  }
}

// Where things are on the screen, for one film in one part of the canvas.
class Scene {
  constructor(chart, film, replay, title) {
    this.chart = chart;
    this.replay = replay;
    this.title = title;
    this.last = new Replay(film, chart, replay.names); // how much comes to rest in all
    this.last.seek(replay.weeks);
    this.before = new Map();
    this.now = new Map();
  }

  fit(left, top, width, height, big) {
    const room = this.title ? 30 * big : 8;
    const across = width / this.chart.width, down = (height - room - 8) / this.chart.height;
    this.scale = Math.min(across, down);
    this.across = Math.min(across, this.scale * LOOSE); // distances fill the space between marks
    this.down = Math.min(down, this.scale * LOOSE);
    this.left = left + (width - this.across * this.chart.width) / 2;
    this.top = top + room + Math.max(0, (height - room - this.down * this.chart.height) / 2);
    this.middle = left + width / 2;
    this.width = width;
    this.from = left;
    this.head = top;
    this.dot = Math.max(3.4, Math.min(8 * big, this.scale * .2));
    this.rooms = this.named();
    this.teams = this.framed();
    this.beds = new Map([...this.last.rest.keys()].map((bed) => [bed, this.bed(bed)]));
    this.grains = { dead: this.fitting(GRAIN, false), adopted: this.fitting(2 * GRAIN, true) };
  }

  // The frame of each team, by its manager: those below who lead nobody, and what died among them.
  framed() {
    const { above, role } = this.chart, teams = new Map();
    above.forEach((boss, node) => {
      if (boss < 0 || this.replay.leads[node] || role[node] > 2) return;
      const [nx, ny] = this.nodeAt(node), team = teams.get(boss) ?? [nx, ny, nx, ny];
      teams.set(boss, [Math.min(team[0], nx), Math.min(team[1], ny), Math.max(team[2], nx), Math.max(team[3], ny)]);
    });
    const rim = RIM * this.scale;
    for (const [boss, [left, top, right, bottom]] of teams) {
      const half = Math.max((right - left) / 2 + rim, .65 * this.across), middle = (left + right) / 2;
      teams.set(boss, [middle - half, top - rim, middle + half, bottom + (RIM + BED) * this.down]);
    }
    return teams;
  }

  // Where ideas come to rest: the middle and the floor of a bed, and how wide and high it is.
  bed(number) {
    const nodes = this.chart.x.length, node = number % nodes, [x, y] = this.nodeAt(node), frame = this.teams.get(node);
    if (number >= 2 * nodes) { // adopted ones, above the leader
      const span = this.chart.departments[node] ?? [0, this.chart.width], floor = y - .7 * this.scale;
      return { x, floor, wide: Math.min(.8 * this.across * (span[1] - span[0]), 9 * this.scale), high: floor - this.top - .5 * this.down };
    }
    if (number >= nodes) return { x: (frame[0] + frame[2]) / 2, floor: frame[3] - 3, wide: frame[2] - frame[0] - 6, high: BED * this.down };
    const under = y + .55 * this.scale, floor = Math.max(under + 4, frame ? frame[1] - 3 : y + (.5 + BED) * this.down);
    return { x, floor, wide: Math.max(1.3 * this.across, Math.min(frame ? frame[2] - frame[0] : 0, 4 * this.across)), high: floor - under };
  }

  // The largest marks with which all that comes to rest has room.
  fitting(most, adopted) {
    let grain = Math.min(most * this.scale, 9), nodes = this.chart.x.length;
    const holds = ([bed, { wide, high }]) => (bed >= 2 * nodes) !== adopted
      || Math.floor(wide / (2 * grain)) * Math.floor(high / (2 * grain)) >= this.last.rest.get(bed).length;
    while (grain > .8 && ![...this.beds].every(holds)) grain *= .94;
    return grain;
  }

  // Where an idea comes to rest: in rows from the floor up, each filled from its middle.
  restingPlace(idea) {
    const r = this.replay, adopted = r.fate[idea] === "adopted";
    const number = adopted ? r.beds.adopted[r.authors[idea]] : r.beds.dead[r.at[idea]], { x, floor, wide } = this.beds.get(number);
    const grain = adopted ? this.grains.adopted : this.grains.dead, row = Math.max(1, Math.floor(wide / (2 * grain)));
    const column = r.place[idea] % row, aside = Math.ceil(column / 2) * (column % 2 ? 1 : -1) + (row % 2 ? 0 : -.5);
    return [x + 2 * grain * aside, floor - grain * (1 + 2 * Math.floor(r.place[idea] / row))];
  }

  // The width for the name of each leader and middle manager: as far as the next in the same row.
  named() {
    const { x, y, role, names } = this.chart, rooms = new Array(names.length).fill(0), rows = new Map();
    names.forEach((_, node) => {
      if (role[node] !== 1 && role[node] !== 2) return;
      rows.set(y[node], [...(rows.get(y[node]) ?? []), node]);
    });
    for (const row of rows.values()) {
      row.sort((a, b) => x[a] - x[b]);
      row.forEach((node, at) => {
        const left = at ? x[node] - x[row[at - 1]] : 8, right = at + 1 < row.length ? x[row[at + 1]] - x[node] : 8;
        rooms[node] = this.across * Math.min(left, right, 8);
      });
    }
    return rooms;
  }

  nodeAt(node) {
    return [this.left + this.across * this.chart.x[node], this.top + this.down * this.chart.y[node]];
  }

  // Where an idea is drawn, by what it is doing.
  spot(idea, place) {
    const [x, y] = this.nodeAt(this.replay.at[idea]);
    const mode = this.replay.mode[idea], d = this.dot;
    if (mode === QUEUE) { // a pile beside the manager
      const column = Math.floor(place / PILE), row = place % PILE;
      return [x + this.scale * .42 + (column + .5) * d * 2.1, y + this.scale * .3 - row * d * 2.1];
    }
    // By the golden angle, ideas of the same desk are spread, however many there are.
    const turn = (idea * 2.399963) % 6.283185;
    const far = mode === PLATFORM ? this.scale * .62 : mode === PILOT ? this.scale * .8
      : this.scale * .45;
    return [x + far * Math.cos(turn), y + far * Math.sin(turn)];
  }

  // The frame around some nodes, with those of their teams if these are pointed out, and with piles.
  around({ nodes, teams }, piles = true) {
    const rim = .8 * this.scale, found = [Infinity, Infinity, -Infinity, -Infinity];
    const hold = ([left, top, right, bottom]) => {
      found.splice(0, 4, Math.min(found[0], left), Math.min(found[1], top), Math.max(found[2], right), Math.max(found[3], bottom));
    };
    for (const node of nodes) {
      const [x, y] = this.nodeAt(node), team = teams && !this.replay.leads[node] && this.teams.get(this.chart.above[node]);
      const pile = piles && this.replay.leads[node] ? 2.1 * this.dot : 0; // ideas in a queue are beside the mark
      hold([x - rim, y - Math.max(rim, PILE * pile), x + Math.max(rim, pile && .5 * this.scale + 1.5 * pile), y + rim]);
      if (team) hold([team[0] - 4, team[1] - 4, team[2] + 4, team[3] + 4]);
    }
    return found;
  }

  positions() {
    const found = new Map(), r = this.replay;
    if (!this.scale) return found; // it has no place on the screen yet
    for (let node = 0; node < r.nodes; node++) {
      r.queues[node].forEach((idea, place) => { if (place < PILED) found.set(idea, this.spot(idea, place)); });
    }
    for (const idea of r.flying) if (r.mode[idea] !== QUEUE) found.set(idea, this.spot(idea, 0));
    for (const idea of r.fresh) found.set(idea, this.restingPlace(idea));
    return found;
  }

  settle() { this.before = this.now = this.positions(); }

  go(week) {
    if (week === this.replay.week + 1) {
      this.replay.advance();
      this.before = this.now;
      this.now = this.positions();
    } else {
      this.replay.seek(week);
      this.settle();
    }
  }

  position(idea, t) {
    const to = this.now.get(idea);
    if (!to) return this.replay.mode[idea] === ENDED ? this.restingPlace(idea) : null;
    // An idea of this week, which was nowhere before, sets out from its author.
    const from = this.before.get(idea) || this.nodeAt(this.replay.authors[idea]);
    const k = ease(t);
    return [from[0] + (to[0] - from[0]) * k, from[1] + (to[1] - from[1]) * k];
  }
}

function shortened(g, text, width) {
  while (text.length > 3 && g.measureText(text).width > width) text = text.slice(0, -2) + "…";
  return text;
}

function shape(g, name, x, y, size, color, hollow) {
  g.save();
  g.translate(x, y);
  g.scale(size, size);
  if (hollow) {
    g.strokeStyle = color;
    g.lineWidth = hollow / size; // in the units of the shape, which are scaled
    g.stroke(PATHS[name]);
  } else {
    g.fillStyle = color;
    g.fill(PATHS[name], "evenodd");
  }
  g.restore();
}

// Small pictures of the shapes in their colours: stamping them is much faster than drawing paths.
class Stamps {
  constructor(ratio) { this.ratio = ratio; this.made = new Map(); }

  // With an edge, a mark of any colour stands out from the ground.
  put(g, name, x, y, size, color, edge) {
    const key = `${name} ${size} ${color} ${edge}`;
    let stamp = this.made.get(key);
    const side = Math.ceil(size * 2.8) + 2;
    if (!stamp) {
      stamp = document.createElement("canvas");
      stamp.width = stamp.height = side * this.ratio;
      const pen = stamp.getContext("2d");
      pen.scale(this.ratio, this.ratio);
      shape(pen, name, side / 2, side / 2, size, color);
      if (edge) shape(pen, name, side / 2, side / 2, size, edge, 1);
      this.made.set(key, stamp);
    }
    g.drawImage(stamp, x - side / 2, y - side / 2, side, side);
  }
}

class Stage {
  constructor(model, el) {
    this.model = model;
    this.reached = model.get("week"); // weeks, and the part of the present one that has been shown
    this.scenes = [];
    this.picked = null;
    this.frames = [];
    this.stop = new AbortController();
    this.build(el);
    this.listen();
    this.load();
    this.seek(model.get("week"));
    this.tick = this.tick.bind(this);
    this.last = performance.now();
    this.handle = requestAnimationFrame(this.tick);
  }

  // --- the page ---------------------------------------------------------------------------------

  build(el) {
    el.classList.add("ia-stage");
    el.innerHTML = `
      <div class="ia-picture"><canvas tabindex="0" role="img"></canvas>
        <p class="ia-caption" role="status" hidden></p>
        <div class="ia-notice" role="status"></div>
        <aside class="ia-inspector" aria-live="polite" hidden></aside></div>
      <div class="ia-controls" role="group">
        <button data-do="restart"><svg viewBox="0 0 24 24"><path d="M6 5h3v14H6zM20 5v14L10 12z"/></svg></button>
        <button data-do="back"><svg viewBox="0 0 24 24"><path d="M15 5v14L5 12zM17 5h2v14h-2z"/></svg></button>
        <button data-do="play" class="ia-play"><svg viewBox="0 0 24 24"><path class="ia-if-paused" d="M7 4v16l13-8z"/><path class="ia-if-playing" d="M6 4h4v16H6zM14 4h4v16h-4z"/></svg></button>
        <button data-do="forward"><svg viewBox="0 0 24 24"><path d="M9 5v14l10-7zM5 5h2v14H5z"/></svg></button>
        <div class="ia-scrub"><input type="range" min="0" step="1"><div class="ia-marks"></div></div>
        <output class="ia-week"></output>
        <select class="ia-speed">${[1, 2, 4, 8].map((s) => `<option value="${s}">${s}</option>`).join("")}</select>
      </div>
      <ul class="ia-counts"></ul><ul class="ia-roles"></ul>`;
    this.el = el;
    this.canvas = el.querySelector("canvas");
    this.pen = this.canvas.getContext("2d");
    this.layer = document.createElement("canvas");
    this.inspector = el.querySelector(".ia-inspector");
    this.slider = el.querySelector("input");
    this.speed = el.querySelector(".ia-speed");
    const signal = this.stop.signal;
    el.querySelectorAll("button").forEach((button) =>
      button.addEventListener("click", () => this.act(button.dataset.do), { signal }));
    // The link waits until the slider is released: browsers limit how often an address may change.
    this.slider.addEventListener("input", () => { this.pause(); this.seek(+this.slider.value); }, { signal });
    this.slider.addEventListener("change", () => this.tell(), { signal });
    this.speed.addEventListener("change", () => this.send({ speed: +this.speed.value }), { signal });
    this.canvas.addEventListener("click", (event) => this.pick(event), { signal });
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(el.querySelector(".ia-picture"));
    this.speak();
  }

  listen() {
    // Kept for end(): the model outlives the picture, and would go on calling what still listens.
    this.handlers = {
      "change:chart": () => { this.picked = null; this.load(); this.seek(this.model.get("week")); },
      "change:names": () => this.load(),
      "change:film": () => this.load(),
      "change:twin": () => this.load(),
      "change:week": () => { if (this.model.get("week") !== this.week) this.seek(this.model.get("week")); },
      // While it plays, the link is up to a second late.
      "change:playing": () => { this.speak(); if (!this.model.get("playing")) this.link(); },
      "change:speed": () => this.speak(),
      "change:words": () => { this.speak(); this.load(); },
      "change:look": () => { this.speak(); this.resize(); },
      "change:marks": () => this.mark(),
      "change:link": () => this.link(),
      "change:notice": () => this.speak(),
      "change:hides": () => { this.speak(); this.seek(this.reached); },
      "change:caption": () => this.recaption(),
      "change:spot": () => this.point(),
      "change:story": () => this.inspect(),
      "change:chance": () => this.inspect(),
      "change:ask": () => this.answer(this.model.get("ask")),
      "change:focus": () => this.focus(this.model.get("focus")),
    };
    for (const [event, handler] of Object.entries(this.handlers)) this.model.on(event, handler);
  }

  end() {
    cancelAnimationFrame(this.handle);
    this.stop.abort();
    this.watch.disconnect();
    for (const [event, handler] of Object.entries(this.handlers)) this.model.off(event, handler);
  }

  send(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  say(key) { return this.model.get("words")[key] ?? key; }

  // Values after their texts, with the space that French puts before colons and semicolons.
  listed(values) {
    const space = this.model.get("look").language === "fr" ? "\u00a0" : "";
    return Object.entries(values).map(([key, value]) => `${this.say(key)}${space}: ${value}`).join(`${space}; `);
  }

  // All texts: names of controls, counts; and the colours of the look.
  speak() {
    const look = this.model.get("look"), playing = this.model.get("playing");
    if (look.language) document.documentElement.lang = look.language; // how it is read aloud
    this.el.classList.toggle("ia-dark", !!look.dark);
    this.el.classList.toggle("ia-room", !!look.room);
    this.el.classList.toggle("ia-playing", playing);
    this.colors = LOOKS[look.dark ? "dark" : "light"];
    for (const button of this.el.querySelectorAll(".ia-controls button")) {
      const what = button.dataset.do === "play" && playing ? "pause" : button.dataset.do;
      button.title = this.say(`tip_${what}`);
      button.setAttribute("aria-label", this.say(what));
    }
    for (const control of this.el.querySelectorAll(".ia-controls button, .ia-scrub input")) control.disabled = this.held;
    this.slider.setAttribute("aria-label", this.say("week"));
    this.speed.setAttribute("aria-label", this.say("speed"));
    for (const option of this.speed.options) option.textContent = `${option.value} ${this.say("weeks_a_second")}`;
    this.speed.value = String(this.model.get("speed"));
    const notice = this.el.querySelector(".ia-notice");
    notice.textContent = this.model.get("notice");
    notice.classList.toggle("ia-alone", !this.scenes.length);
    const mark = (form, color) => `<svg viewBox="-1.4 -1.4 2.8 2.8" aria-hidden="true"><path d="${SHAPES[form]}"
      fill="${color}" fill-rule="evenodd"/></svg>`;
    this.el.querySelector(".ia-counts").innerHTML = Object.entries(FATES).map(([fate, [form, color]]) =>
      `<li data-fate="${fate}">${mark(form, color)}<b></b> <span></span></li>`).join("");
    this.el.querySelector(".ia-roles").innerHTML = this.marksOf().roles.map(([form, color]) =>
      `<li>${mark(form, color)}<span></span></li>`).join("");
    this.el.querySelectorAll(".ia-roles span").forEach((span, i) => { span.textContent = this.marksOf().roles[i][2]; });
    for (const item of this.el.querySelectorAll(".ia-counts li")) {
      item.querySelector("span").textContent = this.say(`fate_${item.dataset.fate}`);
    }
    this.mark();
    this.count();
    this.draw();
  }

  // How much larger letters and marks are for the back of the room: letters of 16 points then have
  // a fortieth of the height of the screen.
  get big() { return this.model.get("look").room ? Math.max(1.35, window.innerHeight / 640) : 1; }

  mark() {
    const weeks = this.weeks || 1, box = this.el.querySelector(".ia-marks");
    box.replaceChildren(...this.model.get("marks").map(({ week, label }) => {
      const tick = document.createElement("i");
      // At the end of the week before: what moved holds from the start of its week.
      tick.style.left = `${100 * (week - 1) / weeks}%`;
      tick.title = label;
      return tick;
    }));
  }

  load() {
    const chart = { ...this.model.get("chart"), ...this.model.get("names") };
    const film = this.model.get("film"), twin = this.model.get("twin");
    if (!film.weeks) this.clear();
    // Chart and film are different traits: where they do not fit, one of them is still to come.
    if (!film.weeks || film.nodes !== chart.x?.length) return;
    const names = this.model.get("events"), twins = twin.weeks > 0 && twin.nodes === film.nodes;
    const films = twins ? [twin, film] : [film];
    const titles = twins ? this.titles() : [""];
    this.scenes = films.map((one, i) => new Scene(chart, one, new Replay(one, chart, names), titles[i]));
    this.weeks = film.weeks;
    this.slider.max = film.weeks;
    this.el.querySelector(".ia-notice").classList.remove("ia-alone");
    this.point();
    this.seek(Math.min(Math.floor(this.reached), film.weeks)); // a moved lever does not interrupt the story
    this.mark();
  }

  titles() {
    const { a, b } = this.model.get("caption");
    return [[this.say("twin_a"), a], [this.say("twin_b"), b]].map((parts) => parts.filter(Boolean).join(" · "));
  }

  recaption() {
    if (this.scenes.length > 1) this.titles().forEach((title, i) => { this.scenes[i].title = title; });
    this.paint();
    this.draw();
  }

  // Nothing is shown while another organisation is recorded, and no time goes by.
  clear() {
    this.scenes = [];
    this.picked = null;
    this.inspect();
    this.paint();
    this.speak();
  }

  resize() {
    const box = this.canvas.parentElement.getBoundingClientRect();
    const ratio = (window.devicePixelRatio || 1) * this.zoom; // what is shown larger stays sharp
    if (!box.width || !box.height) return;
    this.ratio = ratio;
    this.size = [box.width, box.height];
    for (const canvas of [this.canvas, this.layer]) {
      canvas.width = Math.round(box.width * ratio);
      canvas.height = Math.round(box.height * ratio);
    }
    this.stamps = new Stamps(ratio); // sizes are others from now on; the old ones would pile up
    this.arrange(box.width, box.height);
    this.approach();
    this.paint();
    this.draw();
  }

  // --- what a step of a guided session points out -----------------------------------------------

  get spot() { return this.model.get("spot") ?? {}; }

  // Twins are two pictures: what is pointed out in both has no single place.
  get zoom() { return this.scenes.length === 1 && this.spot.nodes?.length ? this.spot.zoom : 1; }

  point() {
    const { caption = "", follow = "" } = this.spot, box = this.el.querySelector(".ia-caption");
    box.textContent = caption;
    box.hidden = !caption;
    if (follow) this.focus({ name: follow });
    else if (this.followed) this.choose(null);
    this.followed = follow;
    this.resize();
  }

  // Bring what is shown larger to the middle; the style sheet says how fast.
  approach() {
    const [width, height] = this.size, zoom = this.zoom;
    let x = 0, y = 0;
    if (zoom > 1) {
      const [left, top, right, bottom] = this.scenes[0].around(this.spot, false);
      const moved = (side, middle) => Math.max(side - zoom * side, Math.min(0, side / 2 - zoom * middle));
      [x, y] = [moved(width, (left + right) / 2), moved(height, (top + bottom) / 2)];
    }
    this.canvas.style.transform = zoom > 1 ? `translate(${x}px, ${y}px) scale(${zoom})` : "";
  }

  dim(g) {
    if (!this.spot.nodes?.length) return;
    const frames = this.scenes.map((scene) => scene.around(this.spot));
    const outline = () => frames.forEach(([left, top, right, bottom]) => g.roundRect(left, top, right - left, bottom - top, 12));
    g.globalAlpha = .65;
    g.fillStyle = this.colors.ground;
    g.beginPath();
    g.rect(0, 0, ...this.size);
    outline();
    g.fill("evenodd");
    g.globalAlpha = 1;
    g.strokeStyle = this.colors.spot;
    g.lineWidth = 3 / this.zoom;
    g.beginPath();
    outline();
    g.stroke();
  }

  // Two scenes stand side by side or one above the other, whichever is drawn larger.
  arrange(width, height) {
    const number = this.scenes.length;
    if (!number) return;
    if (this.scenes[0].chart.grouped) height -= 30 * this.big; // for the line that says so
    const beside = [width / number, height], below = [width, height / number];
    const scale = ([w, h]) => Math.min(w / this.scenes[0].chart.width, (h - 34) / this.scenes[0].chart.height);
    const across = scale(beside) >= scale(below), [w, h] = across ? beside : below;
    this.scenes.forEach((scene, i) => scene.fit(across ? i * w : 0, across ? 0 : i * h, w, h, this.big));
    for (const kind of ["dead", "adopted"]) { // marks of both sides have the same size
      const grain = Math.min(...this.scenes.map((scene) => scene.grains[kind]));
      for (const scene of this.scenes) scene.grains[kind] = grain;
    }
    for (const scene of this.scenes) scene.settle();
  }

  // --- time -------------------------------------------------------------------------------------

  // Parts of a week add up to a little less than a whole one at times.
  get week() { return Math.floor(this.reached + 1e-9); }

  tick(now) {
    // A frame may have begun before we did; and a tab in the background gets no frames, after which
    // the run must go on where it was, and not skip weeks.
    const spent = Math.max(0, Math.min(now - this.last, 250));
    this.last = now;
    this.handle = requestAnimationFrame(this.tick);
    this.frames.push(now);
    while (this.frames[0] < now - 1000) this.frames.shift();
    this.canvas.dataset.frames = this.frames.length;
    if (!this.model.get("playing") || !this.scenes.length || this.held) return;
    const before = this.week;
    this.reached = Math.min(this.reached + spent / 1000 * this.model.get("speed"), this.weeks);
    if (this.week !== before) {
      this.show(this.week);
      if (now > (this.linked ?? 0) + 1000) { this.linked = now; this.link(); } // browsers limit the rate
    }
    if (this.reached >= this.weeks) this.pause();
    this.draw();
  }

  // Show the end of a week: its happenings are played while the week after it goes by.
  show(week) {
    for (const scene of this.scenes) scene.go(week);
    this.slider.value = week;
    this.el.querySelector(".ia-week").textContent = `${this.say("week")} ${week} / ${this.weeks}`;
    this.slider.setAttribute("aria-valuetext", `${this.say("week")} ${week} / ${this.weeks}`);
    this.count();
    this.inspect();
    this.paint();
    if (this.model.get("week") !== week) this.send({ week });
  }

  // A room that bets sees the start only.
  get held() { return this.model.get("hides") === "weeks"; }

  seek(week) {
    this.reached = this.held ? 0 : Math.max(0, Math.min(week, this.weeks ?? week));
    if (!this.scenes.length) return;
    for (const scene of this.scenes) { scene.replay.seek(this.week); scene.settle(); }
    this.show(this.week);
    this.draw();
  }

  pause() { if (this.model.get("playing")) { this.send({ playing: false }); this.speak(); } }

  tell() { this.send({ week: this.week }); this.link(); }

  act(what) {
    if (this.held) return;
    if (what === "play") {
      if (!this.model.get("playing") && this.week >= this.weeks) this.seek(0);
      this.send({ playing: !this.model.get("playing") });
      this.speak();
    } else if (what === "restart") { this.seek(0); this.tell(); } else {
      this.pause();
      this.seek(this.week + (what === "forward" ? 1 : -1));
      this.tell();
    }
  }

  key(event) {
    // Arrows, space and letters belong to a control that uses them, and all keys to a dialog; the keys are for the
    // rest of the page.
    const at = event.target, form = at.closest?.("input, textarea, select, [role=slider], [role=combobox], [contenteditable]");
    const typing = at.closest?.("textarea, [contenteditable], [role=combobox], input:not([type=range]):not([type=checkbox]):not([type=radio])");
    if (typing || at.closest?.(".ia-upload") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (at.closest?.("select") && event.key.length === 1) return; // letters and digits choose in it
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "PageDown" || key === "PageUp") this.command(key === "PageDown" ? "next" : "previous");
    else if (key === "p" || (key === " " && (at === document.body || at === this.canvas))) this.act("play");
    else if (key === "r") this.act("restart");
    else if (key === "ArrowRight" && !form) this.act("forward");
    else if (key === "ArrowLeft" && !form) this.act("back");
    else if (key === "Escape") { // not prevented: it also closes a popover
      this.choose(null);
      return void this.command(key);
    }
    else if (key === "Enter" && at === this.canvas) this.nextPost(event.shiftKey ? -1 : 1);
    else if ("ubdlts?".includes(key) || /^[1-9]$/.test(key)) this.command(key);
    else return;
    event.preventDefault();
  }

  command(name) { this.send({ command: { name, week: this.week, time: Date.now() } }); }

  answer(ask) {
    if (ask.name !== "picture" || ask.time === this.answered) return;
    this.answered = ask.time;
    this.framed(ask.title).toBlob((blob) => {
      const anchor = document.createElement("a");
      anchor.href = URL.createObjectURL(blob);
      anchor.download = ask.file;
      anchor.click();
      URL.revokeObjectURL(anchor.href);
    });
  }

  // The picture with what makes it understood elsewhere: title, organisation, week, number, legend.
  framed(title) {
    const [width, height] = this.size, line = Math.max(18, height / 26), rim = line * .7, c = this.colors;
    const made = document.createElement("canvas"), g = made.getContext("2d"), caption = this.model.get("caption");
    const head = [[title, caption.name], [`${this.say("week")} ${this.week} / ${this.weeks}`, caption.b]]
      .map((parts) => parts.filter(Boolean).join(" · "));
    const moved = this.model.get("marks").map(({ label }) => label).join("; ");
    const font = (weight, size) => { g.font = `${weight} ${size}px system-ui, sans-serif`; };
    font(400, line * .72);
    const legend = this.legendRows(g, width - 2 * rim, line);
    const top = rim + line * 1.35 * head.length + (moved ? line : 0) + rim / 2;
    made.width = Math.round(width * this.ratio);
    made.height = Math.round((top + height + legend.length * line * 1.1 + 2 * rim) * this.ratio);
    g.scale(this.ratio, this.ratio);
    g.fillStyle = c.ground;
    g.fillRect(0, 0, made.width, made.height);
    g.fillStyle = c.text;
    head.forEach((text, i) => { font(i ? 600 : 700, line); g.fillText(text, rim, rim + line * (1 + 1.35 * i), width - 2 * rim); });
    font(400, line * .72);
    if (moved) g.fillText(moved, rim, top - rim / 2 - line * .1, width - 2 * rim);
    g.drawImage(this.canvas, 0, top, width, height);
    legend.forEach((row, i) => {
      const y = top + height + rim + (i + .6) * line * 1.1;
      for (const { x, form, color, text } of row) {
        shape(g, form, rim + x + line * .35, y - line * .25, line * .3, color);
        g.fillStyle = c.text;
        g.fillText(text, rim + x + line * .9, y);
      }
    });
    return made;
  }

  legendRows(g, width, line) {
    const { roles, fates } = this.marksOf(), rows = [[]];
    let x = 0;
    for (const [form, color, text] of [...roles, ...fates]) {
      const wide = g.measureText(text).width + line * 1.7;
      if (x + wide > width && rows.at(-1).length) { rows.push([]); x = 0; }
      rows.at(-1).push({ x, form, color, text });
      x += wide;
    }
    return rows;
  }

  // What the marks mean, with how many ideas had each fate so far.
  marksOf() {
    const roles = ROLES.slice(0, 3).map(([form], role) => [form, this.colors.node, this.say(`legend_role_${role}`)]);
    const secret = this.model.get("hides") !== "";
    return {
      roles: [...roles, ["bar", this.colors.business, this.say("legend_business")]],
      fates: Object.entries(FATES).map(([fate, [form, color]]) =>
        [form, color, `${this.say(`fate_${fate}`)}${secret || !this.scenes.length ? "" : ` (${this.tally(fate)})`}`]),
    };
  }

  // The state of the room is in the link, so that F5 loses nothing.
  link() {
    const link = this.model.get("link");
    // Replaced, so that the browser's Back leaves the page instead of going through all weeks.
    if (link) history.replaceState(history.state, "", `?${link}&week=${this.week}`);
  }

  count() {
    const scene = this.scenes[this.scenes.length - 1], secret = this.model.get("hides") !== "";
    if (!scene) return;
    for (const item of this.el.querySelectorAll(".ia-counts li")) {
      item.querySelector("b").textContent = secret ? "" : this.tally(item.dataset.fate);
    }
    const { counts, conceived } = scene.replay;
    this.canvas.setAttribute("aria-label", this.say(secret ? "picture_hidden" : "picture_says").replace("{week}", this.week)
      .replace("{conceived}", conceived).replace("{waiting}", counts.waiting).replace("{adopted}", counts.adopted));
  }

  // How many ideas of each side had this fate: A first, as it is drawn.
  tally(fate) {
    const counts = this.scenes.map((scene) => scene.replay.counts[fate]);
    return counts.length < 2 ? counts[0] : `A ${counts[0]} · B ${counts[1]}`;
  }

  // --- people and ideas that were chosen --------------------------------------------------------------

  pick(event) {
    const box = this.canvas.getBoundingClientRect(), scale = this.size[0] / box.width; // it may be shown larger
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    // Ideas go first: they are drawn over the posts, and are smaller than a finger.
    let best = null, near = 14;
    this.scenes.forEach((scene, side) => {
      const resting = this.model.get("hides") ? [] : [...scene.replay.rest.values()].flat();
      for (const idea of [...scene.now.keys(), ...resting]) {
        const [ix, iy] = scene.position(idea, this.part());
        const d = Math.hypot(ix - x, iy - y);
        if (d < Math.max(near, 0) && d < scene.dot * 1.6 + 3) { near = d; best = { kind: "idea", side, name: scene.replay.name(idea) }; }
      }
    });
    near = 1e9;
    if (!best) this.scenes.forEach((scene, side) => {
      for (let node = 0; node < scene.chart.x.length; node++) {
        if (!scene.chart.people[node] && !scene.replay.queues[node].length) continue;
        const [nx, ny] = scene.nodeAt(node), d = Math.hypot(nx - x, ny - y);
        if (d < Math.max(8, scene.scale * .7) && d < near) { near = d; best = { kind: "post", side, node }; }
      }
    });
    this.choose(best);
  }

  // By the keyboard: the next (or previous) post at which ideas wait, or any if none wait anywhere.
  nextPost(way) {
    const side = this.scenes.length - 1, scene = this.scenes[side];
    if (!scene) return;
    const { chart, replay } = scene, number = chart.x.length;
    const at = this.picked?.kind === "post" ? this.picked.node : way > 0 ? -1 : number;
    const waits = (node) => replay.queues[node].length > 0;
    const there = replay.queues.some((queue) => queue.length) ? waits : (node) => chart.people[node] > 0;
    for (let step = 1; step <= number; step++) {
      const node = (((at + way * step) % number) + number) % number;
      if (there(node)) { this.choose({ kind: "post", side, node }); return; }
    }
  }

  // Python asks to follow an idea, by name, on all sides.
  focus(wanted) {
    this.picked = { kind: "idea", side: this.scenes.length - 1, name: wanted.name, followed: true };
    this.inspect();
    this.draw();
  }

  choose(what) {
    this.picked = what;
    this.send({ picked: what || {}, story: "", chance: [] });
    this.inspect();
    this.draw();
  }

  inspect() {
    const what = this.picked, scene = what && this.scenes[what.side], box = this.inspector;
    if (box.matches(":active") && what === this.inspected) return; // somebody is pressing a button in it
    const buttons = () => [...box.querySelectorAll("button")], at = buttons().indexOf(document.activeElement);
    const keyed = at >= 0 && document.activeElement.matches(":focus-visible"), same = what === this.inspected;
    this.inspected = what;
    this.tellOf(what, scene, box);
    if (keyed) (box.hidden ? this.canvas : buttons()[same ? at : 0] ?? this.canvas).focus(); // it was written again
  }

  tellOf(what, scene, box) {
    box.hidden = !scene || what.followed; // the panel shows the story of a followed idea
    if (box.hidden) return;
    box.replaceChildren();
    const add = (tag, text, parent = box) => {
      const made = document.createElement(tag);
      made.textContent = text;
      return parent.appendChild(made);
    };
    const close = add("button", "×");
    close.className = "ia-close";
    close.setAttribute("aria-label", this.say("close"));
    close.onclick = () => this.choose(null);
    if (what.kind === "idea") {
      add("h2", `${this.say("idea")} · ${scene.replay.called(what.name, this.model.get("words"), scene.chart)}`).title = what.name;
      add("p", this.model.get("story") || "…");
      for (const line of this.model.get("chance")) add("p", line).className = "ia-chance";
      return;
    }
    const r = scene.replay, node = what.node, chart = scene.chart;
    const role = this.say(chart.grouped && chart.people[node] > 1 ? "unit" : `role_${chart.role[node]}`)
      + (chart.people[node] > 1 ? ` (${chart.people[node]})` : "");
    add("h2", chart.names[node] ?? role);
    if (chart.names[node]) add("p", `${role} · ${chart.units[node]}`);
    const business = r.week ? r.business[(r.week - 1) * r.nodes + node] : 0;
    if (chart.role[node] !== 0) add("p", this.listed({ business_waiting: business }));
    const own = [...r.flying].filter((idea) => r.authors[idea] === node);
    const adopted = this.model.get("hides") ? {} : { fate_adopted: r.lit[node] };
    add("p", this.listed({ own_ideas: own.length, ...adopted }));
    if (r.weary[node] > 0) add("p", this.say("burnt_out"));
    const queue = r.queues[node];
    add("p", this.listed({ inbox: queue.length }));
    const list = add("ol", "");
    const rows = queue.length ? queue : own;
    for (const idea of rows.slice(0, 12)) {
      const item = add("li", "", list), waited = r.week - r.since[idea] + 1;
      const button = add("button", `${r.called(r.name(idea), this.model.get("words"), chart)} · ${this.say("waits").replace("{weeks}", waited)}`, item);
      button.onclick = () => this.choose({ kind: "idea", side: what.side, name: r.name(idea) });
    }
    if (rows.length > 12) add("p", `+ ${rows.length - 12}`);
  }

  // --- drawing ----------------------------------------------------------------------------------------

  // The share of the present week's events that has been shown.
  part() {
    if (!this.model.get("playing") || matchMedia("(prefers-reduced-motion: reduce)").matches) return 1;
    return Math.min(1, (this.reached - this.week) * 1.25); // they rest before the next week begins
  }

  // What does not change during a week: posts, lines, queues of business, stars of adopted ideas.
  paint() {
    if (!this.size) return;
    const g = this.layer.getContext("2d"), c = this.colors;
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.fillStyle = c.ground;
    g.fillRect(0, 0, ...this.size);
    for (const scene of this.scenes) this.paintScene(g, scene, c);
  }

  paintScene(g, scene, c) {
    const { chart, replay, scale } = scene, nodes = chart.x.length;
    const big = this.big, font = big * Math.max(11, Math.min(16, scale * .5));
    g.textAlign = "center";
    g.fillStyle = c.text;
    if (scene.title) { // in two halves of the picture it may be narrow
      g.font = `600 ${15 * big}px system-ui, sans-serif`;
      g.fillText(scene.title, scene.middle, scene.head + 18 * big, scene.width - 12);
    }
    const layer = this.paintClay(g, scene, c);
    this.paintLines(g, scene, c);
    if (layer) this.paintLayer(g, c, ...layer);
    this.paintLinks(g, scene, c);
    if (this.model.get("hides")) this.canvas.dataset.resting = 0;
    else this.paintRest(g, scene, c);
    for (let node = 0; node < nodes; node++) this.paintNode(g, scene, c, node);
    this.paintNames(g, scene, c);
    g.fillStyle = c.quiet;
    g.font = `${font}px system-ui, sans-serif`;
    if (chart.departments.length > 1 && scale > 9) chart.departments.forEach(([from, to], number) => {
      g.fillText(shortened(g, chart.heads[number], scene.across * (to - from) - 8), scene.left + scene.across * (from + to) / 2, scene.top + scale * .25);
    });
  }

  // The clay layer: a band behind each row of middle managers; its name goes above the first.
  paintClay(g, scene, c) {
    const { chart, scale } = scene, tall = this.big * Math.max(11, Math.min(14, scale * .4));
    const managers = chart.y.filter((_, node) => chart.role[node] === 1 && scene.replay.leads[node]);
    const rows = [...new Set(managers)].sort((a, b) => a - b);
    let named = null;
    rows.forEach((row, i) => {
      const y = scene.top + scene.down * row, top = y - .75 * scale, floor = y + (TEAM - RIM) * scene.down;
      g.fillStyle = c.clay;
      g.fillRect(scene.from, top, scene.width, floor - top);
      if (i || scale < 9) return;
      named = [this.say("legend_role_1"), scene.from + 8, top - 5, tall];
    });
    return named;
  }

  paintLayer(g, c, name, x, y, tall) {
    g.font = `${tall}px system-ui, sans-serif`;
    g.textAlign = "left";
    g.fillStyle = c.ground; // on the lines to the leaders
    g.fillRect(x - 2, y - tall, g.measureText(name).width + 4, tall * 1.25);
    g.fillStyle = c.quiet;
    g.fillText(name, x, y);
    g.textAlign = "center";
  }

  // Who reports to whom: a line to each manager, and one to each team.
  paintLines(g, scene, c) {
    const { chart, teams } = scene;
    g.strokeStyle = c.line;
    g.lineWidth = Math.max(.5, Math.min(1.5, scene.scale * .05));
    g.beginPath();
    chart.above.forEach((boss, node) => {
      if (boss >= 0 && scene.replay.leads[node]) { g.moveTo(...scene.nodeAt(node)); g.lineTo(...scene.nodeAt(boss)); }
    });
    for (const [boss, [left, top, right]] of teams) { g.moveTo(...scene.nodeAt(boss)); g.lineTo((left + right) / 2, top); }
    g.stroke();
    g.fillStyle = c.team;
    for (const [left, top, right, bottom] of teams.values()) {
      g.beginPath();
      g.roundRect(left, top, right - left, bottom - top, Math.min(8, .3 * scene.scale));
      g.fill();
      g.stroke();
    }
  }

  // What died and what was adopted, where it came to rest.
  paintRest(g, scene, c) {
    const r = scene.replay, rested = [...r.rest.values()].flat().filter((idea) => r.ended[idea] < this.week);
    for (const idea of rested) this.putRest(g, scene, idea, scene.restingPlace(idea));
    this.canvas.dataset.resting = rested.length;
  }

  putRest(g, scene, idea, [x, y]) {
    const fate = scene.replay.fate[idea], [form, color] = FATES[fate], adopted = fate === "adopted";
    const size = (adopted ? scene.grains.adopted : scene.grains.dead) * .92;
    this.stamps.put(g, form, x, y, size, color, size > 3.5 ? this.colors.text : "");
  }

  // Names of managers' posts, of a user's own chart, where there is room for them.
  paintNames(g, scene, c) {
    const { chart, rooms } = scene, tall = this.big * Math.max(11, Math.min(14, scene.scale * .3));
    g.font = `${tall}px system-ui, sans-serif`;
    chart.names.forEach((name, node) => {
      const text = rooms[node] ? shortened(g, name, rooms[node] - 10) : "";
      if (text.length < Math.min(4, name.length)) return;
      const [x, y] = scene.nodeAt(node), wide = g.measureText(text).width + 4;
      const under = y + Math.max(13 * this.big, scene.scale * .36) + tall; // and under regular business
      g.fillStyle = c.ground; // on the lines to those below
      g.fillRect(x - wide / 2, under - tall, wide, tall * 1.25);
      g.fillStyle = c.text;
      g.fillText(text, x, under);
    });
  }

  paintLinks(g, scene, c) {
    const r = scene.replay, newest = r.linked, first = Math.max(0, newest - LINKS);
    if (!newest) return;
    g.strokeStyle = c.link;
    g.globalAlpha = .35;
    g.lineWidth = 1;
    g.beginPath();
    for (let i = first; i < newest; i++) {
      const [ax, ay] = scene.nodeAt(r.links[3 * i + 1]), [bx, by] = scene.nodeAt(r.links[3 * i + 2]);
      g.moveTo(ax, ay);
      g.quadraticCurveTo((ax + bx) / 2, Math.max(ay, by) + scene.scale * .9, bx, by);
    }
    g.stroke();
    g.globalAlpha = 1;
  }

  paintNode(g, scene, c, node) {
    const { chart, replay, scale } = scene, role = chart.role[node];
    const waiting = replay.queues[node].length, [x, y] = scene.nodeAt(node), [form, part] = ROLES[role];
    if (role >= 3) { // agency and panel: an outline where there is none
      const there = replay.bodies[2 * Math.max(0, replay.week - 1) + role - 3];
      if (role === 4 && !there && !waiting) return;
      const size = Math.max(4, Math.min(13 * this.big, scale * part));
      const name = this.say(`role_${role}`);
      g.font = `${this.big * Math.max(11, Math.min(14, scale * .45))}px system-ui, sans-serif`;
      g.fillStyle = there ? c.text : c.quiet;
      const under = y + size + 4 + this.big * Math.max(11, Math.min(14, scale * .45)); // above it are stars
      g.fillText(name, Math.min(x, this.size[0] - g.measureText(name).width / 2 - 4), under);
      if (there || waiting) this.stamps.put(g, form, x, y, size, c.node);
      else shape(g, form, x, y, size, c.faint, 1.2);
      return;
    }
    const grown = chart.grouped ? Math.min(1.25, .7 + Math.log10(chart.people[node] + 1) * .25) : 1;
    const size = Math.max(1.3, Math.min(13 * this.big, scale * part) * grown);
    const business = replay.week ? replay.business[(replay.week - 1) * replay.nodes + node] : 0;
    if (business) { // regular business, a grey pile at the left
      const close = !replay.leads[node]; // in a team, there is little room for it
      const tall = Math.min(business, close ? 10 : 24) * Math.max(.6, scale * .075);
      g.fillStyle = c.business;
      g.fillRect(x - scale * (close ? .52 : .62), y + scale * .35 - tall, Math.max(1.5, scale * (close ? .12 : .2)), tall);
    }
    this.stamps.put(g, form, x, y, size, c.node);
    if (replay.weary[node] > 0) shape(g, "circle", x, y, size + 2, "#d55e00", 1.5);
    if (replay.lit[node] && !this.model.get("hides")) { // a room that bets could count the stars
      const star = Math.max(5.4, size * .8);
      if (size > 6) this.stamps.put(g, "star", x, y, star * 1.25, c.ground); // a rim, visible on the mark
      this.stamps.put(g, "star", x, y, star, FATES.adopted[1], c.text);
      const tall = this.big * Math.min(12, scale * .4);
      if (replay.lit[node] > 1 && scale > 16 && scene.down > 2 * size + tall) { // not on the node below
        g.font = `600 ${tall}px system-ui, sans-serif`;
        g.fillStyle = c.text;
        g.fillText(replay.lit[node], x, y + size + tall);
      }
    }
    if (waiting > PILED) {
      g.font = `600 ${Math.max(10, Math.min(13, scale * .5))}px system-ui, sans-serif`;
      g.fillStyle = c.text;
      g.fillText(`+${waiting - PILED}`, x + scale, y + scale * .8);
    }
  }

  draw() {
    if (!this.size) return;
    const g = this.pen, t = this.part();
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.drawImage(this.layer, 0, 0);
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.scenes.forEach((scene, side) => this.drawIdeas(g, scene, t, side));
    this.dim(g);
    this.scenes.forEach((scene, side) => this.drawPicked(g, scene, t, side));
  }

  drawIdeas(g, scene, t, side) {
    const r = scene.replay, d = scene.dot;
    for (const [node, what] of r.flashes) {
      if (t >= 1 || node < 0) break;
      const [x, y] = scene.nodeAt(node);
      g.globalAlpha = .7 * (1 - t);
      shape(g, "circle", x, y, Math.max(4, scene.scale * (.4 + .35 * t)), what === "refused" ? "#d55e00" : "#009e73", 2);
    }
    g.globalAlpha = 1;
    for (const idea of scene.now.keys()) {
      const [x, y] = scene.position(idea, t);
      const ended = r.mode[idea] === ENDED;
      if (ended && t >= 1) { // it has come to rest, where a room that bets must not count
        if (!this.model.get("hides")) this.putRest(g, scene, idea, [x, y]);
        continue;
      }
      const [form, color] = FATES[ended ? r.fate[idea] : "waiting"];
      this.stamps.put(g, form, x, y, ended ? d * 1.25 : d, color, this.colors.text);
      if (ended) continue;
      if (r.mode[idea] === PLATFORM) shape(g, "circle", x, y, d * 1.7, this.colors.link, 1.2);
      else if (r.mode[idea] === PILOT) shape(g, "square", x, y, d * 1.6, "#0072b2", 1.4);
    }
  }

  drawPicked(g, scene, t, side) {
    const what = this.picked;
    if (!what || (what.side !== side && !what.followed)) return;
    let at = null;
    if (what.kind === "post") at = scene.nodeAt(what.node);
    else {
      const idea = scene.replay.find(what.name);
      if (idea >= 0) at = scene.position(idea, t) || scene.nodeAt(scene.replay.authors[idea]);
    }
    if (!at) return;
    const size = Math.max(9, scene.scale * .6);
    shape(g, "circle", at[0], at[1], size, this.colors.text, 2.5);
    if (what.followed) this.drawName(g, scene.replay.called(what.name, this.model.get("words"), scene.chart), at, size);
  }

  // The name of a followed idea, above its ring or at its side that has room.
  drawName(g, name, [x, y], size) {
    const tall = 13 * this.big;
    g.font = `600 ${tall}px system-ui, sans-serif`;
    g.textAlign = "center";
    const wide = g.measureText(name).width + 8, [width] = this.size, middle = Math.max(wide / 2, Math.min(x, width - wide / 2));
    const floor = y - size - 4 > tall ? y - size - 4 : y + size + tall + 4;
    g.fillStyle = this.colors.ground;
    g.fillRect(middle - wide / 2, floor - tall, wide, tall * 1.3);
    g.fillStyle = this.colors.text;
    g.fillText(name, middle, floor);
  }
}

export default {
  render({ model, el }) {
    const stage = new Stage(model, el);
    return () => stage.end();
  },
};
