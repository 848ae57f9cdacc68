"use strict";
// Shows the ticket of the token behind the `#`. The stream says that something happened; what, is asked anew: so what
// is shown always belongs together. All that comes from outside becomes text, never markup.

const SILENT_MS = 30000;  // the stream gives a sign of life every 15 s; without one it is asked instead
const STEADY_MS = 10000;  // a stream that lasted so long was a good one: the next pause is short again
const LONGEST_PAUSE_MS = 30000;
const FIRST_PAUSE_MS = 1000;
const TICK_MS = 30000;
const REFUSE_RESUMING = [400, 410, 422];  // where it left off is not known any more: then from the beginning
const NETWORKS = ["network", "to"];

const WORDS = JSON.parse(document.getElementById("words").textContent);
const token = location.hash.slice(1);
let lang = languageOf(navigator.languages);
let seen = null;  // the last answer of /v1/track
let standing = "loading";
let seenAt = null;
let isFresh = false;
let lastEventId = null;
let failures = 0;

class Dead extends Error {}

class Refused extends Error {
  constructor(answer) {
    super(answer.status);
    this.status = answer.status;
    this.pauseMs = 1000 * (Number(answer.headers.get("Retry-After")) || 0);
  }
}

// Asking and following.

async function run() {
  if (!/^vrt_[!-~]+$/.test(token)) return die();
  for (;;) {
    let pauseMs = 0;
    try {
      await load();
      await follow();
    } catch (error) {
      if (error instanceof Dead) return die();
      if (error instanceof Refused) {
        pauseMs = error.pauseMs;
        if (REFUSE_RESUMING.includes(error.status)) lastEventId = null;
      }
      stand(isFresh ? "asking" : "trying");
    }
    const growing = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures++);
    await pause(Math.max(pauseMs, growing * (0.5 + Math.random() / 2)));
  }
}

async function load() {
  isFresh = false;
  const patience = waiting();
  try {
    const answer = await ask("/v1/track", {}, patience.signal);
    seen = await answer.json();
  } finally {
    patience.end();
  }
  isFresh = true;
  seenAt = Date.now();
  show();
}

async function follow() {
  const patience = waiting();
  const began = Date.now();
  try {
    const headers = lastEventId ? { "Last-Event-ID": lastEventId } : {};
    const answer = await ask("/v1/track/stream", headers, patience.signal);
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      patience.renew();
      stand("live");
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop();
      if (blocks.map(isNews).includes(true)) await load();
    }
  } finally {
    patience.end();
    if (Date.now() - began > STEADY_MS) failures = 0;
  }
}

function isNews(block) {
  const id = /^id: (\d+)$/m.exec(block);
  const data = /^data: (.*)$/m.exec(block);
  if (id) lastEventId = id[1];
  return data !== null && JSON.parse(data[1]).seq > Math.max(0, ...seen.steps.map((step) => step.seq));
}

async function ask(path, headers, signal) {
  const options = { cache: "no-store", credentials: "omit", signal };
  const answer = await fetch(path, { ...options, headers: { Authorization: `Bearer ${token}`, ...headers } });
  if (answer.status === 401) throw new Dead();
  if (!answer.ok) throw new Refused(answer);
  return answer;
}

function waiting() {
  const controller = new AbortController();
  let timer;
  const end = () => { clearTimeout(timer); controller.abort(); };
  const renew = () => { clearTimeout(timer); timer = setTimeout(end, SILENT_MS); };
  renew();
  return { signal: controller.signal, renew, end };
}

function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
    addEventListener("online", resolve, { once: true });
  });
}

// Words.

function languageOf(languages) {
  const known = languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in WORDS);
  return known || "zh";
}

const locale = () => navigator.languages.find((tag) => tag.toLowerCase().startsWith(lang)) || lang;
const fill = (text, values) => text.replace(/\{(\w*)\}/g, (_, name) => values[name]);
const label = (name, values) => fill(WORDS[lang].labels[name], values);
const word = (code) => WORDS[lang].codes[code] || code;

function moment(instant) {
  const parts = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(locale(), parts).format(new Date(instant));
}

function length(ms) {
  const minutes = Math.floor(Math.abs(ms) / 60000);
  const parts = [["day", Math.floor(minutes / 1440)], ["hour", Math.floor(minutes / 60) % 24], ["minute", minutes % 60]];
  const told = parts.filter(([, count]) => count).slice(0, 2);
  return (told.length ? told : parts.slice(2)).map(([unit, count]) => inUnit(unit, count)).join(" ");
}

function inUnit(unit, count) {
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "short" }).format(count);
}

function network(code) {
  const name = seen.networks[code];
  return label("network", { "": name ? name[lang] : code });
}

function sentence(step) {
  const { steps, more } = WORDS[lang];
  const values = {};
  for (const [name, value] of Object.entries(step)) {
    const isInstant = name.endsWith("_at") || name.endsWith("_by");
    values[name] = NETWORKS.includes(name) ? network(value) : isInstant ? moment(value) : word(value);
  }
  const said = steps[`${step.type}.${step.stage}`] || steps[step.type] || step.type;
  const added = Object.keys(more).filter((name) => name in step).map((name) => more[name]);
  return fill([said, ...added].join(""), values);
}

// The page.

const at = (id) => document.getElementById(id);

function element(name, attributes, ...inside) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...inside);
  return made;
}

function show() {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  at("switch").textContent = label("switch");
  at("switch").lang = lang === "zh" ? "en" : "zh-CN";
  at("switch").hidden = false;
  showStanding();
  if (!seen) return;
  const status = WORDS[lang].statuses[seen.status] || seen.status;
  document.title = `${seen.ticket} · ${status}`;
  at("number").textContent = `${label("ticket")} ${seen.ticket}`;
  at("status").textContent = status;
  at("waiting").textContent = seen.waiting_for ? word(seen.waiting_for) : "";
  at("status").className = seen.restored_at ? "restored" : "";
  at("title").textContent = label("steps");
  showFacts();
  showSteps();
  at("shown").hidden = false;
}

function showStanding() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isNotice = standing === "loading" || standing === "trying";
  const said = label(standing, { "": seenAt ? moment(seenAt) : "" });
  const notice = isNotice ? [element("p", { className: "notice" }, said)] : [];
  if (at("notice").textContent !== (isNotice ? said : "")) at("notice").replaceChildren(...notice);
  at("standing").textContent = seen ? [isNotice ? "" : said, label("zone", { "": zone })].join(" ") : "";
}

function showFacts() {
  const isOpen = !seen.restored_at && !seen.closed_at;
  const rows = [["impact", word(seen.impact)], ["reported", moment(seen.reported_at)]];
  if (seen.restored_at) rows.unshift(["restored", moment(seen.restored_at)]);
  else if (isOpen) rows.unshift(["expected", ...expectation()]);
  if (seen.promised_at) rows.splice(1, 0, ["promised", moment(seen.promised_at), isOpen && left(seen.promised_at)]);
  at("facts").replaceChildren(...rows.map(([name, ...told]) => {
    return element("div", {}, element("dt", {}, label(name)), element("dd", {}, ...told.filter(Boolean)));
  }));
}

function expectation() {
  const told = seen.expected_restoration;
  if (!told) return [label("unknown")];
  const over = told.overdue_since && length(Date.now() - new Date(told.overdue_since));
  return [
    moment(told.at), left(told.at, told.to),
    told.from && told.to && element("small", {}, label("between", { from: moment(told.from), to: moment(told.to) })),
    over && element("small", {}, label("had_said", { at: moment(told.overdue_since), over })),
  ];
}

function left(instant, latest) {
  const ms = new Date(instant) - Date.now();
  if (ms >= 0) return element("small", {}, label("left", { "": length(ms) }));
  if (latest && new Date(latest) > Date.now()) return null;
  const late = element("span", { className: "late" }, label("overdue", { "": length(ms) }));
  return element("small", {}, late);
}

// Steps are only ever added to a log: those that are shown stay, and a screen reader reads what is new.
function showSteps() {
  const list = at("steps");
  if (list.lang !== lang) list.replaceChildren();
  list.lang = lang;
  for (const step of seen.steps.slice(list.children.length)) {
    list.append(element("li", {}, element("time", { dateTime: step.at }, moment(step.at)), sentence(step)));
  }
}

function stand(how) {
  standing = how;
  showStanding();
}

function die() {
  const said = seen ? "ended" : "dead";
  const sentences = Object.entries(WORDS).map(([lang, { labels }]) => element("p", { lang }, labels[said]));
  at("notice").replaceChildren(element("div", { className: "notice dead" }, ...sentences));
  document.title = "VIP Response Center";
  at("standing").textContent = "";
  for (const id of ["shown", "switch"]) at(id).remove();
  seen = null;
  clearInterval(ticking);
}

at("switch").addEventListener("click", () => {
  lang = lang === "zh" ? "en" : "zh";
  show();
});
addEventListener("hashchange", () => location.reload());
const ticking = setInterval(() => seen && showFacts(), TICK_MS);
show();
run();
